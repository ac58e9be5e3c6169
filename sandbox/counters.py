"""What the kernel counts of a run beyond its control group: faults, switches, migrations, system calls, bytes.

perf_event_open(2) events are opened on the program while it waits to be released, inherited by all it starts, and
count from its execve on; what a runtime that was started ahead has counted by then is taken off. They need root or
CAP_PERFMON. Without them, init's rusage gives faults and switches of the program and the children it waited for. What
nobody counted is None.
"""

import contextlib
import ctypes
import fcntl
import os
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sandbox.kernel_files import read

_SYS_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
_PERF_TYPE_SOFTWARE = 1
_PERF_TYPE_TRACEPOINT = 2
_SOFTWARE_EVENTS = {"page_faults": 2, "context_switches": 3, "cpu_migrations": 4, "page_faults_major": 6}
# Of struct perf_event_attr's bit field.
_DISABLED = 1 << 0
_INHERIT = 1 << 1
_FROM_EXECVE = 1 << 12
_PERF_EVENT_IOC_ENABLE = 0x2400
_ATTRIBUTES = struct.Struct("=IIQQQQQ")
_ATTRIBUTES_BYTES = 64  # PERF_ATTR_SIZE_VER0
_FD_CLOEXEC = 1 << 3
_COUNT = struct.Struct("=Q")
_CLONE_NEWNS = 0x0002_0000
_MS_PRIVATE_REC = (1 << 18) | (1 << 14)
_libc = ctypes.CDLL(None, use_errno=True)


class PerfCounters:
    """The open perf events of one run; those that could not be opened are simply not there."""

    def __init__(self, pid: int | None, *, executed: bool = False) -> None:
        """Open them on process `pid`, before its execve or, where that is over, `executed`.

        None at all for None. What happened before `start` is not counted.
        """
        self._events: dict[str, int] = {}
        self._before: Mapping[str, int] = {}
        self._executed = executed
        if pid is None:
            return
        flags = _DISABLED | _INHERIT | (0 if executed else _FROM_EXECVE)
        for name, (kind, config) in _wanted().items():
            descriptor = _open(kind, config, pid, flags)
            if descriptor is not None:
                self._events[name] = descriptor

    def start(self) -> None:
        """The program is about to be let go."""
        self._before = self._counts()
        if self._executed:
            for descriptor in self._events.values():
                fcntl.ioctl(descriptor, _PERF_EVENT_IOC_ENABLE, 0)

    def read(self) -> Mapping[str, int]:
        """Read the counts, after the last process has ended."""
        return {name: count - self._before.get(name, 0) for name, count in self._counts().items()}

    def _counts(self) -> Mapping[str, int]:
        return {name: _COUNT.unpack(os.read(descriptor, 8))[0] for name, descriptor in self._events.items()}

    def close(self) -> None:
        """Give the events back."""
        for descriptor in self._events.values():
            os.close(descriptor)
        self._events.clear()


@cache
def _wanted() -> Mapping[str, tuple[int, int]]:
    events = {name: (_PERF_TYPE_SOFTWARE, config) for name, config in _SOFTWARE_EVENTS.items()}
    tracepoint = _syscall_tracepoint() if os.geteuid() == 0 else None
    if tracepoint is not None:
        events["system_calls"] = (_PERF_TYPE_TRACEPOINT, tracepoint)
    for kind, config in events.values():
        # With the first event of a kind the kernel patches its own code, and again with the last one's end, which for
        # a tracepoint also waits for every CPU (45 ms a run, measured). One of our own, which never counts, is never
        # the last: it stays open as long as the process.
        _open(kind, config, os.getpid(), _DISABLED)
    return events


def _open(kind: int, config: int, pid: int, flags: int) -> int | None:
    number = _SYS_PERF_EVENT_OPEN.get(os.uname().machine)
    if number is None:
        return None
    attributes = _ATTRIBUTES.pack(kind, _ATTRIBUTES_BYTES, config, 0, 0, 0, flags).ljust(_ATTRIBUTES_BYTES, b"\0")
    descriptor: int = _libc.syscall(number, attributes, pid, -1, -1, _FD_CLOEXEC)
    return descriptor if descriptor >= 0 else None


def _syscall_tracepoint() -> int | None:
    """Find the number of `raw_syscalls:sys_enter`, in a mount of tracefs that only a short-lived child sees."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _tell_tracepoint(writer)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read().strip()
    os.waitpid(child, 0)
    return int(text) if text else None


def _tell_tracepoint(writer: int) -> None:
    try:
        mounted = (
            _libc.unshare(_CLONE_NEWNS) == 0
            and _libc.mount(b"none", b"/", None, _MS_PRIVATE_REC, None) == 0
            and _libc.mount(b"none", b"/mnt", b"tracefs", 0, None) == 0
        )
        if mounted:
            os.write(writer, Path("/mnt/events/raw_syscalls/sys_enter/id").read_bytes())
    finally:
        os._exit(0)


def bytes_moved(pid: int) -> Mapping[str, int]:
    """Read what a program (and the children it waited for) read and wrote by system calls; empty where not shown."""
    with contextlib.suppress(OSError):
        table = dict(line.split(": ") for line in read(f"/proc/{pid}/io").splitlines())
        return {"bytes_read": int(table["rchar"]), "bytes_written": int(table["wchar"])}
    return {}

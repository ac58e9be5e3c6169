"""The keeper's side of the conversation with `init.c`, and how that program is built.

Structures and their order are those of `init.c`; numbers are native byte order because both ends are one machine.
"""

import array
import errno
import hashlib
import os
import resource
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from sandbox.kernel_files import read
from sandbox.limits import Limits
from sandbox.result import SandboxError

SOURCE = Path(__file__).with_name("init.c")
COMPILER = ("cc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-s")
STATIC = ("-static",)
ZYGOTE = ("-DZYGOTE", "-shared", "-fPIC")

_REPORT = struct.Struct("=IiiiQQQQQQQ")
_REQUEST = struct.Struct("=IIIIIIIII")
_LINE = struct.Struct("=IIQQQQ")
_LIMIT = struct.Struct("=QQ")
_FILTER_INSTRUCTION_BYTES = 8
_DESCRIPTOR_BYTES = array.array("i").itemsize

LAST_WORDS_S = 0.1
CLD_EXITED = 1
"""`si_code` of a program that exited by itself; others were ended by the signal in `si_status`."""


class Kind(IntEnum):
    """What a report tells."""

    STANDING = 1
    READY = 2
    ENDED = 3
    FAILED = 4


STEPS = (
    *("none", "opening the box", "reading the request", "clone", "stdio", "chdir", "setrlimit", "setuid"),
    *("dropping capabilities", "no_new_privs", "seccomp", "descriptors", "waiting", "making a cgroup namespace"),
    *("mounting", "raising the loopback", "entering its control group"),
)


@dataclass
class Report:
    """One message of init, with the descriptors that came with it."""

    kind: int
    code: int
    status: int
    error: int
    user_us: int
    system_us: int
    max_rss_kb: int
    minor_faults: int
    major_faults: int
    voluntary_switches: int
    involuntary_switches: int
    descriptors: tuple[int, ...] = ()

    def close(self) -> None:
        """Close what came with it, which nobody takes."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = ()

    @property
    def exit_code(self) -> int | None:
        """The exit code of a program that ended by itself."""
        return self.status if self.code == CLD_EXITED else None

    @property
    def exit_signal(self) -> int | None:
        """The signal that ended the program."""
        return None if self.code == CLD_EXITED else self.status


class Launcher(IntEnum):
    """What the child becomes: a program, or what makes jails within this one: init itself, or an interpreter."""

    NONE = 0
    OWN = 1
    INTERPRETER = 2


def line_message(uid: int, *, box: tuple[int, int], scratch: tuple[int, int]) -> bytes:
    """Write what comes with the line of a jail within a jail: sizes are bytes and inodes, `uid` is that inside."""
    return _LINE.pack(uid, 0, *box, *scratch)


@dataclass(frozen=True)
class Order:
    """What init is asked to run: identity inside the jail, limits, filter, command line."""

    uid: int
    drop_groups: bool
    limits: Limits
    backstop_cpu_s: int
    processes_rlimit: int | None
    """RLIMIT_NPROC, where no cgroup counts processes."""
    seccomp_filter: bytes
    cwd: str
    argv: Sequence[str]
    environment: Sequence[str]
    launcher: Launcher = Launcher.NONE


def rlimits(limits: Limits, *, backstop_cpu_s: int) -> list[tuple[int, int]]:
    """List the resource limits of a program; those that the cgroup holds are not among them."""
    return [
        # Not 0, which a core_pattern that is a pipe does not heed; one byte is too little for any core (core(5)).
        (resource.RLIMIT_CORE, 1),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_STACK, limits.stack_bytes),
        (resource.RLIMIT_MEMLOCK, limits.memory_bytes),
        (resource.RLIMIT_MSGQUEUE, 819_200),
        (resource.RLIMIT_SIGPENDING, 4096),
        (resource.RLIMIT_RTPRIO, 0),
        # The keeper is exact to the millisecond; this only catches a keeper that does not get to run.
        (resource.RLIMIT_CPU, backstop_cpu_s),
    ]


def encode(order: Order) -> bytes:
    """Write the request as init reads it."""
    strings = [order.cwd, *order.argv, *order.environment]
    if any("\0" in text for text in strings):
        raise SandboxError("a NUL in an argument or in the environment cannot be passed on")
    table = rlimits(order.limits, backstop_cpu_s=order.backstop_cpu_s)
    if order.processes_rlimit is not None:
        table.append((resource.RLIMIT_NPROC, order.processes_rlimit))
    payload = b"".join(_LIMIT.pack(number, value) for number, value in table) + order.seccomp_filter
    payload += b"".join(os.fsencode(text) + b"\0" for text in strings)
    head = _REQUEST.pack(
        len(payload),
        order.uid,
        order.uid,
        order.drop_groups,
        len(table),
        len(order.seccomp_filter) // _FILTER_INSTRUCTION_BYTES,
        len(order.argv),
        len(order.environment),
        order.launcher,
    )
    return head + payload


class Channel:
    """Our end of the socket to one init."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end

    def fileno(self) -> int:
        """Let a selector wait for it."""
        return self.socket.fileno()

    def close(self) -> None:
        """Hang up; init ends its jail when it notices."""
        self.socket.close()

    def receive(self, timeout_s: float) -> Report | None:
        """Wait for the next report; None when init hung up. Raises SandboxError after `timeout_s` or for FAILED."""
        self.socket.settimeout(timeout_s)
        try:
            # Not socket.recv_fds: in Python 3.11 it forgets the flags, and what came would be inheritable.
            data, ancillary, _, _ = self.socket.recvmsg(
                _REPORT.size, socket.CMSG_SPACE(3 * _DESCRIPTOR_BYTES), socket.MSG_WAITALL | socket.MSG_CMSG_CLOEXEC
            )
        except TimeoutError as error:
            raise SandboxError(f"init said nothing for {timeout_s} s") from error
        except ConnectionError:
            return None
        if len(data) < _REPORT.size:
            return None
        report = Report(*_REPORT.unpack(data))
        report.descriptors = tuple(number for _, _, content in ancillary for number in array.array("i", content))
        if report.kind == Kind.FAILED:
            raise SandboxError(f"init failed at {STEPS[report.code]}: {os.strerror(report.error)}")
        return report

    def expect(self, kind: Kind, timeout_s: float) -> Report:
        """Wait for a report of this kind. Raises SandboxError for anything else."""
        report = self.receive(timeout_s)
        if report is None or report.kind != kind:
            if report is not None:
                report.close()
            raise SandboxError(f"init hung up or said {report and report.kind!r} where {kind!r} was due")
        return report

    def order(self, order: Order, descriptors: Sequence[int], timeout_s: float) -> None:
        """Send the request to the child that becomes the program, with its stdin, stdout and stderr.

        Behind those may come what it goes into its control groups by: it writes a 0 to each, before anything else.
        """
        message = encode(order)
        self.socket.settimeout(timeout_s)
        try:
            sent = socket.send_fds(self.socket, [message[: _REQUEST.size]], list(descriptors))
            self.socket.sendall(message[sent:])
        except OSError as error:
            raise SandboxError(f"init took no request: {error}{self._last_words()}") from error

    def _last_words(self) -> str:
        """Give what init said why, if it did."""
        try:
            report = self.receive(LAST_WORDS_S)
        except SandboxError as told:
            return f" ({told})"
        if report is not None:
            report.close()
        return ""

    def say(self, byte: bytes) -> bool:
        """Send one byte (`g` or `b`); False where init is gone already."""
        try:
            self.socket.sendall(byte)
        except OSError as error:
            if error.errno in {errno.EPIPE, errno.ECONNRESET}:
                return False
            raise
        return True


def signal_process(pidfd: int, number: int) -> None:
    """Send a signal through a pidfd; a process that is gone is fine."""
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return


def host_pid(pidfd: int) -> int:
    """Read which process a pidfd means, as a pid of our own namespace. Raises SandboxError when it is gone."""
    for line in read(f"/proc/self/fdinfo/{pidfd}").splitlines():
        name, _, value = line.partition(":")
        if name == "Pid" and int(value) > 0:
            return int(value)
    raise SandboxError("a process of the jail ended before it was released")


def built_path(state_dir: Path, name: str = "init") -> Path:
    """Where the built init lies: named by its source, so that a new source is a new file."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    return state_dir / "sandbox" / f"{name}-{digest}"


def build(state_dir: Path) -> Path:
    """Compile init.c unless that was done. Gives its path; raises SandboxError with what the compiler said."""
    return _build(built_path(state_dir), STATIC)


def build_zygote(state_dir: Path) -> Path:
    """Compile init.c as what an interpreter loads to make jails. Gives its path; raises SandboxError."""
    return _build(built_path(state_dir, "zygote"), ZYGOTE)


def _build(target: Path, how: Sequence[str]) -> Path:
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.{time.monotonic_ns()}")
    command = [*COMPILER, *how, "-o", str(scratch), str(SOURCE)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise SandboxError("no C compiler to build init with: apt-get install -y gcc libc6-dev") from error
    except subprocess.CalledProcessError as error:
        raise SandboxError(f"init.c does not build: {error.stderr}") from error
    scratch.chmod(0o755)
    scratch.rename(target)
    return target

"""Counting without control groups: the keeper looks at the jail's processes every 5 ms (`SHIPD_CGROUPS=none`).

What it sees is less than what the kernel knows: a process that lives shorter than a tick is missed but for what its
parent collected, memory shared between processes counts for each. Usage says `sampled` for that reason.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sandbox.cgroup import GroupStats
from sandbox.limits import Limits

TICK_S = 0.005
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class SampledHierarchy:
    """Stands where the control groups would be."""

    version = "none"

    def prepare_slot(self, slot: str, cpus: Sequence[int]) -> None:
        """Nothing is made, so nothing was left behind: jails end with their keeper."""

    def create(self, slot: str, limits: Limits) -> "SampledGroup":
        """See sandbox.cgroup.Hierarchy."""
        del slot
        return SampledGroup(limits)


class SampledGroup:
    """The processes of one run, found below its first one."""

    source = "sampled"
    tick_s = TICK_S

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.first = 0
        self.cpu: dict[int, int] = {}
        self.memory_peak = 0
        self.pids_peak = 0
        self.filesystem_bytes: Callable[[], int] = lambda: 0

    def watch_files(self, used_bytes: Callable[[], int]) -> None:
        """See sandbox.cgroup.Group."""
        self.filesystem_bytes = used_bytes

    def add(self, pid: int) -> None:
        """See sandbox.cgroup.Group. Orphans become children of init, so those of init are looked at, not of `pid`."""
        self.first = _parent(pid)
        self._sample()

    def cpu_us(self) -> int:
        """Sum of what every process was last seen to have spent; one that ended keeps its last figure."""
        self._sample()
        return sum(self.cpu.values())

    def memory_exceeded(self) -> bool:
        """See sandbox.cgroup.Group."""
        return self.memory_peak > self.limits.memory_bytes

    def stats(self) -> GroupStats:
        """See sandbox.cgroup.Group. No kernel record says why a fork failed, so none is reported."""
        return GroupStats(
            cpu_us=sum(self.cpu.values()),
            user_us=None,
            system_us=None,
            memory_peak_bytes=self.memory_peak or None,
            oom_kills=int(self.memory_exceeded()),
            pids_peak=self.pids_peak or None,
            forks_refused=0,
        )

    def remove(self) -> None:
        """Nothing was made."""

    def _sample(self) -> None:
        memory = 0
        pids = list(_descendants(self.first))
        for pid in pids:
            self.cpu[pid] = max(self.cpu.get(pid, 0), _cpu_us(pid))
            memory += _resident_bytes(pid) if len(pids) == 1 else _proportional_bytes(pid)
        self.pids_peak = max(self.pids_peak, len(pids))
        if pids:
            self.memory_peak = max(self.memory_peak, memory + self.filesystem_bytes())


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))


def _descendants(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in map(int, children):
        yield child
        yield from _descendants(child)


def _cpu_us(pid: int) -> int:
    """CPU time of a process: its threads by its own clock (clock_getcpuclockid(3)), its dead children by /proc."""
    try:
        own = time.clock_gettime_ns((~pid << 3) | 2) // 1000
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return 0
    return own + (int(fields[13]) + int(fields[14])) * 1_000_000 // _CLOCK_TICKS


def _proportional_bytes(pid: int) -> int:
    """Memory of one of several processes, what they share divided among them; dearer to ask for than the plain size."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident_bytes(pid)
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0

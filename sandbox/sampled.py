"""Counting without control groups: the keeper looks at the jail's processes every 5 ms (`SHIPD_CGROUPS=none`).

What it sees is less than what the kernel knows: a process that lives shorter than a tick is missed but for what its
parent collected, and memory that no process has mapped (a memfd, a System V segment, a pipe's buffer) is not seen at
all. Usage says `sampled` for that reason.
"""

import math
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.cgroup import GroupStats
from sandbox.kernel_files import read
from sandbox.limits import Limits

TICK_S = 0.005
LOOKS = 4
"""How often it is looked again where somebody ended while it was looked."""
SCRATCH_FOLDERS = ("tmp", "dev/shm")
"""File systems of the jail beside its box that hold memory."""
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class SampledHierarchy:
    """Stands where the control groups would be."""

    version = "none"

    def prepare_slot(self, slot: str, cpus: Sequence[int]) -> None:
        """Nothing is made, so nothing was left behind: jails end with their keeper."""

    def forget(self, but: Collection[str] = ()) -> None:
        """See sandbox.cgroup.Hierarchy: there are no groups."""

    def tidy(self) -> None:
        """See sandbox.cgroup.Hierarchy: there are no groups."""

    def keep(self, slot: str, pid: int) -> None:
        """See sandbox.cgroup.Hierarchy: nothing makes jails ahead without control groups."""

    def create(self, slot: str) -> "SampledGroup":
        """See sandbox.cgroup.Hierarchy."""
        del slot
        return SampledGroup()


@dataclass(frozen=True)
class Spent:
    """What one process was last seen to have spent."""

    parent: int
    own_us: int
    collected_us: int
    """Of the children it waited for, and theirs; in clock ticks, so up to 20 ms too little."""


@dataclass(frozen=True)
class Held:
    """What one process holds: memory of its own and mapped files; and shared memory, which may be a tmpfs file's."""

    own_bytes: int
    shared_bytes: int


class SampledGroup:
    """The processes of one run, found below its first one."""

    source = "sampled"
    tick_s = TICK_S

    def __init__(self) -> None:
        self.memory_bytes = math.inf
        self.first = 0
        self.seen: dict[int, Spent] = {}
        """By pid; parents before their children."""
        self.gone_us: dict[int, int] = {}
        """By pid: what those of its children that are gone were last seen to have spent."""
        self.cpu_peak_us = 0
        """A clock that never goes back: where processes come and go, a later look may find less than an earlier one."""
        self.memory_peak = 0
        self.pids_peak = 0
        self.box_bytes: Callable[[], int] = lambda: 0
        self._folders: list[int] = []
        self._before_us = 0

    def watch_files(self, used_bytes: Callable[[], int]) -> None:
        """See sandbox.cgroup.Group."""
        self.box_bytes = used_bytes

    def let_in(self, pid: int) -> list[int]:
        """See sandbox.cgroup.Group. Orphans become children of init, so those of init are looked at, not of `pid`."""
        self.first = _parent(pid)
        self._folders = [
            os.open(f"/proc/{pid}/root/{name}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for name in SCRATCH_FOLDERS
        ]
        self._sample()
        return []

    def holds(self, pid: int) -> bool:
        """See sandbox.cgroup.Group. Nothing holds it; it is looked for below its parent, wherever it is."""
        return _parent(pid) == self.first

    def limit(self, limits: Limits) -> None:
        """See sandbox.cgroup.Group."""
        self.memory_bytes = limits.memory_bytes

    def start(self) -> None:
        """See sandbox.cgroup.Group."""
        self._before_us = self._spent_us()

    def cpu_us(self) -> int:
        """Sum of what every process was last seen to have spent."""
        self._sample()
        self.cpu_peak_us = max(self.cpu_peak_us, self._spent_us())
        return self.cpu_peak_us - self._before_us

    def settled(self) -> bool:
        """See sandbox.cgroup.Group: who may still be there is not known until init has ended."""
        return False

    def memory_exceeded(self) -> bool:
        """See sandbox.cgroup.Group."""
        return self.memory_peak > self.memory_bytes

    def stats(self) -> GroupStats:
        """See sandbox.cgroup.Group. No kernel record says why a fork failed, so none is reported.

        A program that filled a file system and ended within a tick left what it wrote: that is looked at once more.
        """
        self.memory_peak = max(self.memory_peak, self._file_bytes())
        # All have ended: what they spent must not stand beside the count of an init that nobody has collected yet.
        self._account({})
        return GroupStats(
            cpu_us=max(self.cpu_peak_us, self._spent_us()) - self._before_us,
            user_us=None,
            system_us=None,
            memory_peak_bytes=self.memory_peak or None,
            oom_kills=int(self.memory_exceeded()),
            pids_peak=self.pids_peak or None,
            forks_refused=0,
        )

    def remove(self) -> None:
        """Nothing was made; the jail's file systems are let go."""
        for descriptor in self._folders:
            os.close(descriptor)
        self._folders = []

    def _sample(self) -> None:
        found: dict[int, int] = {}
        for _ in range(LOOKS):
            found = dict(descendants(self.first))
            if not found:
                return  # the end: what was seen last stands
            self._account(found)
            # A child that ended meanwhile may stand in its own count and in that of the parent that collected it.
            if all(Path(f"/proc/{pid}").exists() for pid in found):
                break
        self.pids_peak = max(self.pids_peak, len(found))
        held = [_held(pid, alone=len(found) == 1) for pid in found]
        # A file of a tmpfs that is mapped counts on both sides, so only the larger one is taken.
        shared = max(sum(one.shared_bytes for one in held), self._file_bytes())
        self.memory_peak = max(self.memory_peak, shared + sum(one.own_bytes for one in held))

    def _account(self, parents: Mapping[int, int]) -> None:
        """Take note of who is there; what those had spent that are gone stays with their parents."""
        missed = {}
        for pid, spent in reversed(self.seen.items()):
            if pid in parents:
                continue
            if Path(f"/proc/{pid}").exists():  # it got another parent while the tree was walked
                missed[pid] = spent
            else:
                self.gone_us[spent.parent] = self.gone_us.get(spent.parent, 0) + self._figure(pid, spent)
        self.seen = missed | {pid: _spent(pid, parent, self.seen.get(pid)) for pid, parent in parents.items()}

    def _figure(self, pid: int, spent: Spent) -> int:
        """What a process and its ended children spent, none counted twice.

        Children that it waited for stand in its own count too, rounded down; those that it did not wait for (SIGCHLD
        ignored) stand in ours alone: the larger of the two has them all.
        """
        return spent.own_us + max(spent.collected_us, self.gone_us.get(pid, 0))

    def _spent_us(self) -> int:
        init = self._figure(self.first, Spent(0, 0, _collected_us(self.first)))
        return init + sum(self._figure(pid, spent) for pid, spent in self.seen.items())

    def _file_bytes(self) -> int:
        return self.box_bytes() + sum(_used_bytes(descriptor) for descriptor in self._folders)


def _used_bytes(descriptor: int) -> int:
    status = os.fstatvfs(descriptor)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def _parent(pid: int) -> int:
    status = read(f"/proc/{pid}/status")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))


def descendants(first: int) -> Iterator[tuple[int, int]]:
    """Give every process below this one with its parent, parents first."""
    parents = [first]
    for parent in parents:  # it grows meanwhile
        for child in _children(parent):
            yield child, parent
            parents.append(child)


def _children(pid: int) -> Iterator[int]:
    """Give the children of a process: each of its threads has those that it made itself."""
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - every 5 ms: names are all that is needed
            yield from map(int, read(f"/proc/{pid}/task/{thread}/children").split())
    except (FileNotFoundError, ProcessLookupError):
        return


def _spent(pid: int, parent: int, before: Spent | None) -> Spent:
    """CPU time of a process by its own clock (clock_getcpuclockid(3)), which is finer than /proc."""
    try:
        own_us = time.clock_gettime_ns((~pid << 3) | 2) // 1000
    except OSError:
        own_us = 0
    collected_us = _collected_us(pid)
    if before is None:
        return Spent(parent, own_us, collected_us)
    return Spent(parent, max(own_us, before.own_us), max(collected_us, before.collected_us))


def _collected_us(pid: int) -> int:
    try:
        fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) * 1_000_000 // _CLOCK_TICKS
    except (OSError, IndexError):
        return 0


def _held(pid: int, *, alone: bool) -> Held:
    """Memory of a process. Where there are several, what they share is divided among them, which is dearer to ask."""
    own, shared = ("RssAnon", "RssFile"), "RssShmem"
    table = {} if alone else _sizes(f"/proc/{pid}/smaps_rollup")
    if "Pss_Shmem" in table:
        own, shared = ("Pss_Anon", "Pss_File"), "Pss_Shmem"
    else:
        table = _sizes(f"/proc/{pid}/status")
    return Held(sum(table.get(name, 0) for name in own), table.get(shared, 0))


def _sizes(path: str) -> Mapping[str, int]:
    """Read the lines `Name: number kB`; nothing where the process is gone."""
    try:
        lines = read(path).splitlines()
    except OSError:
        return {}
    return {
        name: int(value[:-2]) * 1024 for name, _, value in (line.partition(":") for line in lines) if value[-2:] == "kB"
    }

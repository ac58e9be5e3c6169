"""Control groups, version 1 and 2: what holds and counts the memory, CPU time and processes of one run.

Layout: `shipd-<instance>/<slot>/run-<n>` under every controller's mount (v1) or under the one tree (v2). The slot's
group holds the CPU set; each run has a group of its own, so that its counters start at nothing and its records of OOM
kills and refused forks are of this run alone. Which version is there is found out, never assumed.

Sources: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the kernel.
"""

import contextlib
import errno
import itertools
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.limits import Limits
from sandbox.result import SandboxError

log = logging.getLogger(__name__)

CPU_PERIOD_US = 20_000
"""Short, so that half a CPU is half of every fiftieth of a second."""
REMOVE_PATIENCE_S = 1.0
V1_CONTROLLERS = ("memory", "cpu", "cpuacct", "pids", "cpuset")
V2_CONTROLLERS = ("memory", "cpu", "pids", "cpuset")


@dataclass(frozen=True)
class GroupStats:
    """The counters of one run, read after its last process has ended."""

    cpu_us: int
    user_us: int | None
    system_us: int | None
    memory_peak_bytes: int | None
    oom_kills: int
    pids_peak: int | None
    forks_refused: int


class Group(Protocol):
    """What the keeper needs of whoever counts a run."""

    @property
    def source(self) -> str:
        """Who counts: `cgroup` or `sampled`."""

    @property
    def tick_s(self) -> float | None:
        """Look at least this often; None where the counters are exact whenever they are read."""

    def watch_files(self, used_bytes: Callable[[], int]) -> None:
        """Learn how to ask what the jail's file systems hold, which counts as memory."""

    def add(self, pid: int) -> None:
        """Put a process in, and with it all it will start."""

    def cpu_us(self) -> int:
        """CPU time spent so far."""

    def memory_exceeded(self) -> bool:
        """Whether the keeper must end the run for its memory (the kernel does so itself where it counts)."""

    def stats(self) -> GroupStats:
        """Read everything, after the end."""

    def remove(self) -> None:
        """Remove what was made; no process is left in it."""


class Hierarchy(Protocol):
    """One host's control groups."""

    @property
    def version(self) -> str:
        """`v1`, `v2` or `none`."""

    def prepare_slot(self, slot: str, cpus: Sequence[int]) -> None:
        """Make the slot's group with its CPU set, and kill and remove what an earlier holder left there."""

    def create(self, slot: str, limits: Limits) -> Group:
        """Make the group of one run."""


_numbers = itertools.count(1)


def detect(instance: str, mounts: Path = Path("/proc/self/mounts")) -> Hierarchy:
    """Find the controllers of this host. Raises SandboxError saying what is missing."""
    v1, v2 = _mounted(mounts.read_text())
    missing = [name for name in V1_CONTROLLERS if name not in v1]
    if not missing:
        return HierarchyV1(f"shipd-{instance}", {name: v1[name] for name in V1_CONTROLLERS})
    if v2 is not None and not _v2_lacks(v2):
        return HierarchyV2(f"shipd-{instance}", v2)
    lacks = f"cgroup v2 at {v2} lacks {_v2_lacks(v2)}" if v2 is not None else "cgroup v2 is not mounted"
    raise SandboxError(f"no usable control groups: cgroup v1 lacks {missing}; {lacks}")


def _mounted(table: str) -> tuple[dict[str, Path], Path | None]:
    v1: dict[str, Path] = {}
    v2: Path | None = None
    for line in table.splitlines():
        _, path, kind, options, *_ = line.split()
        if kind == "cgroup":
            v1.update({name: Path(path) for name in options.split(",") if name in V1_CONTROLLERS})
        elif kind == "cgroup2" and v2 is None:
            v2 = Path(path)
    return v1, v2


def _v2_lacks(root: Path) -> list[str]:
    there = (root / "cgroup.controllers").read_text().split()
    return [name for name in V2_CONTROLLERS if name not in there]


def write(path: Path, value: object) -> None:
    """Write one control file. Raises SandboxError naming file and value."""
    try:
        path.write_text(str(value))
    except OSError as error:
        raise SandboxError(f"{path} does not take {value!r}: {error.strerror}") from error


def make(path: Path) -> None:
    """Make a group with the groups above it. Raises SandboxError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SandboxError(f"cannot make control group {path}: {error.strerror}") from error


def keyed(path: Path) -> Mapping[str, int]:
    """Read a file of `name number` lines."""
    return {name: int(value) for name, value in (line.split()[:2] for line in path.read_text().splitlines() if line)}


def number(path: Path) -> int | None:
    """Read a file of one number; None where this kernel has no such file."""
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return None


def remove(path: Path) -> None:
    """Remove an empty group; the kernel may need a moment to let go of its last process. Raises SandboxError."""
    deadline = time.monotonic() + REMOVE_PATIENCE_S
    while True:
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise SandboxError(f"cannot remove control group {path}: {error.strerror}") from error
            time.sleep(0.001)
        else:
            return


def remove_or_leave(path: Path) -> None:
    """Remove the group of a run that has its result: what cannot go now is left to whoever takes the slot next."""
    try:
        remove(path)
    except SandboxError as error:
        log.warning("control group left behind: %s", error)


def kill_all(group: Path) -> None:
    """Kill every process in a group until none is left. Raises SandboxError where one does not go."""
    deadline = time.monotonic() + REMOVE_PATIENCE_S
    while pids := _pids(group):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        if time.monotonic() > deadline:
            raise SandboxError(f"processes {pids} in {group} do not end")
        time.sleep(0.001)


def _pids(group: Path) -> list[int]:
    try:
        return [int(pid) for pid in (group / "cgroup.procs").read_text().split()]
    except FileNotFoundError:
        return []


def _clear(slot: Path) -> None:
    """Kill and remove the runs that an earlier holder of the slot left behind."""
    for left in _runs(slot):
        kill_all(left)
        remove(left)


def _runs(slot: Path) -> Iterator[Path]:
    try:
        yield from [path for path in slot.iterdir() if path.name.startswith("run-")]
    except FileNotFoundError:
        return


def cpu_quota_us(limits: Limits) -> int | None:
    """Give the CPU share per period; None where whole CPUs were granted and the CPU set holds it alone."""
    return None if limits.cpu_millicores % 1000 == 0 else limits.cpu_millicores * CPU_PERIOD_US // 1000


class HierarchyV1:
    """One tree per controller."""

    version = "v1"

    def __init__(self, name: str, mounts: Mapping[str, Path]) -> None:
        self.roots = {controller: mount / name for controller, mount in mounts.items()}

    def prepare_slot(self, slot: str, cpus: Sequence[int]) -> None:
        """See Hierarchy. CPU sets start empty in version 1: memory nodes are those of the group above."""
        for root in dict.fromkeys(self.roots.values()):
            make(root / slot)
            _clear(root / slot)
        root = self.roots["cpuset"]
        nodes = (root.parent / "cpuset.mems").read_text().strip()
        all_cpus = (root.parent / "cpuset.cpus").read_text().strip()
        for group, wanted in ((root, all_cpus), (root / slot, ",".join(map(str, cpus)))):
            write(group / "cpuset.mems", nodes)
            write(group / "cpuset.cpus", wanted)

    def create(self, slot: str, limits: Limits) -> "GroupV1":
        """See Hierarchy."""
        name = f"run-{next(_numbers)}"
        paths = {c: root / slot / name for c, root in self.roots.items() if c != "cpuset"}
        for path in dict.fromkeys(paths.values()):
            make(path)
        write(paths["memory"] / "memory.limit_in_bytes", limits.memory_bytes)
        if (paths["memory"] / "memory.memsw.limit_in_bytes").exists():
            write(paths["memory"] / "memory.memsw.limit_in_bytes", limits.memory_bytes)
        write(paths["memory"] / "memory.swappiness", 0)
        write(paths["pids"] / "pids.max", limits.processes)
        quota = cpu_quota_us(limits)
        if quota is not None:
            write(paths["cpu"] / "cpu.cfs_period_us", CPU_PERIOD_US)
            write(paths["cpu"] / "cpu.cfs_quota_us", quota)
        return GroupV1(paths, self.roots["cpuset"] / slot)


class GroupV1:
    """The groups of one run, one per controller."""

    source = "cgroup"
    tick_s = None

    def __init__(self, paths: Mapping[str, Path], cpuset: Path) -> None:
        self.paths = paths
        self.cpuset = cpuset
        self._usage = os.open(paths["cpuacct"] / "cpuacct.usage", os.O_RDONLY | os.O_CLOEXEC)

    def add(self, pid: int) -> None:
        """See Group. Memory first: what is charged from here on is the run's."""
        for path in dict.fromkeys([*self.paths.values(), self.cpuset]):
            write(path / "cgroup.procs", pid)

    def watch_files(self, used_bytes: Callable[[], int]) -> None:
        """See Group: the kernel charges them by itself."""

    def cpu_us(self) -> int:
        """See Group; the kernel counts nanoseconds. Rounded up: a limit is passed by any part of a microsecond."""
        return -(-int(os.pread(self._usage, 32, 0)) // 1000)

    def memory_exceeded(self) -> bool:
        """See Group: the kernel kills."""
        return False

    def stats(self) -> GroupStats:
        """See Group."""
        memory, pids, cpuacct = self.paths["memory"], self.paths["pids"], self.paths["cpuacct"]
        return GroupStats(
            cpu_us=self.cpu_us(),
            user_us=_microseconds(number(cpuacct / "cpuacct.usage_user")),
            system_us=_microseconds(number(cpuacct / "cpuacct.usage_sys")),
            memory_peak_bytes=number(memory / "memory.max_usage_in_bytes"),
            oom_kills=keyed(memory / "memory.oom_control")["oom_kill"],
            pids_peak=number(pids / "pids.peak"),
            forks_refused=keyed(pids / "pids.events")["max"],
        )

    def remove(self) -> None:
        """See Group."""
        os.close(self._usage)
        for path in dict.fromkeys(self.paths.values()):
            remove_or_leave(path)


def _microseconds(nanoseconds: int | None) -> int | None:
    return None if nanoseconds is None else nanoseconds // 1000


class HierarchyV2:
    """One tree for all controllers."""

    version = "v2"

    def __init__(self, name: str, mount: Path) -> None:
        self.root = mount / name

    def prepare_slot(self, slot: str, cpus: Sequence[int]) -> None:
        """See Hierarchy. Controllers are handed down from group to group, so every one above must offer them."""
        make(self.root / slot)
        _clear(self.root / slot)
        wanted = " ".join(f"+{controller}" for controller in V2_CONTROLLERS)
        for group in (self.root.parent, self.root, self.root / slot):
            write(group / "cgroup.subtree_control", wanted)
        write(self.root / slot / "cpuset.cpus", ",".join(map(str, cpus)))

    def create(self, slot: str, limits: Limits) -> "GroupV2":
        """See Hierarchy."""
        path = self.root / slot / f"run-{next(_numbers)}"
        make(path)
        write(path / "memory.max", limits.memory_bytes)
        if (path / "memory.swap.max").exists():
            write(path / "memory.swap.max", 0)
        write(path / "pids.max", limits.processes)
        quota = cpu_quota_us(limits)
        if quota is not None:
            write(path / "cpu.max", f"{quota} {CPU_PERIOD_US}")
        return GroupV2(path)


class GroupV2:
    """The group of one run."""

    source = "cgroup"
    tick_s = None

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, pid: int) -> None:
        """See Group."""
        write(self.path / "cgroup.procs", pid)

    def watch_files(self, used_bytes: Callable[[], int]) -> None:
        """See Group: the kernel charges them by itself."""

    def cpu_us(self) -> int:
        """See Group."""
        return keyed(self.path / "cpu.stat")["usage_usec"]

    def memory_exceeded(self) -> bool:
        """See Group: the kernel kills."""
        return False

    def stats(self) -> GroupStats:
        """See Group."""
        cpu = keyed(self.path / "cpu.stat")
        return GroupStats(
            cpu_us=cpu["usage_usec"],
            user_us=cpu["user_usec"],
            system_us=cpu["system_usec"],
            memory_peak_bytes=number(self.path / "memory.peak"),
            oom_kills=keyed(self.path / "memory.events")["oom_kill"],
            pids_peak=number(self.path / "pids.peak"),
            forks_refused=keyed(self.path / "pids.events")["max"],
        )

    def remove(self) -> None:
        """See Group."""
        remove_or_leave(self.path)

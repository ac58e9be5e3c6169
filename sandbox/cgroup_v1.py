"""Control groups, version 1: a tree for every controller."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.cgroup import (
    CPU_PERIOD_US,
    GroupStats,
    clear,
    cpu_quota_us,
    forget,
    keyed,
    make,
    number,
    remove_left,
    remove_or_leave,
    run_name,
    write,
)
from sandbox.limits import Limits

CONTROLLERS = ("memory", "cpu", "cpuacct", "pids", "cpuset")


class HierarchyV1:
    """One tree per controller."""

    version = "v1"

    def __init__(self, name: str, mounts: Mapping[str, Path]) -> None:
        self.roots = {controller: mount / name for controller, mount in mounts.items()}
        self.left: list[Path] = []

    def prepare_slot(self, slot: str, cpus: Sequence[int]) -> None:
        """See Hierarchy. CPU sets start empty in version 1: memory nodes are those of the group above."""
        for root in dict.fromkeys(self.roots.values()):
            make(root / slot)
            clear(root / slot)
        root = self.roots["cpuset"]
        nodes = (root.parent / "cpuset.mems").read_text().strip()
        all_cpus = (root.parent / "cpuset.cpus").read_text().strip()
        for group, wanted in ((root, all_cpus), (root / slot, ",".join(map(str, cpus)))):
            write(group / "cpuset.mems", nodes)
            write(group / "cpuset.cpus", wanted)

    def forget(self) -> None:
        """See Hierarchy."""
        for root in dict.fromkeys(self.roots.values()):
            forget(root)

    def create(self, slot: str, limits: Limits) -> "GroupV1":
        """See Hierarchy."""
        name = run_name()
        paths = {c: root / slot / name for c, root in self.roots.items() if c != "cpuset"}
        try:
            for path in dict.fromkeys(paths.values()):
                make(path)
            _limit(paths, limits, anew=True)
            return GroupV1(paths, self.roots["cpuset"] / slot, limits, self.left)
        except BaseException:
            for path in dict.fromkeys(paths.values()):
                remove_or_leave(path, self.left)
            raise

    def tidy(self) -> None:
        """See Hierarchy."""
        remove_left(self.left)

    def keep(self, slot: str, pid: int) -> None:
        """See Hierarchy. Two trees are enough: one to find it, one that puts it on the slot's CPUs."""
        for controller in ("pids", "cpuset"):
            write(self.roots[controller] / slot / "cgroup.procs", pid)


def _limit(paths: Mapping[str, Path], limits: Limits, *, anew: bool = False) -> None:
    write(paths["memory"] / "memory.limit_in_bytes", limits.memory_bytes)
    if (paths["memory"] / "memory.memsw.limit_in_bytes").exists():
        write(paths["memory"] / "memory.memsw.limit_in_bytes", limits.memory_bytes)
    if (paths["memory"] / "memory.kmem.tcp.limit_in_bytes").exists():
        # Version 1 counts the buffers of sockets (UDP's too) apart from memory, and by default without a limit.
        write(paths["memory"] / "memory.kmem.tcp.limit_in_bytes", limits.memory_bytes)
    if anew:
        write(paths["memory"] / "memory.swappiness", 0)
    write(paths["pids"] / "pids.max", limits.processes)
    quota = cpu_quota_us(limits)
    if quota is not None:
        write(paths["cpu"] / "cpu.cfs_period_us", CPU_PERIOD_US)
    if quota is not None or not anew:
        write(paths["cpu"] / "cpu.cfs_quota_us", -1 if quota is None else quota)


@dataclass(frozen=True)
class Spent:
    """CPU time by the kernel's clock."""

    cpu_ns: int
    user_ns: int | None
    system_ns: int | None


class GroupV1:
    """The groups of one run, one per controller."""

    source = "cgroup"
    tick_s = None

    def __init__(self, paths: Mapping[str, Path], cpuset: Path, limits: Limits, left: list[Path]) -> None:
        self.paths = paths
        self.cpuset = cpuset
        self.limits = limits
        self.left = left
        self._usage = os.open(paths["cpuacct"] / "cpuacct.usage", os.O_RDONLY | os.O_CLOEXEC)
        self._before = Spent(0, None, None)

    def add(self, pid: int) -> None:
        """See Group. Memory first: what is charged from here on is the run's."""
        for path in dict.fromkeys([*self.paths.values(), self.cpuset]):
            write(path / "cgroup.procs", pid)

    def limit(self, limits: Limits) -> None:
        """See Group."""
        if limits != self.limits:
            _limit(self.paths, limits)
            self.limits = limits

    def watch_files(self, used_bytes: Callable[[], int]) -> None:
        """See Group: the kernel charges them by itself."""

    def start(self) -> None:
        """See Group."""
        self._before = self._spent()

    def cpu_us(self) -> int:
        """See Group; the kernel counts nanoseconds. Rounded up: a limit is passed by any part of a microsecond."""
        return -(-(self._cpu_ns() - self._before.cpu_ns) // 1000)

    def _cpu_ns(self) -> int:
        return int(os.pread(self._usage, 32, 0))

    def _spent(self) -> "Spent":
        cpuacct = self.paths["cpuacct"]
        return Spent(self._cpu_ns(), number(cpuacct / "cpuacct.usage_user"), number(cpuacct / "cpuacct.usage_sys"))

    def memory_exceeded(self) -> bool:
        """See Group: the kernel kills."""
        return False

    def stats(self) -> GroupStats:
        """See Group."""
        memory, pids = self.paths["memory"], self.paths["pids"]
        spent, before = self._spent(), self._before
        return GroupStats(
            cpu_us=-(-(spent.cpu_ns - before.cpu_ns) // 1000),
            user_us=_microseconds(spent.user_ns, before.user_ns),
            system_us=_microseconds(spent.system_ns, before.system_ns),
            memory_peak_bytes=number(memory / "memory.max_usage_in_bytes"),
            oom_kills=keyed(memory / "memory.oom_control")["oom_kill"],
            pids_peak=number(pids / "pids.peak"),
            forks_refused=keyed(pids / "pids.events")["max"],
        )

    def remove(self) -> None:
        """See Group."""
        os.close(self._usage)
        for path in dict.fromkeys(self.paths.values()):
            remove_or_leave(path, self.left)


def _microseconds(nanoseconds: int | None, before: int | None) -> int | None:
    return None if nanoseconds is None else (nanoseconds - (before or 0)) // 1000

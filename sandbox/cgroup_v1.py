"""Control groups, version 1: a tree for every controller."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sandbox.cgroup import (
    CPU_PERIOD_US,
    GroupStats,
    clear,
    cpu_quota_us,
    forget,
    keyed,
    make,
    next_run,
    number,
    remove_or_leave,
    write,
)
from sandbox.limits import Limits

CONTROLLERS = ("memory", "cpu", "cpuacct", "pids", "cpuset")


class HierarchyV1:
    """One tree per controller."""

    version = "v1"

    def __init__(self, name: str, mounts: Mapping[str, Path]) -> None:
        self.roots = {controller: mount / name for controller, mount in mounts.items()}

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
        name = f"run-{next_run()}"
        paths = {c: root / slot / name for c, root in self.roots.items() if c != "cpuset"}
        try:
            for path in dict.fromkeys(paths.values()):
                make(path)
            _limit(paths, limits)
            return GroupV1(paths, self.roots["cpuset"] / slot)
        except BaseException:
            for path in dict.fromkeys(paths.values()):
                remove_or_leave(path)
            raise


def _limit(paths: Mapping[str, Path], limits: Limits) -> None:
    write(paths["memory"] / "memory.limit_in_bytes", limits.memory_bytes)
    if (paths["memory"] / "memory.memsw.limit_in_bytes").exists():
        write(paths["memory"] / "memory.memsw.limit_in_bytes", limits.memory_bytes)
    if (paths["memory"] / "memory.kmem.tcp.limit_in_bytes").exists():
        # Version 1 counts the buffers of sockets (UDP's too) apart from memory, and by default without a limit.
        write(paths["memory"] / "memory.kmem.tcp.limit_in_bytes", limits.memory_bytes)
    write(paths["memory"] / "memory.swappiness", 0)
    write(paths["pids"] / "pids.max", limits.processes)
    quota = cpu_quota_us(limits)
    if quota is not None:
        write(paths["cpu"] / "cpu.cfs_period_us", CPU_PERIOD_US)
        write(paths["cpu"] / "cpu.cfs_quota_us", quota)


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

"""Control groups, version 1: a tree for every controller."""

import contextlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sandbox.cgroup import (
    CPU_PERIOD_US,
    GroupStats,
    clear,
    cpu_quota_us,
    forget,
    is_in,
    make,
    remove_left,
    remove_or_leave,
    run_name,
)
from sandbox.kernel_files import keyed, number, read, write
from sandbox.limits import Limits
from sandbox.result import SandboxError

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

    def forget(self, but: Collection[str] = ()) -> None:
        """See Hierarchy."""
        for root in dict.fromkeys(self.roots.values()):
            forget(root, but)

    def create(self, slot: str) -> "GroupV1":
        """See Hierarchy."""
        name = run_name()
        paths = {c: f"{root}/{slot}/{name}" for c, root in self.roots.items() if c != "cpuset"}
        try:
            for path in dict.fromkeys(paths.values()):
                make(path)
            write(f"{paths['memory']}/memory.swappiness", 0)
            return GroupV1(paths, f"{self.roots['cpuset']}/{slot}", self.memory_limits, self.left)
        except BaseException:
            for path in dict.fromkeys(paths.values()):
                remove_or_leave(path, self.left)
            raise

    @cached_property
    def memory_limits(self) -> tuple[str, ...]:
        """The files that take the limit of memory, in the order in which the kernel takes them.

        The buffers of sockets (UDP's too) it counts apart, and by default without a limit.
        """
        optional = ("memory.memsw.limit_in_bytes", "memory.kmem.tcp.limit_in_bytes")
        return ("memory.limit_in_bytes", *(name for name in optional if (self.roots["memory"] / name).exists()))

    def tidy(self) -> None:
        """See Hierarchy."""
        remove_left(self.left)

    def keep(self, slot: str, pid: int) -> None:
        """See Hierarchy. Two trees are enough: one to find it, one that puts it on the slot's CPUs."""
        for controller in ("pids", "cpuset"):
            write(self.roots[controller] / slot / "cgroup.procs", pid)


HUGE_PAGE_BYTES = 2 << 20
"""The most that is charged at once, and so the most that a run may be away from its limit when that is enforced."""


@dataclass(frozen=True)
class Spent:
    """CPU time, nanoseconds: exact, and as user and system time, which some kernels count in ticks."""

    cpu: int
    user: int
    system: int


class GroupV1:
    """The groups of one run, one per controller."""

    source = "cgroup"
    tick_s = None

    def __init__(self, paths: Mapping[str, str], cpuset: str, memory_limits: Sequence[str], left: list[Path]) -> None:
        self.paths = paths
        self.cpuset = cpuset
        self.memory_limits = memory_limits
        self.left = left
        self._usage = os.open(f"{paths['cpuacct']}/cpuacct.usage", os.O_RDONLY | os.O_CLOEXEC)
        self._before = Spent(0, 0, 0)

    def let_in(self, pid: int) -> list[int]:
        """See Group. Memory first: what is charged from here on is the run's.

        Who moves another process has the kernel wait until nobody anywhere is in the middle of a fork, exec or exit,
        which is done at once or takes 15 ms; a process that moves its one thread waits for nobody.
        """
        del pid
        opened: list[int] = []
        with contextlib.ExitStack() as undo:
            for path in dict.fromkeys([*self.paths.values(), self.cpuset]):
                opened.append(_open_tasks(path))
                undo.callback(os.close, opened[-1])
            undo.pop_all()
        return opened

    def holds(self, pid: int) -> bool:
        """See Group."""
        return is_in(pid, {**self.paths, "cpuset": self.cpuset})

    def limit(self, limits: Limits) -> None:
        """See Group."""
        for name in self.memory_limits:
            write(f"{self.paths['memory']}/{name}", limits.memory_bytes)
        write(f"{self.paths['pids']}/pids.max", limits.processes)
        quota = cpu_quota_us(limits)
        if quota is not None:
            write(f"{self.paths['cpu']}/cpu.cfs_period_us", CPU_PERIOD_US)
            write(f"{self.paths['cpu']}/cpu.cfs_quota_us", quota)

    def watch_files(self, used_bytes: Callable[[], int]) -> None:
        """See Group: the kernel charges them by itself."""

    def start(self) -> None:
        """See Group."""
        self._before = self._spent()

    def cpu_us(self) -> int:
        """See Group; the kernel counts nanoseconds. Rounded up: a limit is passed by any part of a microsecond."""
        return -(-(self._cpu_ns() - self._before.cpu) // 1000)

    def _cpu_ns(self) -> int:
        return int(os.pread(self._usage, 32, 0))

    def _spent(self) -> Spent:
        return Spent(self._cpu_ns(), *user_and_system(read(f"{self.paths['cpuacct']}/cpuacct.usage_all")))

    def settled(self) -> bool:
        """See Group. Zombies count."""
        return number(f"{self.paths['pids']}/pids.current") == 1

    def memory_exceeded(self) -> bool:
        """See Group: the kernel kills."""
        return False

    def stats(self) -> GroupStats:
        """See Group."""
        memory, pids = self.paths["memory"], self.paths["pids"]
        spent, before = self._spent(), self._before
        kills = keyed(f"{memory}/memory.oom_control")["oom_kill"]
        return GroupStats(
            cpu_us=-(-(spent.cpu - before.cpu) // 1000),
            user_us=(spent.user - before.user) // 1000,
            system_us=(spent.system - before.system) // 1000,
            memory_peak_bytes=number(f"{memory}/memory.max_usage_in_bytes"),
            oom_kills=kills,
            pids_peak=number(f"{pids}/pids.peak"),
            forks_refused=keyed(f"{pids}/pids.events")["max"],
            host_was_short=kills > 0 and not self._reached_limit(),
        )

    def _reached_limit(self) -> bool:
        """By the peak: memory.failcnt is not counted on every way to this end."""
        limit, peak = (number(f"{self.paths['memory']}/memory.{name}_in_bytes") for name in ("limit", "max_usage"))
        return limit is None or peak is None or peak > limit - HUGE_PAGE_BYTES

    def remove(self) -> None:
        """See Group."""
        os.close(self._usage)
        for path in dict.fromkeys(self.paths.values()):
            remove_or_leave(path, self.left)


def _open_tasks(path: str) -> int:
    try:
        return os.open(f"{path}/tasks", os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        raise SandboxError(f"control group {path} lets nobody in: {error.strerror}") from error


def user_and_system(table: str) -> tuple[int, int]:
    """Add up what `cpuacct.usage_all` says of each CPU: number, user, system (pure)."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return sum(int(row[1]) for row in rows), sum(int(row[2]) for row in rows)

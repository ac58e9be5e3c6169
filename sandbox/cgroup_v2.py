"""Control groups, version 2: one tree for all controllers."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from sandbox.cgroup import (
    CPU_PERIOD_US,
    MAKERS,
    GroupStats,
    clear,
    cpu_quota_us,
    forget,
    is_in,
    make,
    pids,
    remove_left,
    remove_or_leave,
    run_name,
    tries,
)
from sandbox.kernel_files import keyed, number, write
from sandbox.limits import Limits
from sandbox.result import SandboxError

CONTROLLERS = ("memory", "cpu", "pids", "cpuset")
REST = "shipd-rest"
"""Where the processes go that were in a group that was delegated to us."""


class HierarchyV2:
    """One tree for all controllers."""

    version = "v2"

    def __init__(self, name: str, base: Path) -> None:
        """Work below `base`: the root of the tree, or the group that was delegated to us."""
        self.root = base / name
        self.left: list[Path] = []

    def prepare_slot(self, slot: str, cpus: Sequence[int]) -> None:
        """See Hierarchy. Controllers are handed down from group to group, so every one above must offer them."""
        make(self.root / slot)
        clear(self.root / slot)
        wanted = " ".join(f"+{controller}" for controller in CONTROLLERS)
        for group in (self.root.parent, self.root, self.root / slot):
            if not set(CONTROLLERS) <= set((group / "cgroup.subtree_control").read_text().split()):
                _empty(group)
                write(group / "cgroup.subtree_control", wanted)
        write(self.root / slot / "cpuset.cpus", ",".join(map(str, cpus)))

    def forget(self, but: Collection[str] = ()) -> None:
        """See Hierarchy."""
        forget(self.root, but)

    def create(self, slot: str) -> "GroupV2":
        """See Hierarchy."""
        path = self.root / slot / run_name()
        make(path)
        try:
            if self.swaps:
                write(f"{path}/memory.swap.max", 0)
            write(f"{path}/memory.oom.group", 1)
        except BaseException:
            remove_or_leave(path, self.left)
            raise
        return GroupV2(path, self.left)

    @cached_property
    def swaps(self) -> bool:
        """Whether the kernel counts swap, which no run may have."""
        return (self.root / "memory.swap.max").exists()

    def tidy(self) -> None:
        """See Hierarchy."""
        remove_left(self.left)

    def keep(self, slot: str, pid: int) -> None:
        """See Hierarchy. It is on the slot's CPUs by the slot's own CPU set."""
        make(self.root / slot / MAKERS)
        write(self.root / slot / MAKERS / "cgroup.procs", pid)


def _empty(group: Path) -> None:
    """Move what runs in a group into one below: but for the real root, only empty ones may hand controllers down."""
    if not (group / "cgroup.type").exists():
        return  # the root of the tree
    for is_last in tries():  # they may start others meanwhile
        left = pids(group)
        if not left or is_last:
            return
        make(group / REST)
        for pid in left:
            with contextlib.suppress(SandboxError):  # it has ended meanwhile
                write(group / REST / "cgroup.procs", pid)


class GroupV2:
    """The group of one run."""

    source = "cgroup"
    tick_s = None

    def __init__(self, path: Path, left: list[Path]) -> None:
        self.path = path
        self.left = left
        self._before: Mapping[str, int] = dict.fromkeys(("usage_usec", "user_usec", "system_usec"), 0)

    def let_in(self, pid: int) -> list[int]:
        """See Group. A thread cannot leave its process here, so nobody can go in by itself."""
        write(f"{self.path}/cgroup.procs", pid)
        return []

    def holds(self, pid: int) -> bool:
        """See Group."""
        return is_in(pid, {"": self.path})

    def limit(self, limits: Limits) -> None:
        """See Group."""
        write(f"{self.path}/memory.max", limits.memory_bytes)
        write(f"{self.path}/pids.max", limits.processes)
        quota = cpu_quota_us(limits)
        if quota is not None:
            write(f"{self.path}/cpu.max", f"{quota} {CPU_PERIOD_US}")

    def watch_files(self, used_bytes: Callable[[], int]) -> None:
        """See Group: the kernel charges them by itself."""

    def start(self) -> None:
        """See Group."""
        self._before = keyed(f"{self.path}/cpu.stat")

    def cpu_us(self) -> int:
        """See Group."""
        return self._spent("usage_usec")

    def _spent(self, name: str) -> int:
        return keyed(f"{self.path}/cpu.stat")[name] - self._before[name]

    def settled(self) -> bool:
        """See Group. Zombies count."""
        return number(f"{self.path}/pids.current") == 1

    def memory_exceeded(self) -> bool:
        """See Group: the kernel kills."""
        return False

    def stats(self) -> GroupStats:
        """See Group."""
        events = keyed(f"{self.path}/memory.events")
        return GroupStats(
            cpu_us=self._spent("usage_usec"),
            user_us=self._spent("user_usec"),
            system_us=self._spent("system_usec"),
            memory_peak_bytes=number(f"{self.path}/memory.peak"),
            oom_kills=events["oom_kill"],
            pids_peak=number(f"{self.path}/pids.peak"),
            forks_refused=keyed(f"{self.path}/pids.events")["max"],
            host_was_short=events["oom_kill"] > 0 and events["oom"] == 0,
        )

    def remove(self) -> None:
        """See Group."""
        remove_or_leave(self.path, self.left)

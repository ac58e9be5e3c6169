"""Control groups of the benchmark's own: what everything that runs in one has spent of CPU and holds of memory.

Why groups and not getrusage(RUSAGE_CHILDREN): that knows only what has ended and was waited for by its parent, whose
parent was waited for in turn; a jail that stands waiting, a server, or a child whose parent ignores SIGCHLD is not in
it. A group counts its members as they run, and what they start, whoever waits for them. One thing leaves it: the
sandbox puts each jailed program into a group below `shipd-INSTANCE`. Both versions of control groups add what a group
spends to all groups above it and keep it there when the group is removed, so that the sum of the two, a group of ours
and the instance's own, is everything but what the kernel does in its own threads (the tearing down of namespaces).
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from sandbox import SandboxError, detect
from sandbox.cgroup import kill_all, make, remove
from sandbox.cgroup_v1 import HierarchyV1
from sandbox.cgroup_v2 import HierarchyV2
from sandbox.kernel_files import keyed, number, write

REMOVE_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Group:
    """One control group: where it lies in the trees that count CPU time and memory (one tree in version 2)."""

    cpu: Path
    memory: Path

    def add(self, pid: int) -> None:
        """Put a process in, and with it all that it will start."""
        for path in dict.fromkeys((self.cpu, self.memory)):
            write(path / "cgroup.procs", pid)

    def cpu_s(self) -> float:
        """Give the CPU time spent so far; 0 where the group was not made yet."""
        if (nanoseconds := number(self.cpu / "cpuacct.usage")) is not None:
            return nanoseconds / 1e9
        return keyed(self.cpu / "cpu.stat")["usage_usec"] / 1e6 if (self.cpu / "cpu.stat").exists() else 0.0

    def memory_bytes(self) -> int:
        """Give what is charged now: the processes' own pages, page cache, and the kernel's memory for them."""
        for name in ("memory.usage_in_bytes", "memory.current"):
            if (found := number(self.memory / name)) is not None:
                return found
        raise click.ClickException(f"{self.memory} does not count memory")


def of_instance(instance: str) -> Group:
    """Give the group of a sandbox instance, where its jailed programs run. Raises ClickException."""
    try:
        found = detect.detect(instance)
    except SandboxError as error:
        raise click.ClickException(f"without control groups nothing can be counted: {error}") from error
    if isinstance(found, HierarchyV1):
        return Group(found.roots["cpuacct"], found.roots["memory"])
    assert isinstance(found, HierarchyV2)  # noqa: S101 - there are two
    return Group(found.root, found.root)


def trees() -> list[Path]:
    """Give the folders in which groups are made: one for each controller in version 1."""
    found = detect.detect("bench")
    roots = found.roots.values() if isinstance(found, HierarchyV1) else [of_instance("bench").cpu]
    return list(dict.fromkeys(root.parent for root in roots))


def version() -> str:
    """Name the version of control groups that this host has: `v1` or `v2`."""
    return detect.detect("bench").version


@contextmanager
def own_group(name: str) -> Iterator[Group]:
    """Make a group; afterwards whatever still runs in it is killed, and it is gone."""
    group = of_instance(f"bench-{os.getpid()}-{name}")
    paths = list(dict.fromkeys((group.cpu, group.memory)))
    for path in paths:
        make(path)
    try:
        yield group
    finally:
        for path in paths:
            _patiently(kill_all, path)
            _patiently(remove, path)


def _patiently(step: Callable[[Path], None], path: Path) -> None:
    """Do what a run's group gets a second for: thousands of jails take longer to end."""
    deadline = time.monotonic() + REMOVE_PATIENCE_S
    while True:
        try:
            return step(path)
        except SandboxError:
            if time.monotonic() > deadline:
                raise

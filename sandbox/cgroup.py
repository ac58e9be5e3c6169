"""Control groups, version 1 and 2: what holds and counts the memory, CPU time and processes of one run.

Layout: `shipd-<instance>/<slot>/run-<n>` under every controller's mount (v1) or under the one tree (v2). The slot's
group holds the CPU set; each run has a group of its own, so that its counters start at nothing and its records of OOM
kills and refused forks are of this run alone. Which version is there is found out, never assumed.

Sources: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the kernel.
"""

import contextlib
import errno
import logging
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.kernel_files import read, write
from sandbox.limits import Limits
from sandbox.result import SandboxError

log = logging.getLogger(__name__)

CPU_PERIOD_US = 20_000
"""Short, so that half a CPU is half of every fiftieth of a second."""
REMOVE_PATIENCE_S = 1.0
MAKERS = "makers"
"""Below a slot's group in version 2, where only leaves hold processes: what makes jails there."""


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
    host_was_short: bool = False
    """Whether the kernel killed for the want of somebody else's memory, not for this limit."""


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

    def let_in(self, pid: int) -> list[int]:
        """Put a process in, and with it all it will start; or open what it goes in by itself by, writing 0 to each."""

    def holds(self, pid: int) -> bool:
        """Whether a process is in, by what the kernel says."""

    def limit(self, limits: Limits) -> None:
        """Say what may be spent, before the program is let go."""

    def start(self) -> None:
        """Count CPU time from here: what was spent on set-up is not the program's."""

    def cpu_us(self) -> int:
        """CPU time spent so far."""

    def settled(self) -> bool:
        """Whether of all processes only the program is left, and that as a zombie: nothing can be counted any more."""

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

    def create(self, slot: str) -> Group:
        """Make the group of one run, without limits."""

    def tidy(self) -> None:
        """Try again to remove the groups of runs that could not be removed at their end."""

    def keep(self, slot: str, pid: int) -> None:
        """Put a process that makes jails under the slot: whoever takes the slot from us ends it."""

    def forget(self, but: Collection[str] = ()) -> None:
        """Remove all groups of the instance that nobody is in, those of some slots left out.

        A jail that stands has a group that its program goes into later: whoever has a slot is no business of ours.
        """


def run_name() -> str:
    """Name the group of a run: by chance, so that no other is meant and nothing is told of how many there were."""
    return f"run-{secrets.token_hex(6)}"


def groups_of(pid: int | str) -> dict[str, str]:
    """Say in which group a process is in each tree: by controller, and under no name that of version 2."""
    lines = [line.split(":", 2) for line in read(f"/proc/{pid}/cgroup").splitlines()]
    return {controller: path for _, controllers, path in lines for controller in controllers.split(",")}


def is_in(pid: int, wanted: Mapping[str, str | Path]) -> bool:
    """Whether a process is in all of these groups, wherever the trees are mounted: by their names and those above."""
    found = groups_of(pid)
    return all(
        found.get(controller, "").endswith("/" + "/".join(str(path).split("/")[-2:]))
        for controller, path in wanted.items()
    )


def make(path: str | Path) -> None:
    """Make a group with the groups above it. Raises SandboxError."""
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)  # noqa: PTH102 - for every run: a Path costs more than the call
    except FileNotFoundError:
        make(Path(path).parent)
        make(path)
    except OSError as error:
        raise SandboxError(f"cannot make control group {path}: {error.strerror}") from error


def tries() -> Iterator[bool]:
    """Come again and again for what the kernel may need a moment for; says of each time whether it is the last.

    It is where the patience was over before it began: a machine that stalls between a try and the clock ends nothing.
    """
    deadline = time.monotonic() + REMOVE_PATIENCE_S
    while True:
        yield time.monotonic() > deadline
        time.sleep(0.001)


def remove(path: str | Path, *, kill: bool = False) -> None:
    """Remove an empty group; the kernel may need a moment to let go of its last process. Raises SandboxError.

    With `kill` whoever is in it is killed, and whoever comes: somebody may be making a jail ahead there.
    """
    for is_last in tries():
        if kill:
            kill_all(Path(path))
        try:
            os.rmdir(path)  # noqa: PTH106 - as above
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or is_last:
                raise SandboxError(f"cannot remove control group {path}: {error.strerror}") from error
        else:
            return


def remove_or_leave(path: str | Path, left: list[Path]) -> None:
    """Remove the group of a run that has its result; what cannot go now is added to `left`, and tried again later."""
    try:
        remove(path)
    except SandboxError as error:
        log.warning("control group left behind: %s", error)
        left.append(Path(path))


def remove_left(left: list[Path]) -> None:
    """Try again to remove what was left."""
    for path in [*left]:
        with contextlib.suppress(OSError, SandboxError):
            kill_all(path)
            path.rmdir()
        if not path.exists():
            left.remove(path)


def kill_all(group: Path) -> None:
    """Kill every process in a group until none is left. Raises SandboxError where one does not go."""
    for is_last in tries():
        left = pids(group)
        if not left:
            return
        if is_last:
            raise SandboxError(f"processes {left} in {group} do not end")
        _kill(group, left)


def _kill(group: Path, left: Sequence[int]) -> None:
    at_once = group / "cgroup.kill"  # version 2 since Linux 5.14: nobody gets away by forking
    if at_once.exists():
        try:
            write(at_once, 1)
        except SandboxError:
            if group.exists():  # else somebody else has removed it meanwhile
                raise
        return
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


def pids(group: Path) -> list[int]:
    """List the processes of a group; none where it is gone, or goes while it is read."""
    try:
        return [int(pid) for pid in read(group / "cgroup.procs").split()]
    except FileNotFoundError:
        return []
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return []


def forget(root: Path, but: Collection[str] = ()) -> None:
    """Remove an instance's group with those of its slots, some left out; what a process is in stays."""
    try:
        slots = [path for path in root.iterdir() if path.is_dir() and path.name not in but]
    except FileNotFoundError:
        return
    makers = [slot / MAKERS for slot in slots]
    for path in (*(run for slot in slots for run in _runs(slot)), *makers, *slots, root):
        with contextlib.suppress(OSError):
            path.rmdir()


def clear(slot: Path) -> None:
    """Kill what makes jails under the slot, then kill and remove the runs that an earlier holder left behind."""
    for makers in (slot, slot / MAKERS):
        kill_all(makers)
    for left in _runs(slot):
        remove(left, kill=True)


def _runs(slot: Path) -> Iterator[Path]:
    try:
        yield from [path for path in slot.iterdir() if path.name.startswith("run-")]
    except FileNotFoundError:
        return


def cpu_quota_us(limits: Limits) -> int | None:
    """Give the CPU share per period; None where whole CPUs were granted and the CPU set holds it alone."""
    return None if limits.cpu_millicores % 1000 == 0 else limits.cpu_millicores * CPU_PERIOD_US // 1000

"""One jailed run: every mode with every language, in turn; wall time by the lane's clock, CPU time by its groups."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks import groups
from benchmarks.child import Child
from benchmarks.groups import Group, own_group
from benchmarks.host import progress, scratch
from benchmarks.modes import MODES, ONLY
from benchmarks.programs import A_PLUS_B
from benchmarks.report import Figures
from benchmarks.samples import percentile

WARM_UP = 3
"""Runs that do not count: page cache, what is made once per process, a pool that fills."""
PAUSE_S = 0.02
"""Between runs: what one leaves to be done (a namespace to tear down, a pool to fill) must not slow the next."""


@dataclass
class Lane:
    """One mode with one language, in a process and a group of its own."""

    name: str
    child: Child
    counted: tuple[Group, ...]
    """The group of the process, and the one to which its sandbox moves jailed programs."""
    cpu_before_s: float = 0.0
    wall_ms: list[float] = field(default_factory=list)

    def cpu_s(self) -> float:
        """Give all that was spent so far."""
        return sum(group.cpu_s() for group in self.counted)

    def run(self) -> None:
        """Run once."""
        self.wall_ms.append(1000 * self.child.ask("run"))

    def figures(self) -> dict[str, float]:
        """Give what the runs came to. What a pool does between them, or still has to do, is spent for them too."""
        cpu_s = self.cpu_s() - self.cpu_before_s
        return {
            "wall_p50_ms": percentile(self.wall_ms, 50),
            "wall_p99_ms": percentile(self.wall_ms, 99),
            "cpu_ms": 1000 * cpu_s / len(self.wall_ms),
        }


def names(languages: Sequence[str] = tuple(A_PLUS_B)) -> list[tuple[str, str]]:
    """List what there is to measure: (language, mode)."""
    return [(language, mode) for language in languages for mode in MODES if language in ONLY.get(mode, A_PLUS_B)]


def measure(times: int) -> Figures:
    """Run each `times` times, in turn, so that whatever the machine does meanwhile meets all of them."""
    with ExitStack() as stack:
        lanes = [stack.enter_context(_lane(*name)) for name in progress(names(), "lanes")]
        for lane in lanes:
            for _ in range(WARM_UP):
                lane.child.ask("run")
            lane.cpu_before_s = lane.cpu_s()
        before_s = machine_cpu_s()
        for _ in progress(range(times), "one jailed run"):
            for lane in lanes:
                lane.run()
                time.sleep(PAUSE_S)
        return {**{lane.name: lane.figures() for lane in lanes}, **_all(lanes, times, machine_cpu_s() - before_s)}


def machine_cpu_s() -> float:
    """Give the CPU time of everything on this machine, the kernel's own threads included."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


def _all(lanes: Sequence[Lane], times: int, machine_s: float) -> Figures:
    """Give what all lanes spent on one turn, and the whole machine meanwhile.

    Where nothing else runs, the difference is this process and what no group counts: the kernel's own threads, which
    tear down namespaces.
    """
    counted_s = sum(lane.cpu_s() - lane.cpu_before_s for lane in lanes)
    return {"more/turn": {"counted_cpu_ms": 1000 * counted_s / times, "machine_cpu_ms": 1000 * machine_s / times}}


@contextmanager
def _lane(language: str, mode: str) -> Iterator[Lane]:
    # A folder of its own: the locks of its slots are nobody else's, so no lane waits for another's.
    with scratch() as folder, own_group(f"{language}-{mode}") as group:
        Path(folder).chmod(0o755)
        with Child("benchmarks.lane", (mode, language, folder), group) as child:
            child.ask("ready")
            jailed = groups.of_instance(f"bench-{child.process.pid}")
            yield Lane(f"jail/{language}/{mode}", child, (group, jailed))

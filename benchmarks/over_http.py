"""POST to final result: several kinds of submissions, by one client, by one for each CPU, and by four for each.

The kinds take turns in blocks, so that whatever the machine does meanwhile meets all of them. The client runs on the
same machine and is not in `cpu_ms`, but it takes its part of the CPUs: latencies at c8 are those of a busy machine.
"""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.host import progress
from benchmarks.programs import A_PLUS_B
from benchmarks.report import Figures
from benchmarks.running import Body, Load, Platform
from benchmarks.samples import percentile

BLOCKS = 5
"""Turns that every kind of submission gets."""
CLIENTS = (1, 2, 8)
IDLE_S = 10.0
PHASES = ("queue_ms", "prepare_ms", "compile_ms", "run_ms", "check_ms", "collect_ms")
COMMENTS = {"python": "#", "cpp": "//", "java": "//"}

_run = time.time_ns()
_numbers = itertools.count()


@dataclass(frozen=True)
class Kind:
    """One kind of submission. `share` is the part of `times` that it gets: a hundred test cases are samples enough."""

    name: str
    language: str
    cases: int
    clients: tuple[int, ...] = CLIENTS
    same_source: bool = False
    """Whether every submission has the source of the one before; else a comment tells each from all others."""
    share: float = 1.0

    def body(self, _: int = 0) -> Body:
        """Make the next submission."""
        number = 0 if self.same_source else next(_numbers)
        return body(self.language, self.cases, f"{_run}-{number}")


KINDS = (
    Kind("hello", "python", 1),
    Kind("python_10", "python", 10),
    Kind("cpp_10", "cpp", 10),
    Kind("cpp_10_cached", "cpp", 10, same_source=True),
    Kind("cpp_1", "cpp", 1, (1,)),
    Kind("python_100", "python", 100, (1, 2), share=0.1),
    Kind("cpp_100", "cpp", 100, (1, 2), share=0.1),
)


def body(language: str, cases: int, comment: str) -> Body:
    """Ask for a + b, with a source that is told from others by a comment."""
    name, _, source = A_PLUS_B[language]
    return {
        "language": name,
        "source": {"type": "code", "content": f"{source}{COMMENTS[language]} {comment}\n"},
        "test_cases": [{"input": f"{n} {n + 1}", "expected_output": str(2 * n + 1)} for n in range(cases)],
    }


@dataclass
class Cell:
    """One kind of submission by so many clients, and what came of it."""

    kind: Kind
    clients: int
    load: Load = field(default_factory=Load)
    phases: dict[str, list[float]] = field(default_factory=dict)

    def block(self, platform: Platform, times: int) -> None:
        """Take one turn: enough submissions that all clients are busy for most of it."""
        count = max(1, round(times * self.kind.share / BLOCKS), 2 * self.clients if self.kind.share == 1 else 1)
        for execution in platform.load(self.load, count, self.clients, self.kind.body):
            for phase in PHASES:
                spent = execution["telemetry"]["phases"].get(phase)
                if spent is not None:
                    self.phases.setdefault(phase, []).append(spent)


def idle(platform: Platform) -> Figures:
    """Measure what the platform spends while nobody asks anything of it; it is in every submission's `cpu_ms` too."""
    before_s, began = platform.cpu_s(), time.perf_counter()
    time.sleep(IDLE_S)
    spent_s, seconds = platform.cpu_s() - before_s, time.perf_counter() - began
    return {"more/idle": {"cpu_ms_per_s": 1000 * spent_s / seconds}}


def measure(platform: Platform, times: int, kinds: Sequence[Kind] = KINDS) -> Figures:
    """Measure `times` submissions of each kind by each number of clients."""
    cells = [Cell(kind, clients) for kind in kinds for clients in kind.clients]
    for kind in kinds:
        platform.load(Load(), 2, 1, kind.body)
    for cell in progress(cells * BLOCKS, "over HTTP"):
        cell.block(platform, times)
    return {**_submissions(cells), **_cases(cells), **_phases(cells), **idle(platform)}


def _submissions(cells: Sequence[Cell]) -> Figures:
    return {f"http/{cell.kind.name}/c{cell.clients}": cell.load.figures() for cell in cells}


def _cases(cells: Sequence[Cell]) -> Figures:
    """Give what a test case comes to, where one client sends them, and two."""
    found: Figures = {}
    for cell in cells:
        if cell.clients <= 2:
            whole, cases = cell.load.figures(), cell.kind.cases
            figures = {"cases_per_s": whole["per_s"] * cases, "cpu_ms_per_case": whole["cpu_ms"] / cases}
            found[f"more/cases/{cell.kind.name}/c{cell.clients}"] = figures
    return found


def _phases(cells: Sequence[Cell]) -> Figures:
    """Give the medians of the phases that telemetry tells, for one client."""
    return {
        f"more/phases/{cell.kind.name}/c1": {
            f"{phase.removesuffix('_ms')}_p50_ms": percentile(values, 50) for phase, values in cell.phases.items()
        }
        for cell in cells
        if cell.clients == 1
    }

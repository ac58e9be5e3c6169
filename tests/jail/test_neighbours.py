import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.blob_folder import FolderBlobs
from domain.languages import Languages
from domain.limits import Constraints
from domain.model import File, Submission, TestCase, TestResult
from domain.verdict import Verdict
from sandbox import Cause, Sandbox
from tests.jail.conftest import CONFIGS, TIME_FACTOR
from tests.jail.running import Runner
from workers.compile import Compiled
from workers.prepare import plan
from workers.run import Bench
from workers.spread import Spread
from workers.stopwatch import Stopwatch
from workers.work import Work

# Neighbours may cost a program time on the clock, and what they take of caches and memory; hardly any CPU time.

SPREAD = 1.6
"""CPU time that the longest of several runs of one program may take where the shortest takes 1."""
SLOWER = 2.5
"""The same with neighbours, where the shortest without any takes 1: two threads of one core share what it has."""


@contextmanager
def neighbours(programs: Mapping[str, Path]) -> Iterator[None]:
    """Twice as many processes of the host as it has CPUs, all of them spinning."""
    argv = [str(programs["spend"]), "spin", str(600_000)]
    count = 2 * (os.cpu_count() or 1)
    processes = [subprocess.Popen(argv) for _ in range(count)]
    try:
        yield
        assert [process.poll() for process in processes] == [None] * count
    finally:
        for process in processes:
            process.kill()
            process.wait()


def cpu_times(run: Runner, times: int) -> Sequence[int]:
    """CPU time of the same work, several times; microseconds.

    Each time the less of two that do not follow each other: with nobody beside it, too, the machine now and then takes
    twice the time for a while.
    """
    results = [run.program("spend", "work", 50) for _ in range(2 * times)]
    assert [result.cause for result in results] == [Cause.EXIT] * (2 * times)
    spent = [result.cpu_time_us for result in results]
    return [min(pair) for pair in zip(spent[:times], spent[times:], strict=True)]


def test_neighbours_cost_hardly_any_cpu_time(runners: Mapping[str, Runner], programs: Mapping[str, Path]) -> None:
    """Up to three attempts: a machine that is slow for a while may be so for both runs of a pair, but not each time."""
    counted = next(iter(runners.values()))
    measured = []

    def holds() -> bool:
        alone = cpu_times(counted, 3)
        with neighbours(programs):
            among = cpu_times(counted, 5)
        measured.append((alone, among))
        return max(among) < SPREAD * min(among) and max(among) < SLOWER * min(alone)

    assert any(holds() for _ in range(3)), measured


SPIN, PAUSE = b"while True: pass\n", b"import signal; signal.pause()\n"
# A keeper must wake up within a tenth of the limit; and on a busy machine a loop takes long for its CPU time.
MISSES = {
    "cpu": (SPIN, Constraints(timeout_ms=1000 * TIME_FACTOR, wall_timeout_ms=30_000 * TIME_FACTOR)),
    "wall": (PAUSE, Constraints(wall_timeout_ms=1000 * TIME_FACTOR)),
}


@pytest.fixture
def jails(monkeypatch: pytest.MonkeyPatch) -> list[Sandbox]:
    """One entry for every jail that is made."""
    made: list[Sandbox] = []
    jail = Sandbox.jail

    def count(sandbox: Sandbox, *given: Any, **more: Any) -> object:
        made.append(sandbox)
        return jail(sandbox, *given, **more)

    monkeypatch.setattr(Sandbox, "jail", count)
    return made


def judged(sandbox: Sandbox, folder: Path, text: bytes, constraints: Constraints) -> TestResult:
    """Run one test case as a worker does."""
    sources, case = (File("main.py", text),), TestCase(0, "late")
    asked = Submission("python", sources, None, (case,), constraints=constraints)
    made = plan(Languages.load(CONFIGS / "languages"), asked)
    with sandbox.slot() as slot:
        bench = Bench(sandbox, slot, made, Compiled(sources), FolderBlobs(folder), Stopwatch(None))
        work = Work((case,), stop_on_first_failure=False)
        with Spread(bench, work, lambda step: step(), deadline=time.monotonic() + 60) as spread:
            [result] = spread.results()
        return result


@pytest.mark.parametrize("reason", MISSES)
def test_a_near_miss_beside_a_neighbour_is_run_once_more(
    sandbox: Sandbox, jails: list[Sandbox], tmp_path: Path, reason: str
) -> None:
    """The keeper ends an endless program within a tenth of its limit, a miss as near as any; at least once in three."""

    def made() -> int:
        jails.clear()
        with sandbox.slot():
            result = judged(sandbox, tmp_path, *MISSES[reason])
        assert (result.verdict, result.reason) == (Verdict.TLE, reason)
        return len(jails)

    assert any(made() == 2 for _ in range(3))


def test_without_a_neighbour_once_is_enough(sandbox: Sandbox, jails: list[Sandbox], tmp_path: Path) -> None:
    assert judged(sandbox, tmp_path, *MISSES["cpu"]).verdict is Verdict.TLE
    assert len(jails) == 1

from types import SimpleNamespace

import pytest

from domain.model import Phases
from workers import stopwatch
from workers.stopwatch import Stopwatch


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


def test_it_adds_up_by_phase(clock: Clock) -> None:
    watch = Stopwatch(7)
    for seconds in (0.25, 0.5):
        with watch.phase("run"):
            clock.sleep(seconds)
        clock.sleep(10)
    assert watch.phases() == Phases(queue_ms=7, run_ms=750)


def test_a_phase_within_another_is_not_counted_in_both(clock: Clock) -> None:
    watch = Stopwatch(None)
    with watch.phase("run"):
        clock.sleep(1)
        with watch.phase("check"):
            clock.sleep(2)
        with watch.phase("collect"):
            clock.sleep(4)
        clock.sleep(8)
    assert watch.phases() == Phases(run_ms=9000, check_ms=2000, collect_ms=4000)


def test_a_phase_that_failed_counts(clock: Clock) -> None:
    watch = Stopwatch(None)
    with pytest.raises(ValueError), watch.phase("compile"):
        clock.sleep(1)
        raise ValueError
    clock.sleep(5)
    assert watch.phases() == Phases(compile_ms=1000)


def test_what_others_did_at_the_same_moment_counts_too(clock: Clock) -> None:
    watch, other = Stopwatch(7), Stopwatch(None)
    with watch.phase("run"), other.phase("run"):
        clock.sleep(1)
        with other.phase("check"):
            clock.sleep(2)
    watch.add(other)
    assert watch.phases() == Phases(queue_ms=7, run_ms=4000, check_ms=2000)

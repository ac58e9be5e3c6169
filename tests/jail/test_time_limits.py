from typing import Unpack

import pytest

from sandbox import Cause, RunResult
from tests.jail.running import Change, Runner

MS = 1000


def test_a_program_within_its_limit_passes(run: Runner) -> None:
    result = run.program("spend", "spin", 50, cpu_time_ms=3000)
    assert (result.cause, result.exit_code) == (Cause.EXIT, 0)
    assert 45 * MS <= result.cpu_time_us <= 3000 * MS


SPENDERS = {
    "spin": ("spin", 10_000),
    "threads": ("threads", 4, 2500),
    "children": ("children", 100, 100),
    "children of a thread": ("thread-children", 5000),
    "children nobody waits for": ("unwaited", 100, 100),
}


def ended_after_us(run: Runner, *argv: object, limit_ms: int) -> int:
    """Have something spend more than it may, and tell after how much it was ended."""
    result = run.program("spend", *argv, cpu_time_ms=limit_ms)
    assert (result.cause, result.exit_signal) == (Cause.CPU, 9)
    assert result.cpu_time_us > limit_ms * MS
    return result.cpu_time_us


@pytest.mark.parametrize("argv", SPENDERS.values(), ids=SPENDERS.keys())
def test_cpu_time_of_everything_counts(run: Runner, argv: tuple[object, ...]) -> None:
    """Up to three attempts to be ended soon: a machine that stalls may have its time counted, but not each time."""
    assert any(ended_after_us(run, *argv, limit_ms=300) < 3000 * MS for _ in range(3))


def test_a_small_limit_holds_to_the_millisecond(run: Runner) -> None:
    """Up to three attempts to be ended soon, as above."""
    assert any(ended_after_us(run, "spin", 10_000, limit_ms=50) < 1000 * MS for _ in range(3))


def test_time_over_the_limit_counts_even_if_the_program_ended_by_itself(run: Runner) -> None:
    """The last look at the clock is after the end: what was spent unseen is still spent."""
    result = run.program("spend", "children", 4, 40, cpu_time_ms=100)
    assert result.cause is Cause.CPU


def test_children_that_were_waited_for_count_once(run: Runner) -> None:
    """Up to three attempts: a machine that stalls may have its time counted for theirs, but not each time."""

    def spent_us() -> int:
        result = run.program("spend", "children", 4, 100, cpu_time_ms=5000)
        assert result.cause is Cause.EXIT
        return result.cpu_time_us

    assert any(390 * MS <= spent_us() <= 620 * MS for _ in range(3))


def test_sleeping_costs_wall_time_only(run: Runner) -> None:
    result = run.program("hostile", wall_time_ms=200)
    assert (result.cause, result.exit_signal) == (Cause.WALL, 9)
    assert result.cpu_time_us < 100 * MS
    assert result.wall_time_us > 200 * MS


def test_wall_time_is_not_measured_in_cpu_time(run: Runner) -> None:
    result = run.program("spend", "threads", 2, 100, wall_time_ms=15_000)
    assert result.cause is Cause.EXIT
    assert result.cpu_time_us >= 190 * MS


def test_the_tighter_limit_decides(run: Runner) -> None:
    def ended(**limits: Unpack[Change]) -> RunResult:
        return run.program("spend", "spin", 10_000, **limits)

    assert ended(cpu_time_ms=150, wall_time_ms=20_000).cause is Cause.CPU
    assert ended(cpu_time_ms=10_000, wall_time_ms=150).cause is Cause.WALL

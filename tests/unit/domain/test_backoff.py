"""Pauses before something is tried again."""

import random

import pytest

from domain.backoff import JITTER, Backoff, spread


@pytest.fixture
def dice(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Chance that falls where it is told to: 0 is the least, 1 the most."""
    falls = [0.5]
    monkeypatch.setattr(random, "uniform", lambda low, high: low + (high - low) * falls[0])
    return falls


def test_pauses_double_up_to_the_longest_and_begin_again_when_it_worked(dice: list[float]) -> None:
    del dice
    backoff = Backoff(0.5, 3.0)

    assert [backoff.pause_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.worked()
    assert backoff.pause_s() == pytest.approx(0.5)


@pytest.mark.parametrize(("fall", "factor"), [(0.0, 1 - JITTER), (1.0, 1 + JITTER)])
def test_each_is_longer_or_shorter_by_chance(dice: list[float], fall: float, factor: float) -> None:
    dice[0] = fall
    assert Backoff(1.0, 60.0).pause_s() == pytest.approx(factor)


def test_those_who_failed_together_come_back_one_by_one() -> None:
    fleet = [Backoff(1.0, 60.0) for _ in range(100)]
    assert len({round(one.pause_s(), 9) for one in fleet}) > 90


def test_whoever_fails_for_a_year_still_waits_no_longer() -> None:
    backoff = Backoff(1.0, 60.0)
    pauses = [backoff.pause_s() for _ in range(10_000)]
    assert max(pauses) <= 60.0 * (1 + JITTER)


def test_what_is_done_every_so_often_is_never_late() -> None:
    moments = [spread(10.0) for _ in range(1000)]
    assert min(moments) >= 8.0
    assert max(moments) <= 10.0
    assert len(set(moments)) > 900

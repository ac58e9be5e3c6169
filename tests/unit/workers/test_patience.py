from collections.abc import Iterator
from contextlib import suppress

import pytest

from domain.backoff import JITTER
from domain.errors import Unavailable
from tests.unit.workers.test_stopwatch import Clock
from workers import patience
from workers.patience import LONGEST_PAUSE_S, patiently


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patience, "time", made)
    return made


def failing(times: int) -> Iterator[str]:
    """An action that works after so many failures."""
    return iter(["away"] * times + ["done"])


def act(answers: Iterator[str]) -> str:
    answer = next(answers)
    if answer == "away":
        raise Unavailable("the database does not answer")
    return answer


def test_what_works_is_done_at_once(clock: Clock) -> None:
    assert patiently(lambda: "done", 0) == "done"
    assert clock.now == 100


def test_it_tries_again_while_the_database_is_away(clock: Clock) -> None:
    answers = failing(8)
    assert patiently(lambda: act(answers), 30) == "done"
    assert clock.now > 100


def test_it_gives_up_in_the_end(clock: Clock) -> None:
    answers = failing(1000)
    with pytest.raises(Unavailable):
        patiently(lambda: act(answers), 30)
    assert 130 - (1 + JITTER) * LONGEST_PAUSE_S <= clock.now <= 130


def test_it_does_not_hurry_a_database_that_comes_back(clock: Clock) -> None:
    pauses: list[float] = []
    at = clock.now

    def away() -> None:
        nonlocal at
        pauses.append(clock.now - at)
        at = clock.now
        raise Unavailable("the database does not answer")

    with suppress(Unavailable):
        patiently(away, 30)
    assert max(pauses) <= (1 + JITTER) * LONGEST_PAUSE_S
    assert pauses[1] <= 0.15
    assert sum(pauses[-4:]) > sum(pauses[1:5])


def test_other_errors_are_not_tried_again(clock: Clock) -> None:
    def fail() -> None:
        raise ValueError("a fault of ours")

    with pytest.raises(ValueError, match="a fault of ours"):
        patiently(fail, 30)
    assert clock.now == 100

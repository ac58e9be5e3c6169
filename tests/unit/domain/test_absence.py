"""What a process remembers of a server that does not answer."""

import time
from contextlib import nullcontext

import pytest

from domain import absence
from domain.absence import PAUSE_S, SLOW_S, Absence


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def ask(known: Absence, clock: list[float], took_s: float, *, fails: bool) -> None:
    with pytest.raises(TimeoutError) if fails else nullcontext(), known.asked():
        clock[0] += took_s
        if fails:
            raise TimeoutError


def test_while_a_server_answers_everybody_asks_it(clock: list[float]) -> None:
    known = Absence()
    ask(known, clock, 10.0, fails=False)
    assert [known.may_ask() for _ in range(3)] == [True] * 3


def test_after_a_time_out_one_asks_in_a_while_and_nobody_else(clock: list[float]) -> None:
    known = Absence()
    ask(known, clock, 1.0, fails=True)
    assert not known.may_ask()

    clock[0] += PAUSE_S
    assert [known.may_ask() for _ in range(3)] == [True, False, False]

    clock[0] += PAUSE_S
    assert [known.may_ask() for _ in range(3)] == [True, False, False]


def test_once_it_answers_again_everybody_asks_it(clock: list[float]) -> None:
    known = Absence()
    ask(known, clock, 1.0, fails=True)
    clock[0] += PAUSE_S
    assert known.may_ask()
    ask(known, clock, 0.0, fails=False)

    assert [known.may_ask() for _ in range(3)] == [True] * 3


def test_what_fails_at_once_is_asked_again_at_once(clock: list[float]) -> None:
    known = Absence()
    ask(known, clock, SLOW_S / 2, fails=True)
    assert known.may_ask()


def test_all_parts_of_a_process_know_the_same_of_a_server() -> None:
    assert absence.of("redis://one") is absence.of("redis://one")
    assert absence.of("redis://one") is not absence.of("redis://two")

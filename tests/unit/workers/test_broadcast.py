"""What is told live of an execution: order, redaction, and that nobody but the teller waits for Redis."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from domain.live import Telling
from domain.model import ExecutionTelemetry, Outcome, TestCase, TestResult, Usage
from domain.verdict import State, Verdict
from tests.unit.workers.grading import Told
from tests.unit.workers.making import asking, claimed
from tests.waiting import eventually
from workers import broadcast
from workers.broadcast import NO_BROADCASTER, Broadcast, Broadcaster
from workers.pieces import MOST_BYTES

SEEN = TestCase(0, "seen", points=2)
HIDDEN = TestCase(1, "hidden", is_hidden=True)
SPENT = Usage(cpu_time_ms=14, wall_time_ms=26, memory_bytes=5 << 19)
AC = TestResult(0, Verdict.AC, usage=SPENT, points=2, stdout=b"out", stderr=b"err")
RTE = TestResult(1, Verdict.RTE, "exit:3", exit_code=3, usage=SPENT, stdout=b"secret", stderr=b"secret")
CLAIM = claimed(asking(test_cases=(SEEN, HIDDEN)))


def ended(verdict: Verdict, reason: str | None = None) -> Outcome:
    return Outcome(verdict, reason, ExecutionTelemetry())


@pytest.fixture
def one(told: Told) -> Broadcast:
    return Broadcast(told, CLAIM)


def test_everything_is_told_in_order(one: Broadcast, told: Told) -> None:
    one.state(State.PREPARING)
    one.state(State.RUNNING)
    one.result(SEEN, AC)
    assert told.live == []
    one.done(ended(Verdict.AC))
    usage = {"cpu_time_ms": 14, "wall_time_ms": 26, "memory_bytes": 5 << 19}
    assert told.live == [
        ("state", {"state": "preparing", "verdict": None, "reason": None}),
        ("state", {"state": "running", "verdict": None, "reason": None}),
        ("output", {"ordinal": 0, "stream": "stdout", "offset": 0, "data": "out"}),
        ("output", {"ordinal": 0, "stream": "stderr", "offset": 0, "data": "err"}),
        (
            "test_result",
            {
                "ordinal": 0,
                "name": "seen",
                "is_hidden": False,
                "verdict": "AC",
                "reason": None,
                "points": 2,
                "usage": usage,
            },
        ),
        ("done", {"state": "done", "verdict": "AC", "reason": None}),
    ]


def test_output_is_told_while_the_program_runs(one: Broadcast, told: Told) -> None:
    hear = one.listener(SEEN)
    assert hear is not None
    assert hear("stdout", 0, b"name? ")
    one.tell()
    assert hear("stdout", 6, b"hello \xc3")
    one.tell()
    one.result(SEEN, replace(AC, stdout=b"name? hello \xc3\xa9", stderr=b""))
    one.done(ended(Verdict.AC))
    assert [data["data"] for event, data in told.live if event == "output"] == ["name? ", "hello ", "é"]
    assert told.names[-2:] == ["test_result", "done"]


def test_of_a_hidden_case_only_what_an_answer_shows_is_told(one: Broadcast, told: Told) -> None:
    assert one.listener(HIDDEN) is None
    one.result(SEEN, AC)
    one.result(HIDDEN, RTE)
    one.done(ended(Verdict.RTE, "exit:3"))
    *_, (_, result), (_, done) = told.live
    rounded = {"cpu_time_ms": 10, "wall_time_ms": 30, "memory_bytes": 3 << 20}
    assert result == {
        "ordinal": 1,
        "name": "hidden",
        "is_hidden": True,
        "verdict": "RTE",
        "reason": "runtime",
        "points": None,
        "usage": rounded,
    }
    assert done == {"state": "done", "verdict": "RTE", "reason": "runtime"}
    assert "secret" not in repr(told.live)
    assert "exit:3" not in repr(told.live)


def test_a_reason_that_is_not_of_a_hidden_case_is_told(one: Broadcast, told: Told) -> None:
    one.result(HIDDEN, replace(RTE, verdict=Verdict.AC, reason=None))
    one.result(SEEN, replace(AC, verdict=Verdict.RTE, reason="exit:3"))
    one.done(ended(Verdict.RTE, "exit:3"))
    assert told.live[-1][1]["reason"] == "exit:3"


def test_a_skipped_case_has_no_output(one: Broadcast, told: Told) -> None:
    one.result(SEEN, TestResult(0, None, "skipped"))
    one.done(ended(Verdict.OK))
    assert [(event, data.get("reason")) for event, data in told.live] == [("test_result", "skipped"), ("done", None)]


def test_a_case_that_is_run_again_is_told_from_its_beginning(one: Broadcast, told: Told) -> None:
    for text in (b"first", b"second"):
        hear = one.listener(SEEN)
        assert hear is not None
        hear("stdout", 0, text)
        one.tell()
    one.result(SEEN, replace(AC, stdout=b"second try", stderr=b""))
    one.tell()
    outputs = [(data["offset"], data["data"]) for event, data in told.live if event == "output"]
    assert outputs == [(0, "first"), (0, "second"), (6, " try")]


def test_all_output_of_an_execution_has_a_bound(one: Broadcast, told: Told) -> None:
    for ordinal in range(40):
        one.result(TestCase(ordinal, "x"), replace(AC, ordinal=ordinal, stdout=bytes(MOST_BYTES), stderr=b""))
    one.done(ended(Verdict.AC))
    outputs = [data for event, data in told.live if event == "output"]
    assert sum(len(str(data["data"])) for data in outputs) == broadcast.MOST_OUTPUT_BYTES
    assert [data["ordinal"] for data in outputs if data.get("truncated")] == list(range(16, 40))
    assert told.names.count("test_result") == 40


class Slow:
    """A Redis that answers when the test says so."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answers = threading.Event()
        self.told: list[Telling] = []

    def append_all(self, execution_id: UUID, events: Sequence[Telling]) -> None:  # noqa: ARG002 - as it is called
        self.asked.set()
        assert self.answers.wait(30)
        self.told += events


def test_who_hears_does_not_wait_for_redis() -> None:
    slow = Slow()
    one = Broadcast(slow, CLAIM)
    one.state(State.RUNNING)
    hear = one.listener(SEEN)
    assert hear is not None
    teller = threading.Thread(target=one.tell)
    teller.start()
    assert slow.asked.wait(30)
    for number in range(1000):
        assert hear("stdout", number, b"x")
    slow.answers.set()
    teller.join()
    one.tell()
    assert [data.get("data") for _, data in slow.told] == [None, "x" * 1000]


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch, broadcaster: Broadcaster) -> Broadcaster:
    """One that looks all the time."""
    monkeypatch.setattr(broadcast, "LOOK_S", 0.001)
    return broadcaster


def test_what_lasts_is_told_without_waiting_for_its_end(looking: Broadcaster, told: Told) -> None:
    for number in (1, 2, 3):
        with looking.of(CLAIM) as one:
            one.state(State.RUNNING)
            eventually(lambda: len(told.live) == number)  # noqa: B023 - called at once
        if number == 2:  # the next one has to wake it
            eventually(lambda: looking._sleeping)


def test_nothing_is_told_once_the_execution_is_let_go(looking: Broadcaster, told: Told) -> None:
    """Whoever looks in turn may have meant to tell it before; it may be another's, or wait again, by then."""
    with looking.of(CLAIM) as one:
        pass
    one.state(State.PREPARING)
    one.tell()
    assert told.live == []


def test_an_execution_given_back_waits_again(broadcaster: Broadcaster, told: Told) -> None:
    broadcaster.given_back(CLAIM)
    assert told.live == [("state", {"state": "queued", "verdict": None, "reason": None})]


def test_without_anybody_to_tell_nothing_is_heard_and_nobody_started() -> None:
    before = set(threading.enumerate())
    with NO_BROADCASTER.of(CLAIM) as one:
        assert one.listener(SEEN) is None
        one.result(SEEN, AC)
        one.done(ended(Verdict.AC))
    assert set(threading.enumerate()) <= before

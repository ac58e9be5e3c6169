"""What is cancelled stays cancelled, whoever is at work on it; and who is told."""

import threading
from collections.abc import Callable, Iterator, Mapping
from queue import Queue
from uuid import UUID

import pytest
import redis

from domain import cancel, executions, submissions
from domain.blobs import BlobStore
from domain.cancel import Cancelled
from domain.cancelling import Cancellations
from domain.db import Database
from domain.ids import new_id
from domain.model import Claim, ExecutionTelemetry, Outcome, TestResult, Usage
from domain.verdict import State, Verdict
from domain.views import SubmissionView

OUTCOME = Outcome(Verdict.OK, None, ExecutionTelemetry())
Rows = Callable[..., list[Mapping[str, object]]]
PATIENCE_S = 10


def test_it_works(db: Database, blobs: BlobStore, owner: UUID, submit: Callable[..., SubmissionView]) -> None:
    view = submit()

    assert cancel.submission(db, view.id, owner) == [Cancelled(view.execution.id, None, view.id, announced=False)]

    execution = submissions.get(db, blobs, view.id, owner).execution
    assert (execution.state, execution.verdict, execution.results) == (State.CANCELLED, None, ())
    assert execution.finished_at is not None
    assert executions.claim(db, blobs, view.execution.id, worker="worker-1", lease_s=30) is None


def test_a_second_time_there_is_nothing_to_cancel(
    db: Database, owner: UUID, submit: Callable[..., SubmissionView], rows: Rows
) -> None:
    view = submit()
    cancel.submission(db, view.id, owner)
    before = rows("SELECT * FROM executions")

    assert cancel.submission(db, view.id, owner) == []
    assert rows("SELECT * FROM executions") == before


def test_nothing_of_others_is_cancelled(db: Database, submit: Callable[..., SubmissionView], rows: Rows) -> None:
    view = submit()

    assert cancel.submission(db, view.id, new_id()) == []
    assert cancel.submission(db, new_id(), None) == []
    assert rows("SELECT state FROM executions") == [{"state": "queued"}]
    assert len(cancel.submission(db, view.id, None)) == 1


def test_what_is_done_stays_done(db: Database, blobs: BlobStore, take: Callable[..., Claim], rows: Rows) -> None:
    claim = take()
    assert executions.finish(db, blobs, claim, OUTCOME)

    assert cancel.submission(db, claim.submission_id, None) == []
    assert rows("SELECT state FROM executions") == [{"state": "done"}]


def test_its_worker_writes_nothing_more_and_what_it_wrote_stays(
    db: Database, blobs: BlobStore, take: Callable[..., Claim], rows: Rows
) -> None:
    claim = take(worker="worker-7")
    first, second = (TestResult(n, Verdict.OK, usage=Usage(n + 1, n + 1, 1)) for n in range(2))
    assert executions.record(db, blobs, claim, [first])

    assert cancel.submission(db, claim.submission_id, None) == [
        Cancelled(claim.execution_id, "worker-7", claim.submission_id, announced=False)
    ]

    before = rows("SELECT * FROM executions")
    assert not executions.renew(db, claim, 30)
    assert not executions.enter(db, claim, State.RUNNING)
    assert not executions.record(db, blobs, claim, [second])
    assert not executions.finish(db, blobs, claim, OUTCOME)
    assert not executions.give_back(db, claim)
    assert rows("SELECT * FROM executions") == before
    assert rows("SELECT ordinal FROM test_results") == [{"ordinal": 0}]
    execution = submissions.get(db, blobs, claim.submission_id, None).execution
    assert (execution.state, execution.usage) == (State.CANCELLED, Usage(1, 1, 1))


def test_the_sweeper_leaves_it_alone(
    db: Database, take: Callable[..., Claim], submit: Callable[..., SubmissionView], rows: Rows
) -> None:
    for view in (submit(), submit()):
        take(view)
        cancel.submission(db, view.id, None)
    rows("UPDATE executions SET queued_at = 'epoch', sent_at = 'epoch'")

    assert executions.sweep(db, message_lost_s=0, max_attempts=1, no_host_s=0) == []
    assert rows("SELECT DISTINCT state FROM executions") == [{"state": "cancelled"}]


@pytest.mark.parametrize("end", ["finish", "give_back"])
def test_of_both_at_once_one_decides(
    db: Database, blobs: BlobStore, take: Callable[..., Claim], at_once: Callable[..., list[object]], end: str
) -> None:
    for _ in range(20):
        claim = take()

        def act(number: int, claim: Claim = claim) -> bool:
            if number == 0:
                return bool(cancel.submission(db, claim.submission_id, None))
            if end == "finish":
                return executions.finish(db, blobs, claim, OUTCOME)
            return executions.give_back(db, claim)

        cancelled, ended = at_once(2, act)

        state = submissions.state_of(db, claim.execution_id)
        if end == "finish":
            assert cancelled is not ended
            assert state is (State.CANCELLED if cancelled else State.DONE)
        else:  # what was given back is queued, and cancelled then
            assert (cancelled, state) == (True, State.CANCELLED)


def test_one_of_eight_threads_cancels_while_others_claim(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView], at_once: Callable[..., list[object]]
) -> None:
    for _ in range(10):
        view = submit()

        def act(number: int, view: SubmissionView = view) -> object:
            if number % 2:
                return executions.claim(db, blobs, view.execution.id, worker=f"worker-{number}", lease_s=30)
            return cancel.submission(db, view.id, None)

        found = at_once(8, act)

        assert len([one for one in found[::2] if one]) == 1
        claims = [one for one in found[1::2] if isinstance(one, Claim)]
        assert len(claims) <= 1
        assert not any(executions.finish(db, blobs, claim, OUTCOME) for claim in claims)
        assert submissions.state_of(db, view.execution.id) is State.CANCELLED


@pytest.fixture
def cancellations(redis_url: str) -> Iterator[Cancellations]:
    made = Cancellations(redis_url)
    yield made
    made.close()


@pytest.fixture
def heard(cancellations: Cancellations, monkeypatch: pytest.MonkeyPatch) -> Iterator["Queue[UUID | None]"]:
    """What the worker `here/1` hears."""
    monkeypatch.setattr("domain.cancelling.LISTEN_S", 0.05)
    monkeypatch.setattr("domain.cancelling.PAUSE_S", 0.05)
    told: Queue[UUID | None] = Queue()
    ended = threading.Event()
    listener = threading.Thread(target=cancellations.listen, args=("here/1", told.put, ended))
    listener.start()
    yield told
    ended.set()
    listener.join()


def test_a_worker_is_told_and_no_other(cancellations: Cancellations, heard: "Queue[UUID | None]") -> None:
    assert heard.get(timeout=PATIENCE_S) is None  # it is to look at all that it holds: it just began to listen

    cancellations.tell("here/2", new_id())
    cancellations.tell("here/1", wanted := new_id())

    assert heard.get(timeout=PATIENCE_S) == wanted


def test_words_that_are_none_do_nothing(
    cancellations: Cancellations, heard: "Queue[UUID | None]", redis_url: str
) -> None:
    assert heard.get(timeout=PATIENCE_S) is None
    with redis.Redis.from_url(redis_url) as client:
        client.publish("shipd:worker:here/1:cancelled", b"\xff\x00")
        client.publish("shipd:worker:here/1:cancelled", "nothing")
    cancellations.tell("here/1", wanted := new_id())

    assert heard.get(timeout=PATIENCE_S) == wanted


def test_after_a_connection_was_lost_it_looks_at_all(
    cancellations: Cancellations, heard: "Queue[UUID | None]", redis_url: str
) -> None:
    assert heard.get(timeout=PATIENCE_S) is None
    with redis.Redis.from_url(redis_url) as client:
        client.client_kill_filter(_type="pubsub")

    assert heard.get(timeout=PATIENCE_S) is None


def test_without_redis_nothing_is_raised() -> None:
    away = Cancellations("redis://127.0.0.1:1/0")
    away.tell("here/1", new_id())
    ended = threading.Event()
    listener = threading.Thread(target=away.listen, args=("here/1", lambda _: None, ended))
    listener.start()
    ended.set()
    listener.join(PATIENCE_S)
    assert not listener.is_alive()

from collections.abc import Callable, Mapping
from functools import partial

from domain import executions
from domain.blobs import BlobStore
from domain.db import Database
from domain.ids import new_id
from domain.model import Claim
from domain.views import SubmissionView
from tests.integration.domain.graded import HELLO, RESULT

Rows = Callable[..., list[Mapping[str, object]]]


def test_it_works(take: Callable[..., Claim], submit: Callable[..., SubmissionView], rows: Rows) -> None:
    view = submit(HELLO)

    claim = take(view)

    assert (claim.execution_id, claim.submission_id) == (view.execution.id, view.id)
    assert (claim.attempt, claim.worker) == (1, "worker-1")
    assert claim.queued_at == view.execution.queued_at
    assert claim.submission == HELLO
    (row,) = rows("SELECT state, started_at IS NOT NULL AS started FROM executions")
    assert row == {"state": "preparing", "started": True}


def test_it_is_not_to_be_had_twice_nor_when_unknown(db: Database, blobs: BlobStore, take: Callable[..., Claim]) -> None:
    claim = take()

    assert executions.claim(db, blobs, claim.execution_id, worker="worker-2", lease_s=30) is None
    assert executions.claim(db, blobs, new_id(), worker="worker-2", lease_s=30) is None


def test_one_of_eight_threads_gets_it(
    db: Database,
    blobs: BlobStore,
    submit: Callable[..., SubmissionView],
    at_once: Callable[..., list[Claim | None]],
) -> None:
    for _ in range(10):
        wanted = submit().execution.id

        claims = at_once(8, lambda n: executions.claim(db, blobs, wanted, worker=f"worker-{n}", lease_s=30))  # noqa: B023

        assert len([claim for claim in claims if claim is not None]) == 1


def test_it_takes_over_from_a_worker_whose_lease_has_ended(
    take: Callable[..., Claim], submit: Callable[..., SubmissionView], expire: Callable[[], None]
) -> None:
    view = submit()
    take(view)
    expire()

    claim = take(view, worker="worker-2")

    assert (claim.attempt, claim.worker) == (2, "worker-2")


def test_one_that_used_up_its_attempts_is_left_to_the_sweeper(
    db: Database, blobs: BlobStore, take: Callable[..., Claim], expire: Callable[[], None]
) -> None:
    wanted = take().execution_id
    expire()

    assert executions.claim(db, blobs, wanted, worker="worker-2", lease_s=30, max_attempts=1) is None
    assert executions.claim(db, blobs, wanted, worker="worker-2", lease_s=30, max_attempts=2) is not None


def test_what_is_given_back_for_later_is_sent_again_as_if_its_message_was_lost(
    db: Database, take: Callable[..., Claim], rows: Callable[..., list[Mapping[str, object]]]
) -> None:
    assert executions.give_back(db, take(), later=True)
    sweep = partial(executions.sweep, db, message_lost_s=30, max_attempts=1, no_host_s=600)
    assert sweep() == []
    rows("UPDATE executions SET sent_at = now() - interval '31 seconds'")
    assert len(sweep()) == 1
    assert rows("SELECT given_back, attempt FROM executions") == [{"given_back": 1, "attempt": 1}]


def test_an_attempt_given_back_is_none_that_was_used_up(
    db: Database, blobs: BlobStore, take: Callable[..., Claim], expire: Callable[[], None]
) -> None:
    first = take()
    assert executions.give_back(db, first)
    assert executions.claim(db, blobs, first.execution_id, worker="worker-2", lease_s=30, max_attempts=1) is not None
    expire()

    assert executions.claim(db, blobs, first.execution_id, worker="worker-3", lease_s=30, max_attempts=1) is None


def test_one_of_eight_threads_takes_over(
    db: Database,
    blobs: BlobStore,
    take: Callable[..., Claim],
    expire: Callable[[], None],
    at_once: Callable[..., list[Claim | None]],
) -> None:
    wanted = take().execution_id
    expire()

    claims = at_once(8, lambda n: executions.claim(db, blobs, wanted, worker=f"worker-{n}", lease_s=30))

    assert [claim.attempt for claim in claims if claim is not None] == [2]


def test_it_removes_what_an_earlier_attempt_recorded(
    db: Database,
    blobs: BlobStore,
    take: Callable[..., Claim],
    submit: Callable[..., SubmissionView],
    expire: Callable[[], None],
    rows: Rows,
) -> None:
    view = submit()
    executions.record(db, blobs, take(view), [RESULT])
    expire()

    take(view, worker="worker-2")

    for table in ("test_results", "artifacts", "telemetry"):
        assert rows(f"SELECT execution_id FROM {table}") == []  # noqa: S608


def test_renewing_moves_the_end_of_the_lease(db: Database, take: Callable[..., Claim], rows: Rows) -> None:
    claim = take(lease_s=5)

    assert executions.renew(db, claim, 500)

    (row,) = rows("SELECT lease_until > now() + interval '400 s' AS later FROM executions")
    assert row == {"later": True}


def test_it_can_be_given_back_and_is_sent_again_by_the_next_sweep(
    db: Database, take: Callable[..., Claim], submit: Callable[..., SubmissionView]
) -> None:
    view = submit()

    assert executions.give_back(db, take(view))

    assert executions.sweep(db, message_lost_s=30, max_attempts=3, no_host_s=600) == [(view.execution.id, "normal")]


def test_an_attempt_given_back_does_not_count(
    db: Database, take: Callable[..., Claim], submit: Callable[..., SubmissionView], expire: Callable[[], None]
) -> None:
    view = submit()
    for _ in range(5):
        executions.give_back(db, take(view))
    take(view)
    expire()

    # One attempt failed, of two that are allowed: it is requeued.
    assert executions.sweep(db, message_lost_s=30, max_attempts=2, no_host_s=600) == [(view.execution.id, "normal")]


def test_a_claim_given_back_is_not_taken_for_the_next_of_the_same_worker(
    db: Database, take: Callable[..., Claim], submit: Callable[..., SubmissionView]
) -> None:
    view = submit()
    old = take(view)
    executions.give_back(db, old)
    take(view)

    assert not executions.renew(db, old, 30)
    assert not executions.give_back(db, old)

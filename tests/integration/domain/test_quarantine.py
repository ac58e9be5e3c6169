"""What kills its workers is tried a few times, tells its story, and is graded again only where somebody says so."""

from collections.abc import Callable, Mapping

import pytest

from domain import executions, operating, regrade_pump, regrade_start, submissions, sweep
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Conflict, InvalidRequest
from domain.model import Claim
from domain.regrade import Options
from domain.regrade_selection import Selection
from domain.verdict import Verdict
from domain.views import SubmissionView
from tests.integration.domain.regrading import PASSED, Hands

Rows = Callable[..., list[Mapping[str, object]]]
BY = "tests"
JE = Selection(verdicts=(Verdict.JE,))


@pytest.fixture
def hands(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> Hands:
    return Hands(db, blobs, submit)


@pytest.fixture
def poison(
    db: Database, submit: Callable[..., SubmissionView], take: Callable[..., Claim], expire: Callable[[], None]
) -> SubmissionView:
    """A submission that killed three workers."""
    view = submit()
    for number in range(3):
        take(view, worker=f"host-{number}/1")
        expire()
        sweep.sweep(db, message_lost_s=30, max_attempts=3, no_host_s=600)
    return view


def test_it_tells_its_story(db: Database, blobs: BlobStore, poison: SubmissionView) -> None:
    (entry,) = operating.of_submission(db, poison.id)
    lost = [(one.attempt, one.worker, one.state) for one in entry.story]
    assert lost == [(1, "host-0/1", "preparing"), (2, "host-1/1", "preparing"), (3, "host-2/1", "preparing")]
    assert all(one.started_at < one.lost_at for one in entry.story)

    shown = submissions.get(db, blobs, poison.id, None).execution
    assert (shown.verdict, shown.reason) == (Verdict.JE, "attempts")
    assert shown.message.startswith("the worker was lost 3 times while grading this (preparing at ")
    assert "host-" not in shown.message


def test_who_claims_it_tells_of_the_attempt_before(
    db: Database,
    submit: Callable[..., SubmissionView],
    take: Callable[..., Claim],
    expire: Callable[[], None],
) -> None:
    view = submit()
    take(view)
    expire()
    again = take(view, worker="worker-2")
    (entry,) = operating.of_submission(db, view.id)
    assert [(one.attempt, one.worker) for one in entry.story] == [(1, "worker-1")]
    assert executions.give_back(db, again)
    take(view)
    (entry,) = operating.of_submission(db, view.id)
    assert len(entry.story) == 1, "what is given back lost no worker"


def test_it_is_released_once(db: Database, blobs: BlobStore, poison: SubmissionView, hands: Hands) -> None:
    assert [one.id for one in operating.quarantined(db, 10)] == [poison.execution.id]

    again = operating.release(db, poison.execution.id)

    assert again is not None
    assert operating.quarantined(db, 10) == []
    with pytest.raises(Conflict, match="is in no quarantine"):
        operating.release(db, poison.execution.id)
    hands.grade(again.execution_id)
    current = submissions.get(db, blobs, poison.id, None).execution
    assert (current.id, current.number, current.verdict) == (again.execution_id, 2, Verdict.AC)


def test_to_have_it_requeued_releases_it(db: Database, poison: SubmissionView) -> None:
    operating.requeue(db, poison.execution.id)
    assert operating.quarantined(db, 10) == []


def test_a_regrade_leaves_it_out_until_it_is_named_or_released(
    db: Database, poison: SubmissionView, hands: Hands
) -> None:
    with pytest.raises(InvalidRequest):
        regrade_start.start(db, JE, Options(), BY)
    named = regrade_start.start(db, Selection(ids=(poison.id,)), Options(), BY)
    assert named.total == 1
    (candidate,) = hands.regrade({}, PASSED)
    # A candidate that is poison keeps its submission out of regrades too.
    assert hands.submission_of(candidate) == poison.id
    assert operating.release(db, poison.execution.id) is not None


def test_of_a_candidate_nothing_is_graded_when_it_is_released(
    db: Database, hands: Hands, take: Callable[..., Claim], rows: Rows
) -> None:
    graded = hands.graded()
    regrade_start.start(db, Selection(ids=(graded,)), Options(), BY)
    (candidate,) = regrade_pump.step(db)
    rows(
        "UPDATE executions SET lease_until = now(), worker = 'w', state = 'running', attempt = 3 WHERE id = %s",
        candidate,
    )
    sweep.settle(db, max_attempts=3, no_host_s=600)
    assert [one.id for one in operating.quarantined(db, 10)] == [candidate]
    assert operating.release(db, candidate) is None
    assert operating.quarantined(db, 10) == []

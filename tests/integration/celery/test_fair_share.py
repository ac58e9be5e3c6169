"""Several users at one worker: who sends much waits, and nobody waits for them; whatever is killed, all is graded."""

from datetime import datetime
from uuid import UUID

import pytest

from domain.db import Database
from domain.model import Priority
from domain.verdict import Verdict
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, sleeping
from tests.waiting import eventually


@pytest.fixture
def places(fleet: Fleet, db: Database) -> int:
    """So many of a user's executions are in the queue or at work at a time."""
    with db.transaction() as tx:
        tx.execute("""UPDATE api_keys SET limits = '{"at_once": 2}' WHERE id = %s""", (fleet.owner,))
    return 2


def _started(fleet: Fleet, submission: UUID) -> datetime:
    started_at = fleet.done(submission).started_at
    assert started_at is not None
    return started_at


def _taken(db: Database) -> int:
    with db.statement() as tx:
        row = tx.execute("SELECT count(*) FROM places").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("urgency", [Priority.NORMAL, Priority.INTERACTIVE])
def test_one_is_begun_before_what_another_has_too_much(
    fleet: Fleet, worker: ProcessContainer, places: int, urgency: Priority
) -> None:
    blocker = fleet.submit_as("flood", sleeping(4), urgency)
    fleet.running(blocker, worker)
    flood = [fleet.submit_as("flood", sleeping(0), urgency) for _ in range(8)]
    other = fleet.submit_as("other", sleeping(0))

    order = sorted([*flood, other], key=lambda submission: _started(fleet, submission))

    # The flood's one that has a place already, and no more.
    assert order.index(other) <= places - 1
    assert [submission for submission in order if submission != other] == flood


def test_workers_send_what_waits_though_nobody_sweeps(
    fleet: Fleet, sweeper: ProcessContainer, db: Database, places: int
) -> None:
    sweeper.kill()
    sweeper.wait()

    sent = [fleet.submit_as("many", sleeping(0)) for _ in range(3 * places)]

    assert [fleet.done(submission).verdict for submission in sent] == [Verdict.AC] * len(sent)
    assert _taken(db) == 0


def test_no_place_is_lost_with_a_worker(fleet: Fleet, worker: ProcessContainer, db: Database, places: int) -> None:
    first = fleet.submit_as("many", sleeping(5))
    others = [fleet.submit_as("many", sleeping(0)) for _ in range(2 * places)]
    fleet.running(first, worker)
    worker.kill_all()
    worker.restart()

    assert [fleet.done(submission).verdict for submission in (first, *others)] == [Verdict.AC] * (1 + len(others))
    assert fleet.execution(first).attempt == 2
    eventually(lambda: _taken(db) == 0)

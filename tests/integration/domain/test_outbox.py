"""What could not be sent says so in its row, and goes out with the next sweep."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
import redis
from celery import Celery

from domain import broker_mark, executions, outbox, problems, queue, sweep
from domain.blob_folder import FolderBlobs
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Unavailable
from domain.ids import new_id
from domain.model import Claim, Priority
from domain.router import Router
from domain.settings import Settings
from domain.views import SubmissionView
from standalone import ports
from tests.integration.domain.test_problems import VALIDATED

Rows = Callable[..., list[Mapping[str, object]]]
Submit = Callable[..., SubmissionView]
Take = Callable[..., Claim]
LOST_S = 3600
"""So long a message is not taken for lost: what is sent before that was known not to be out."""


def _celery(url: str) -> Celery:
    return queue.make_celery(Settings("postgresql://unused", "redis://unused", url, blob_dir=Path("unused")))


@pytest.fixture
def nowhere() -> Iterator[Celery]:
    """A broker that is away."""
    made = _celery(f"redis://127.0.0.1:{ports.choose(1)[0]}/0")
    yield made
    made.close()


@pytest.fixture
def memory(redis_url: str) -> Iterator[redis.Redis]:
    """What Redis has in mind: nothing."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def there(redis_url: str, memory: redis.Redis) -> Iterator[Celery]:
    """A broker that answers, and has our mark."""
    made = _celery(redis_url)
    yield made
    made.close()


def _ids(found: list[tuple[UUID, Priority]]) -> set[UUID]:
    return {execution_id for execution_id, _ in found}


def test_what_could_not_be_sent_is_sent_by_the_next_sweep(db: Database, submit: Submit, nowhere: Celery) -> None:
    alone, *many = [submit().execution.id for _ in range(4)]
    outbox.send(nowhere, db, alone, Priority.NORMAL)
    assert not outbox.send_all(nowhere, db, [(one, Priority.NORMAL) for one in many[:2]])

    assert _ids(sweep.to_send(db, LOST_S)) == {alone, *many[:2]}
    assert sweep.to_send(db, LOST_S) == []


def test_what_was_begun_or_waits_for_a_place_is_let_be(
    db: Database, submit: Submit, take: Take, rows: Rows, nowhere: Celery
) -> None:
    views = [submit(), submit()]
    take(views[0])
    rows("UPDATE executions SET sent_at = 'infinity' WHERE id = %s", views[1].execution.id)

    outbox.send_all(nowhere, db, [(view.execution.id, Priority.NORMAL) for view in views])

    assert sweep.to_send(db, LOST_S) == []


def test_a_sender_without_broker_and_database_does_not_fail(nowhere: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.db.WAIT_S", 0.1)
    with closing(Database("postgresql://127.0.0.1:1/nowhere")) as away:
        outbox.send(nowhere, away, new_id(), Priority.BULK)


def test_a_version_whose_check_was_not_sent_is_sent_by_the_next_sweep(
    db: Database, blobs: FolderBlobs, owner: UUID, nowhere: Celery
) -> None:
    made = problems.create(db, blobs, VALIDATED, owner_id=owner, check=partial(Router(db).check_problem, nowhere))
    assert problems.sweep(db, message_lost_s=LOST_S) == [made.version_id]
    assert problems.sweep(db, message_lost_s=LOST_S) == []


def test_a_claim_finds_what_was_not_sent(db: Database, submit: Submit, take: Take, nowhere: Celery) -> None:
    view = submit()
    outbox.send(nowhere, db, view.execution.id, Priority.NORMAL)
    assert take(view).attempt == 1
    assert sweep.to_send(db, LOST_S) == []


def test_a_broker_that_forgot_everything_is_sent_everything_once(
    db: Database, submit: Submit, take: Take, there: Celery, memory: redis.Redis
) -> None:
    waiting, at_work = submit(), submit()
    take(at_work)
    broker_mark.look(there, db)
    assert sweep.to_send(db, LOST_S) == [], "a broker that was never asked before has forgotten nothing"
    broker_mark.look(there, db)
    assert sweep.to_send(db, LOST_S) == []

    memory.flushall()
    broker_mark.look(there, db)
    assert _ids(sweep.to_send(db, LOST_S)) == {waiting.execution.id}
    broker_mark.look(there, db)
    assert sweep.to_send(db, LOST_S) == []


def test_one_that_forgot_the_newest_is_sent_the_newest(
    db: Database, submit: Submit, rows: Rows, there: Celery, memory: redis.Redis
) -> None:
    old, new = submit().execution.id, submit().execution.id
    rows("UPDATE executions SET sent_at = now() - interval '60 s' WHERE id = %s", old)
    broker_mark.look(there, db)
    before = int(str(memory.get(broker_mark.KEY)))
    memory.set(broker_mark.KEY, before - timedelta(seconds=20) // timedelta(microseconds=1))

    broker_mark.look(there, db)

    assert _ids(sweep.to_send(db, LOST_S)) == {new}
    assert int(str(memory.get(broker_mark.KEY))) > before


def test_of_many_that_ask_none_takes_the_broker_for_one_that_forgot(
    db: Database, submit: Submit, there: Celery, at_once: Callable[..., list[object]]
) -> None:
    submit()
    broker_mark.look(there, db)
    at_once(4, lambda _: broker_mark.look(there, db))
    # Of two that wrote at the same time one may have the last word in Redis, the other in PostgreSQL.
    assert len(sweep.to_send(db, LOST_S)) <= 1


def test_one_that_is_away_says_so(db: Database, submit: Submit, nowhere: Celery) -> None:
    submit()
    with pytest.raises(Unavailable, match="the broker does not answer"):
        broker_mark.look(nowhere, db)
    assert sweep.to_send(db, LOST_S) == []


def test_of_another_kind_queues_that_are_empty_are_looked_at(db: Database, submit: Submit, rows: Rows) -> None:
    other = _celery("memory://")
    lost, just_sent = submit().execution.id, submit().execution.id
    rows("UPDATE executions SET sent_at = now() - interval '6 s' WHERE id = %s", lost)
    try:
        broker_mark.look(other, db)
        assert _ids(sweep.to_send(db, LOST_S)) == {lost}
        rows("UPDATE executions SET sent_at = now() - interval '6 s'")
        queue.enqueue(other, just_sent, Priority.NORMAL)
        broker_mark.look(other, db)
        assert sweep.to_send(db, LOST_S) == [], "what waits in a queue is not lost"
    finally:
        queue.discard(other, Priority.NORMAL)
        other.close()


def test_a_worker_that_lost_its_lease_writes_nothing(
    db: Database, blobs: BlobStore, submit: Submit, take: Take, expire: Callable[[], None]
) -> None:
    view = submit()
    first = take(view)
    expire()
    second = take(view, worker="worker-2")
    assert not executions.renew(db, first, 30)
    assert not executions.record(db, blobs, first, [])
    assert executions.renew(db, second, 30)

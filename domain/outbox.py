"""The outbox: rows say what is to be sent, and are committed before it is; what could not be sent says so itself.

    executions          `sent_at`: when it was sent last; infinity: it waits for a place; epoch: it was not sent
    deliveries          `sent_at`: when it was sent last; null: it was not sent
    problem_versions    `sent_at`: as of executions

The next sweep sends what was not sent, and after a while what was sent and not begun: a process that was killed between
commit and send cannot say so. Whoever sends does it by these functions, which never raise. See docs/decisions/0030.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from celery import Celery

from domain import queue
from domain.db import Connection, Database
from domain.errors import Unavailable
from domain.logging import logger

# An operator's `requeue` and a claim may come between: what is not queued any more needs no message.
_UNSENT = (
    "UPDATE executions SET sent_at = 'epoch', sent = 1 WHERE state = 'queued' AND sent_at < 'infinity'"
    " AND sent_at > 'epoch'"
)
_UNSENT_DELIVERY = (
    "UPDATE deliveries SET sent_at = NULL WHERE state = 'waiting' AND sent_at IS NOT NULL"
    " AND (lease_until IS NULL OR lease_until < now())"
)
_UNSENT_VERSION = "UPDATE problem_versions SET sent_at = 'epoch', sent = 1 WHERE state = 'checking'"
_ALL = (_UNSENT, _UNSENT_DELIVERY, _UNSENT_VERSION)

log = logger(__name__)


def send(celery: Celery, db: Database, execution_id: UUID, name: str) -> None:
    """Send an execution to a queue."""
    if not queue.enqueue(celery, execution_id, name):
        _note(db, _UNSENT, [execution_id])


def send_all(celery: Celery, db: Database, executions: Sequence[tuple[UUID, str]]) -> bool:
    """Send many executions, each to its queue, in one go; False where it failed, perhaps after some."""
    if executions and not queue.enqueue_all(celery, executions):
        _note(db, _UNSENT, [execution_id for execution_id, _ in executions])
        return False
    return True


def deliver(celery: Celery, db: Database, delivery_id: UUID) -> None:
    """Send a delivery to the queue."""
    deliver_all(celery, db, [delivery_id])


def deliver_all(celery: Celery, db: Database, delivery_ids: Sequence[UUID]) -> None:
    """Send deliveries to the queue; after one that fails no other is tried."""
    _each(db, _UNSENT_DELIVERY, delivery_ids, lambda one: queue.deliver(celery, one))


def check_all(celery: Celery, db: Database, version_ids: Sequence[UUID], name: str) -> None:
    """Send versions of problems to a queue, to be checked; after one that fails no other is tried."""
    _each(db, _UNSENT_VERSION, version_ids, lambda one: queue.check_problem(celery, one, name))


def forget_since(tx: Connection, since: datetime) -> None:
    """Say of all that was sent from then on that it was not; what was begun by now needs no message."""
    for command in _ALL:
        tx.execute(f"{command} AND sent_at >= %s".encode(), (since,))


def forget_queue(tx: Connection, name: str, older_s: float) -> None:
    """Say of what was sent to a queue so long ago that it was not."""
    command = (
        f"{_UNSENT} AND coalesce(queue, priority) = %s AND sent_at <= now() - make_interval(secs => %s)"
    ).encode()
    tx.execute(command, (name, older_s))


def _each(db: Database, unsent: str, ids: Sequence[UUID], send_one: Callable[[UUID], bool]) -> None:
    for position, one in enumerate(ids):
        if not send_one(one):
            _note(db, unsent, ids[position:])
            return


def _note(db: Database, unsent: str, ids: Sequence[UUID]) -> None:
    """Say that these were not sent. Where that cannot be said either they count as sent, and are sent again later."""
    try:
        with db.statement() as tx:
            tx.execute(f"{unsent} AND id = ANY (%s)".encode(), (list(ids),))
    except Unavailable as error:
        log.warning("unsent_not_noted", count=len(ids), error=str(error))

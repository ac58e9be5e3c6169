"""The queues of executions, as an operator sees them: what waits in each, and whether workers take from it.

There is one queue for each priority. PostgreSQL says which are paused; workers ask (`workers/heartbeat.py`), so that a
pause outlives them. What a worker took before is graded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from domain import audit
from domain.db import Connection, Database
from domain.ids import new_id
from domain.model import Priority

ACTOR = "shipd queues"
PAUSED, RESUMED, PURGED = "queue_paused", "queue_resumed", "queue_purged"

_WAITING = """
    SELECT count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state <> 'queued'),
        count(*) FILTER (WHERE state = 'queued' AND sent_at = 'infinity'),
        min(queued_at) FILTER (WHERE state = 'queued')
    FROM executions WHERE priority = %s AND (state = 'queued' OR lease_until IS NOT NULL)
"""
_PAUSED = b"SELECT name, paused_at FROM paused_queues"


@dataclass(frozen=True)
class Waiting:
    """What of one priority is not over."""

    queue: Priority
    queued: int
    at_work: int
    without_place: int
    """Of the queued: those that wait for a place of their user, and have no message (`domain/fair.py`)."""
    oldest_at: datetime | None
    """When the one that waits longest was queued."""
    paused_at: datetime | None


def paused(db: Database) -> frozenset[str]:
    """Name the queues that nothing is taken from. Raises Unavailable."""
    with db.statement() as tx:
        return frozenset(_paused(tx))


def pause(db: Database, queue: Priority) -> bool:
    """Have workers take nothing more from a queue; False where that is so. Raises Unavailable."""
    with db.transaction() as tx:
        command = "INSERT INTO paused_queues (name) VALUES (%s) ON CONFLICT DO NOTHING"
        done = tx.execute(command, (queue.value,)).rowcount == 1
        if done:
            _note(tx, PAUSED, queue)
    return done


def resume(db: Database, queue: Priority) -> bool:
    """Have workers take from a queue again; False where they do. Raises Unavailable."""
    with db.transaction() as tx:
        done = tx.execute("DELETE FROM paused_queues WHERE name = %s", (queue.value,)).rowcount == 1
        if done:
            _note(tx, RESUMED, queue)
    return done


def note_purged(db: Database, queue: Priority, *, messages: int, executions: int) -> None:
    """Write into the audit log that a queue was purged. Raises Unavailable."""
    with db.transaction() as tx:
        _note(tx, PURGED, queue, messages=messages, executions=executions)


def waiting(db: Database) -> list[Waiting]:
    """Say of every queue what waits in it. Raises Unavailable."""
    with db.read() as tx:
        since = _paused(tx)
        return [_waiting(tx, queue, since.get(queue.value)) for queue in Priority]


def left(db: Database, queue: Priority) -> int:
    """Count what of a queue is not over: waiting, or at work. Raises Unavailable."""
    with db.read() as tx:
        found = _waiting(tx, queue, None)
    return found.queued + found.at_work


def _waiting(tx: Connection, queue: Priority, paused_at: datetime | None) -> Waiting:
    queued, at_work, without_place, oldest_at = tx.execute(_WAITING, (queue.value,)).fetchone() or (0, 0, 0, None)
    return Waiting(queue, queued, at_work, without_place, oldest_at, paused_at)


def _paused(tx: Connection) -> Mapping[str, datetime]:
    return dict(tx.execute(_PAUSED).fetchall())


def _note(tx: Connection, event: str, queue: Priority, **details: int) -> None:
    audit.note(tx, [(new_id(), event, ACTOR, None, None, Jsonb({"queue": queue.value, **details}))])

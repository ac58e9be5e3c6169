"""The queues of executions, as an operator sees them: what waits in each, and whether workers take from it.

They are seen by priority: each region and each host has a queue of every priority, and a pause holds for all of them.
`by_queue` tells them apart. PostgreSQL says which are paused; workers ask (`workers/heartbeat.py`), so that a
pause outlives them. What a worker took before is graded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from domain import audit, hosts, queue_names
from domain.db import Connection, Database
from domain.host import DEFAULT_REGION
from domain.hosts import Host
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
_BY_QUEUE = b"""
    SELECT coalesce(queue, priority), count(*) FILTER (WHERE state = 'queued'),
        count(*) FILTER (WHERE state <> 'queued'), min(queued_at) FILTER (WHERE state = 'queued')
    FROM executions WHERE (state = 'queued' AND sent_at < 'infinity') OR lease_until IS NOT NULL GROUP BY 1
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


@dataclass(frozen=True)
class InQueue:
    """What of one queue is not over. What waits for a place of its user is in none."""

    name: str
    queued: int
    at_work: int
    oldest_at: datetime | None


def by_queue(db: Database) -> list[InQueue]:
    """Say of every queue that a known host takes from, or that holds anything, what waits in it. Raises Unavailable."""
    with db.read() as tx:
        found = {row[0]: InQueue(*row) for row in tx.execute(_BY_QUEUE)}
        names = dict.fromkeys((*names_of(hosts.read(tx)), *sorted(found)))
    return [found.get(name) or InQueue(name, 0, 0, None) for name in names]


def names_of(known: Sequence[Host], priorities: Iterable[Priority] = Priority) -> list[str]:
    """Name the queues of all hosts and their regions, most urgent first; regions before hosts."""
    regions = sorted({DEFAULT_REGION, *(host.report.region for host in known)})
    names = [host.report.name for host in known]
    return [
        name
        for one in priorities
        for name in (
            *(queue_names.of_region(region, one) for region in regions),
            *(queue_names.of_host(host, one) for host in names),
        )
    ]


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

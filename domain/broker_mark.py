"""Whether the broker forgot what it was sent: the sweeper asks it at every sweep, before it sends anything.

Redis is asked for a mark that the sweeper writes there and notes in PostgreSQL, the time of each sweep. Redis forgets
its newest writes first: one that has an older mark than was noted, or none, has forgotten what was sent since, and all
of that is sent again, once. So a queue that is merely long is not filled with copies. Brokers of another kind keep what
they were sent; there a queue is looked at that has nothing in it although PostgreSQL says that something is out.
"""

from datetime import UTC, datetime, timedelta

from celery import Celery
from kombu.connection import Connection as Broker
from redis import Redis

from domain import outbox, queue
from domain.db import Database
from domain.logging import logger

KEY = "shipd:broker:mark"
SLACK = timedelta(seconds=10)
"""A message may reach the broker so long after its row said that it was sent."""
SETTLED_S = 5.0
"""So long after it was sent an execution whose queue is empty should have been begun."""

_NEVER = datetime.fromtimestamp(0, UTC)
_NOTED = b"SELECT marked_at FROM broker"
# Of two sweepers at a time the second finds that the first was here.
_NOTE = """
    UPDATE broker SET marked_at = greatest(clock_timestamp(), marked_at + interval '1 microsecond')
    WHERE marked_at = %s RETURNING marked_at
"""
_OUT = """
    SELECT DISTINCT coalesce(queue, priority) FROM executions
    WHERE state = 'queued' AND sent_at > 'epoch' AND sent_at <= now() - make_interval(secs => %s)
"""

log = logger(__name__)


def look(celery: Celery, db: Database) -> None:
    """Have sent again what the broker forgot. Raises Unavailable where it, or PostgreSQL, does not answer."""
    with queue.told_away(celery), celery.connection_for_write() as broker:
        channel = broker.default_channel
        if broker.transport.driver_type == "redis":
            _compare(channel.client, db)
        else:
            _look_for_empty(broker, db)


def _compare(client: Redis, db: Database) -> None:
    with db.statement() as tx:
        (noted,) = tx.execute(_NOTED).fetchone() or (_NEVER,)
    found = _read(client.get(KEY))
    with db.transaction() as tx:
        row = tx.execute(_NOTE, (noted,)).fetchone()
        if row is None:
            return
        if found < noted:
            log.warning("broker_forgot", since=found.isoformat())
            outbox.forget_since(tx, max(found, _NEVER + SLACK) - SLACK)
    # Killed before this, or in vain: the next sweep takes the broker for one that forgot, and sends some twice.
    client.set(KEY, _written(row[0]))


def _look_for_empty(broker: Broker, db: Database) -> None:
    with db.statement() as tx:
        out = [row[0] for row in tx.execute(_OUT, (SETTLED_S,))]
    for name in out:
        if _length(broker, name) == 0:
            log.info("queue_is_empty", queue=name)
            with db.statement() as tx:
                outbox.forget_queue(tx, name, SETTLED_S)


def _length(broker: Broker, name: str) -> int:
    """Count what waits in a queue; one that is not there holds nothing."""
    # A channel of its own: asking for a queue that is not there closes it.
    with broker.channel() as channel:  # type: ignore[no-untyped-call] # kombu types only some
        try:
            return int(channel.queue_declare(queue=name, passive=True).message_count)
        except broker.channel_errors:
            return 0


def _read(value: bytes | str | None) -> datetime:
    return _NEVER if value is None else _NEVER + timedelta(microseconds=int(value))


def _written(at: datetime) -> int:
    return (at - _NEVER) // timedelta(microseconds=1)

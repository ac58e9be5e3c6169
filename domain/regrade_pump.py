"""The pump of regrades: takes in what has ended, and queues the next few candidates, below live traffic.

A step is one transaction, alone at its work by the locks on the rows of regrades: whoever makes one (a worker that
ended a candidate, the process that sweeps, a command) may be killed at any point of it, and the next step goes on. A
candidate is made in the transaction that says it is queued, so none is made twice; its message is a hint, like all
messages, and the sweeper sends it again where it was lost. Nothing is sent while an interactive or normal execution
waits for a worker.

Regrades take turns in the order in which they were started: `at_once` is about all of them together.
"""

from collections.abc import Sequence
from uuid import UUID

from celery import Celery

from domain import numbers, regrade_version, spans, tracing
from domain.db import Connection, Database
from domain.errors import Unavailable
from domain.ids import new_id
from domain.logging import logger
from domain.model import Priority
from domain.regrade_start import AT_ONCE
from domain.router import Router

_ANY = b"SELECT EXISTS (SELECT FROM regrades WHERE state IN ('running', 'paused'))"
# Locked, so that steps come one after the other, and whoever pauses or ends one waits for a step, or a step for them.
# What ended before the lock was had is seen by the statements that follow it.
_OPEN = f"""
    SELECT id, state = 'running', options ->> 'version', coalesce((options ->> 'at_once')::integer, {AT_ONCE})
    FROM regrades WHERE state IN ('running', 'paused') ORDER BY created_at, id FOR UPDATE
""".encode()
_TAKE_IN = b"""
    WITH ended AS (
        UPDATE regrade_items AS i
        SET state = 'done', changed = new.state = 'done'
            AND (new.verdict IS DISTINCT FROM old.verdict OR new.points IS DISTINCT FROM old.points)
        FROM executions AS new, executions AS old
        WHERE i.regrade_id = ANY ($1) AND i.state = 'queued' AND new.id = i.new_execution_id
            AND old.id = i.old_execution_id AND new.state IN ('done', 'cancelled')
        RETURNING i.regrade_id, i.changed, new.verdict IS NULL OR new.verdict = 'JE' AS failed
    ), counted AS (
        SELECT regrade_id, count(*) AS done, count(*) FILTER (WHERE changed) AS changed,
            count(*) FILTER (WHERE failed) AS failed
        FROM ended GROUP BY regrade_id
    )
    UPDATE regrades AS g
    SET done = g.done + c.done, changed = g.changed + c.changed, failed = g.failed + c.failed
    FROM counted AS c WHERE g.id = c.regrade_id
"""
# What waits for a place of its user's (`domain/fair`) waits for no worker.
_ROOM = b"""
    SELECT CASE WHEN EXISTS (
        SELECT FROM executions WHERE state = 'queued' AND sent_at < 'infinity' AND priority <> 'bulk'
    ) THEN 0 ELSE $1 - (SELECT count(*) FROM regrade_items WHERE state = 'queued') END
"""
_SEND = f"""
    WITH picked AS (
        SELECT i.regrade_id, i.position, i.submission_id, i.old_execution_id,
            (%(ids)s::uuid[])[row_number() OVER (ORDER BY i.position)] AS own_id
        FROM (
            SELECT * FROM regrade_items WHERE regrade_id = %(regrade_id)s AND state = 'waiting'
            ORDER BY position LIMIT cardinality(%(ids)s::uuid[])
        ) AS i
    ), made AS (
        INSERT INTO executions (id, submission_id, number, priority, regrade_id, candidate, problem_version_id)
        SELECT picked.own_id, picked.submission_id,
            {numbers.following("picked.submission_id")},
            'bulk', picked.regrade_id, true, {regrade_version.CARRIED}
        FROM picked JOIN executions AS e ON e.id = picked.old_execution_id
        RETURNING id
    )
    UPDATE regrade_items AS i SET state = 'queued', new_execution_id = picked.own_id
    FROM picked JOIN made ON made.id = picked.own_id
    WHERE i.regrade_id = picked.regrade_id AND i.position = picked.position
    RETURNING picked.own_id
""".encode()
_READY = b"""
    UPDATE regrades AS g SET state = 'ready', ready_at = now()
    WHERE g.id = ANY ($1) AND NOT EXISTS (
        SELECT FROM regrade_items AS i WHERE i.regrade_id = g.id AND i.state = 'waiting'
    ) AND NOT EXISTS (SELECT FROM regrade_items AS i WHERE i.regrade_id = g.id AND i.state = 'queued')
"""

log = logger(__name__)


def step(db: Database) -> list[UUID]:
    """Take in what has ended, and list the candidates that must be sent to the queue now. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.run(_ANY, []).fetchone()
    if row is None or not row[0]:
        return []
    with db.transaction() as tx:
        return _step(tx)


def _step(tx: Connection) -> list[UUID]:
    under_way = tx.execute(_OPEN).fetchall()
    ids = [row[0] for row in under_way]
    take_in(tx, ids)
    sent: list[UUID] = []
    for regrade_id, running, version, at_once in under_way:
        if running:
            sent += _send(tx, regrade_id, version, at_once)
    tx.run(_READY, [ids])
    return sent


def take_in(tx: Connection, regrade_ids: Sequence[UUID]) -> None:
    """Count what has ended of regrades whose rows are locked."""
    tx.run(_TAKE_IN, [list(regrade_ids)])


def _send(tx: Connection, regrade_id: UUID, version: str, at_once: int) -> list[UUID]:
    row = tx.run(_ROOM, [at_once]).fetchone()
    room = row[0] if row is not None else 0
    if room <= 0:
        return []
    values = {"regrade_id": regrade_id, "version": version, "ids": [new_id() for _ in range(room)]}
    return [found[0] for found in tx.execute(_SEND, values)]


def pump(celery: Celery, db: Database, router: Router) -> None:
    """Make a step and send what it lists. Never raises: what is not done now is by the next step, or the sweeper."""
    try:
        sent = step(db)
    except Unavailable as error:
        log.warning("regrade_not_pumped", error=str(error))
        return
    if sent:
        with tracing.outside(), spans.span("regrade step", {"shipd.executions": len(sent)}):
            router.send(celery, [(execution_id, Priority.BULK) for execution_id in sent])

"""The sweeper: finds what was left behind, so that every submission ends in exactly one final result.

Several may run at once: each takes rows that no other has (SKIP LOCKED), a limited number at a time. What lost its
worker is noted in its story; what lost as many as it may is in quarantine (docs/decisions/0030).
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from uuid import UUID

from psycopg.rows import TupleRow

from domain import counted, fair, hosts, story
from domain.db import Connection, Database
from domain.fair import USUAL, Usual
from domain.hosts import Host
from domain.model import Priority
from domain.need_rows import NEED, NEEDS_THIS
from domain.results import totals
from domain.room import Need

BATCH = 1000
"""How many rows of a kind one sweep takes; the next goes on."""

# A lease has ended: the worker died, or cannot reach the database.
_ATTEMPTS_USED_UP = f"""
    WITH picked AS (
        SELECT id, story || {story.ENTRY} AS whole FROM executions
        WHERE lease_until < now() AND attempt - given_back >= %(max_attempts)s
        ORDER BY lease_until LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
    UPDATE executions AS e
    SET state = 'done', verdict = 'JE', reason = '{story.ATTEMPTS}', lease_until = NULL, finished_at = now(),
        story = picked.whole, message = {story.told("picked.whole")}, {totals()}
    FROM picked WHERE e.id = picked.id
    RETURNING e.id, e.reason
"""
# They are sent with what lost its message, if anything is.
_ABANDONED = f"""
    WITH picked AS (
        SELECT id, story || {story.ENTRY} AS whole FROM executions WHERE lease_until < now()
        ORDER BY lease_until LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
    UPDATE executions AS e
    SET state = 'queued', worker = NULL, lease_until = NULL, sent_at = 'epoch', sent = 1, story = picked.whole
    FROM picked WHERE e.id = picked.id
"""
# Behind a long queue nothing is lost, it only waits: sending again comes to rest at every eighth interval, so that
# the queue does not fill with copies. What was not sent at all (epoch) comes first.
_TO_SEND = f"""
    WITH picked AS (
        SELECT id FROM executions
        WHERE state = 'queued' AND sent_at <= now() - make_interval(secs => %(message_lost_s)s)
            AND sent_at <= now() - make_interval(secs => %(message_lost_s)s * (1 << least(sent - 1, 3)))
        ORDER BY sent_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
    UPDATE executions AS e SET sent_at = now(), sent = CASE WHEN e.sent_at = 'epoch' THEN 1 ELSE e.sent + 1 END
    FROM picked WHERE e.id = picked.id
    RETURNING e.id, e.priority
"""

_SPENT_LONG_AGO = "DELETE FROM spending WHERE day < current_date - 31"

_WAITING = f"""
    SELECT DISTINCT {NEED} FROM executions AS e JOIN submissions AS s ON s.id = e.submission_id
    WHERE e.state = 'queued' AND e.queued_at <= now() - make_interval(secs => %(no_host_s)s)
"""
# The time since which no host could hold it: since it was queued, since the last host that could was seen, but not
# while the database itself was down, for then the hosts could not tell.
_NO_HOST = f"""
    WITH picked AS (
        SELECT e.id FROM executions AS e JOIN submissions AS s ON s.id = e.submission_id
        WHERE e.state = 'queued'
            AND {NEEDS_THIS}
            AND greatest(e.queued_at, %(seen_at)s, pg_postmaster_start_time())
                <= now() - make_interval(secs => %(no_host_s)s)
        LIMIT {BATCH} FOR UPDATE OF e SKIP LOCKED
    )
    UPDATE executions AS e
    SET state = 'done', verdict = 'JE', reason = 'no_host', finished_at = now(),
        message = 'no host that is up has room for this and its language', {totals()}
    FROM picked WHERE e.id = picked.id
    RETURNING e.id, e.reason
"""


def sweep(
    db: Database,
    *,
    message_lost_s: int,
    max_attempts: int,
    no_host_s: int,
    finished: Callable[[UUID, str], None] | None = None,
    usual: Usual = USUAL,
) -> list[tuple[UUID, Priority]]:
    """Requeue what was left behind, end what cannot be graded, and list what must be sent to the queue (again).

    `finished` is called after the commit for every execution that ended here as JE, with its reason, to tell those who
    wait for it. Raises Unavailable.
    """
    settle(db, max_attempts=max_attempts, no_host_s=no_host_s, finished=finished)
    overdue = to_send(db, message_lost_s)
    # After the commit: what ended above has given its places back.
    return [*overdue, *fair.send_all_waiting(db, usual)]


def settle(
    db: Database, *, max_attempts: int, no_host_s: int, finished: Callable[[UUID, str], None] | None = None
) -> None:
    """Requeue what was left behind, and end what cannot be graded; nothing need be sent for that. As `sweep`."""
    limits = {"max_attempts": max_attempts, "no_host_s": no_host_s}
    with db.transaction() as tx:
        ended = list(tx.execute(_ATTEMPTS_USED_UP.encode(), limits))
        ended += _end_what_no_host_can_hold(tx, no_host_s)
        abandoned = tx.execute(_ABANDONED.encode(), limits).rowcount
        if finished is not None:
            for execution_id, reason in ended:
                tx.after_commit(partial(finished, execution_id, reason))
        tx.execute(_SPENT_LONG_AGO)
    counted.LEASES_EXPIRED.add(by=abandoned + sum(reason == story.ATTEMPTS for _, reason in ended))


def to_send(db: Database, message_lost_s: int) -> list[tuple[UUID, Priority]]:
    """List what was not sent, and what was and not begun for so long that its message may be lost: BATCH at the most.

    It counts as sent from now on. Raises Unavailable.
    """
    with db.statement() as tx:
        found = tx.execute(_TO_SEND.encode(), {"message_lost_s": message_lost_s}).fetchall()
    return [(execution_id, Priority(priority)) for execution_id, priority in found]


def _end_what_no_host_can_hold(tx: Connection, no_host_s: int) -> Iterable[TupleRow]:
    waiting = [Need(*row) for row in tx.execute(_WAITING, {"no_host_s": no_host_s})]
    known = hosts.read(tx) if waiting else []
    for need in waiting:
        able = [host for host in known if need.fits(host.report)]
        if not any(host.live for host in able):
            values = vars(need) | {"seen_at": _last_seen(able), "no_host_s": no_host_s}
            yield from tx.execute(_NO_HOST, values)


def _last_seen(able: list[Host]) -> datetime | None:
    return max((host.seen_at for host in able), default=None)

"""What waits in queues that nobody takes from: it is sent elsewhere, at once, wherever somebody can run it.

A host that was silent for three heartbeats, or that is draining, takes nothing; a region of which no host does neither.
Nobody waits for their messages to count as lost. Where nobody else can run it, it stays and waits for them.
"""

from uuid import UUID

from domain import queue_names, routing
from domain.db import Connection, Database
from domain.need_rows import NEED, NEEDS_THIS
from domain.room import Need
from domain.router import Router, home_of

BATCH = 1000
"""How many of a kind one sweep moves; the next goes on."""

_KINDS = f"""
    SELECT DISTINCT coalesce(e.queue, e.priority), s.region, {NEED}
    FROM executions AS e JOIN submissions AS s ON s.id = e.submission_id
    WHERE e.state = 'queued' AND e.sent_at < 'infinity' AND coalesce(e.queue, e.priority) = ANY ($1)
""".encode()
_MOVE = f"""
    WITH picked AS (
        SELECT e.id FROM executions AS e JOIN submissions AS s ON s.id = e.submission_id
        WHERE e.state = 'queued' AND e.sent_at < 'infinity' AND coalesce(e.queue, e.priority) = %(before)s
            AND s.region IS NOT DISTINCT FROM %(asked)s
            AND {NEEDS_THIS}
        LIMIT %(most)s FOR UPDATE OF e SKIP LOCKED
    )
    UPDATE executions AS e SET queue = %(queue)s, sent_at = now(), sent = 1
    FROM picked WHERE e.id = picked.id
    RETURNING e.id
"""


def move(db: Database, router: Router) -> list[tuple[UUID, str]]:
    """Decide anew for what waits where nobody takes it, and list what must be sent where. Raises Unavailable."""
    gone = routing.abandoned(router.known.hosts(anew=True))
    if not gone:
        return []
    with db.transaction() as tx:
        kinds = tx.run(_KINDS, [gone]).fetchall()
        return [found for before, asked, *need in kinds for found in _moved(tx, router, before, asked, Need(*need))]


def _moved(tx: Connection, router: Router, before: str, asked: str | None, need: Need) -> list[tuple[UUID, str]]:
    named = queue_names.read(before)
    if named is None:
        return []
    moved: list[tuple[UUID, str]] = []
    # A few at a time, so that those that go to hosts of their own are spread over all that can run them.
    while len(moved) < BATCH:
        to = router.decide(need, asked, named.priority, home_of(before))
        some = [] if to == before else _move(tx, before, asked, need, to)
        if not some:
            break
        moved += [(execution_id, to) for execution_id in some]
    return moved


def _move(tx: Connection, before: str, asked: str | None, need: Need, to: str) -> list[UUID]:
    named = queue_names.read(to)
    most = 10 if named is not None and named.host is not None else BATCH
    values = {**vars(need), "before": before, "asked": asked, "queue": to, "most": most}
    return [row[0] for row in tx.execute(_MOVE.encode(), values)]

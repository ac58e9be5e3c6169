"""Batches as answers show them: how far they are, and their items, in the order in which they were sent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import listing
from domain.db import Database
from domain.errors import NotFound
from domain.listing import CURRENT, SUMMARY, Summary
from domain.verdict import State, Verdict

_READ = f"""
    SELECT b.owner_id, b.created_at, i.status, e.state, e.verdict, count(i.position)
    FROM batches AS b LEFT JOIN batch_items AS i ON i.batch_id = b.id
        LEFT JOIN submissions AS s ON s.id = i.submission_id LEFT JOIN {CURRENT} ON true
    WHERE b.id = $1 GROUP BY 1, 2, 3, 4, 5
""".encode()
_ITEMS = f"""
    SELECT i.position, i.status, {SUMMARY}
    FROM batch_items AS i LEFT JOIN submissions AS s ON s.id = i.submission_id LEFT JOIN {CURRENT} ON true
    WHERE i.batch_id = $1 ORDER BY i.position
""".encode()
_PLACES = b"""
    SELECT position, status, submission_id FROM batch_items
    WHERE batch_id = $1 AND position >= $2 ORDER BY position LIMIT $3
"""
_EXECUTIONS = f"""
    SELECT e.id, i.position, i.status, i.submission_id
    FROM batch_items AS i JOIN submissions AS s ON s.id = i.submission_id CROSS JOIN {CURRENT}
    WHERE i.batch_id = $1
""".encode()
_ENDED = b"SELECT id FROM executions WHERE id = ANY ($1) AND state IN ('done', 'cancelled')"


@dataclass(frozen=True)
class BatchView:
    """A batch. `states` and `verdicts` count the current executions of its submissions."""

    id: UUID
    owner_id: UUID
    created_at: datetime
    accepted: int
    refused: int
    states: Mapping[State, int]
    verdicts: Mapping[Verdict, int]

    @property
    def done(self) -> bool:
        """Whether every execution has ended."""
        return all(state.final for state in self.states)


@dataclass(frozen=True)
class Place:
    """An item of a batch; `submission_id` is None where it was refused."""

    position: int
    status: int
    submission_id: UUID | None


@dataclass(frozen=True)
class ItemView:
    """An item of a batch with what became of its submission so far; None where it was refused."""

    position: int
    status: int
    summary: Summary | None


def get(db: Database, batch_id: UUID, owner_id: UUID | None) -> BatchView:
    """Read how far a batch of this owner (None: of anybody) is. Raises NotFound, Unavailable."""
    with db.statement() as tx:
        rows = tx.run(_READ, [batch_id]).fetchall()
    if not rows or owner_id not in {None, rows[0][0]}:
        raise NotFound(f"there is no batch {batch_id}; check the id, and that the key is its sender's")
    states: Counter[State] = Counter()
    verdicts: Counter[Verdict] = Counter()
    refused = 0
    for _, _, status, state, verdict, count in rows:
        if state is None:
            refused += count if status is not None else 0
            continue
        states[State(state)] += count
        if verdict is not None:
            verdicts[Verdict(verdict)] += count
    return BatchView(batch_id, rows[0][0], rows[0][1], states.total(), refused, states, verdicts)


def items(db: Database, batch_id: UUID) -> Sequence[ItemView]:
    """Read all items, as lists show submissions. Raises Unavailable."""
    with db.statement() as tx:
        rows = tx.run(_ITEMS, [batch_id]).fetchall()
    return [ItemView(row[0], row[1], listing.summary(row[2:]) if row[2] is not None else None) for row in rows]


def places(db: Database, batch_id: UUID, *, start: int, limit: int) -> Sequence[Place]:
    """List up to `limit` items from position `start` on. Raises Unavailable."""
    with db.statement() as tx:
        return [Place(*row) for row in tx.run(_PLACES, [batch_id, start, limit])]


def executions(db: Database, batch_id: UUID) -> Mapping[UUID, Place]:
    """Give the items whose submissions are there, by their current executions. Raises Unavailable."""
    with db.statement() as tx:
        return {row[0]: Place(*row[1:]) for row in tx.run(_EXECUTIONS, [batch_id])}


def ended(db: Database, execution_ids: set[UUID]) -> set[UUID]:
    """Say which of these executions are done or cancelled. Raises Unavailable."""
    with db.statement() as tx:
        return {row[0] for row in tx.run(_ENDED, [list(execution_ids)])}

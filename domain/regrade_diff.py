"""What a regrade changes: how many went from which verdict to which, and each submission with both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import TupleRow

from domain.db import Database
from domain.listing import of_hidden
from domain.verdict import Verdict, hidden_reason

AT_ONCE = 1000

_MATRIX = b"""
    SELECT old.verdict, new.verdict, count(*)
    FROM regrade_items AS i JOIN executions AS old ON old.id = i.old_execution_id
        JOIN executions AS new ON new.id = i.new_execution_id
    WHERE i.regrade_id = $1 AND new.state = 'done'
    GROUP BY 1, 2 ORDER BY 1, 2
"""
_ITEMS = f"""
    SELECT i.position, i.state, i.changed, s.id, s.problem_id, s.user_id, s.language,
        old.id, old.verdict, old.reason, old.points, old.cpu_time_ms, {of_hidden("old")},
        new.id, new.verdict, new.reason, new.points, new.cpu_time_ms, {of_hidden("new")}
    FROM regrade_items AS i JOIN submissions AS s ON s.id = i.submission_id
        JOIN executions AS old ON old.id = i.old_execution_id
        LEFT JOIN executions AS new ON new.id = i.new_execution_id
    WHERE i.regrade_id = $1 AND i.position >= $2 AND ($3::boolean IS NULL OR i.changed = $3)
    ORDER BY i.position LIMIT $4
""".encode()


@dataclass(frozen=True)
class Move:
    """How many went from one verdict to another."""

    old: Verdict
    new: Verdict
    count: int


@dataclass(frozen=True)
class Graded:
    """What one of the two executions of an item came to; of a hidden test case no more of the reason than is told."""

    execution_id: UUID
    verdict: Verdict | None
    """None: it has not ended, or was cancelled."""
    reason: str | None
    points: float | None
    cpu_time_ms: int | None


@dataclass(frozen=True)
class Item:
    """One submission of a regrade."""

    position: int
    """In the order in which they were made, from 0."""
    state: str
    """waiting, queued or done."""
    changed: bool | None
    """Whether the verdict is another one, or the points are; None while it is not done."""
    submission_id: UUID
    problem_id: str | None
    user_id: str | None
    language: str
    old: Graded
    new: Graded | None
    """None while it waits."""

    @property
    def time_ratio(self) -> float | None:
        """How much CPU time the new one took for each of the old one's; None where that says nothing."""
        before, after = self.old.cpu_time_ms, self.new.cpu_time_ms if self.new is not None else None
        return None if not before or after is None else round(after / before, 2)


def matrix(db: Database, regrade_id: UUID) -> Sequence[Move]:
    """Count old and new verdicts of all that are done. Raises Unavailable."""
    with db.statement() as tx:
        return [Move(Verdict(old), Verdict(new), count) for old, new, count in tx.run(_MATRIX, [regrade_id])]


def items(
    db: Database, regrade_id: UUID, *, changed: bool | None = None, start: int = 0, limit: int = AT_ONCE
) -> Sequence[Item]:
    """List up to `limit` items from position `start` on: all, or those that changed, or did not. Raises Unavailable."""
    with db.statement() as tx:
        return [_item(row) for row in tx.run(_ITEMS, [regrade_id, start, changed, limit])]


def every(db: Database, regrade_id: UUID, *, changed: bool | None = None) -> Iterator[Item]:
    """Give all items, some at a time. Raises Unavailable."""
    start = 0
    while some := items(db, regrade_id, changed=changed, start=start):
        yield from some
        start = some[-1].position + 1


def _item(row: TupleRow) -> Item:
    own, old, new = row[:7], row[7:13], row[13:]
    return Item(*(*own, _graded(old), _graded(new) if new[0] is not None else None))


def _graded(row: TupleRow) -> Graded:
    execution_id, word, reason, points, cpu_time_ms, hidden = row
    verdict = None if word is None else Verdict(word)
    return Graded(execution_id, verdict, hidden_reason(verdict, reason) if hidden else reason, points, cpu_time_ms)

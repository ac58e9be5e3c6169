"""All executions of a submission, the current one and those before it: a regrade adds one, and takes none away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from domain.db import Database
from domain.errors import NotFound
from domain.listing import of_hidden
from domain.verdict import State, Verdict, hidden_reason

_READ = f"""
    SELECT e.id, e.number, e.state, e.verdict, e.reason, e.points, e.queued_at, e.finished_at, e.regrade_id,
        e.candidate, {of_hidden("e")}
    FROM submissions AS s JOIN execution_numbers AS n ON n.submission_id = s.id
        JOIN executions AS e ON e.id = n.execution_id
    WHERE s.id = $1 AND ($2::uuid IS NULL OR s.owner_id = $2 AND NOT e.candidate)
    ORDER BY n.number
""".encode()


@dataclass(frozen=True)
class Past:
    """An execution in short."""

    id: UUID
    number: int
    state: State
    verdict: Verdict | None
    reason: str | None
    points: float | None
    queued_at: datetime
    finished_at: datetime | None
    regrade_id: UUID | None
    """The regrade that made it; None for the first one."""
    candidate: bool
    """Whether that regrade was not applied: it is nobody's result, or not yet."""
    current: bool


def executions(db: Database, submission_id: UUID, owner_id: UUID | None) -> Sequence[Past]:
    """List the executions of a submission of this owner, oldest first; with None anybody's, and candidates too.

    Raises NotFound, Unavailable.
    """
    with db.statement() as tx:
        rows = tx.run(_READ, [submission_id, owner_id]).fetchall()
    if not rows:
        raise NotFound(f"there is no submission {submission_id}; check the id, and that the key is its sender's")
    current = max(number for _, number, *_, candidate, _ in rows if not candidate)
    return [_past(row, current) for row in rows]


def _past(row: TupleRow, current: int) -> Past:
    own_id, number, state, word, reason, *rest, hidden = row
    verdict = None if word is None else Verdict(word)
    shown = hidden_reason(verdict, reason) if hidden else reason
    return Past(*(own_id, number, State(state), verdict, shown, *rest, number == current))

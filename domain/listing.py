"""Submissions in a list: enough to recognise each and to see how it went, newest first, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from domain.db import Database
from domain.model import Priority
from domain.verdict import State, Verdict


@dataclass(frozen=True)
class Place:
    """Where a page ended: the creation time and id of its last submission."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Summary:
    """A submission and its current execution, without sources, test cases and results."""

    id: UUID
    created_at: datetime
    language: str
    priority: Priority
    user_id: str | None
    problem_id: str | None
    execution_id: UUID
    state: State
    verdict: Verdict | None
    reason: str | None
    points: int | None
    of_hidden: bool
    """Whether verdict and reason are those of a hidden test case."""

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return Place(self.created_at, self.id)


OF_HIDDEN = """
       coalesce((
           SELECT t.is_hidden AND r.verdict = e.verdict
           FROM test_results AS r JOIN test_cases AS t ON t.submission_id = r.submission_id AND t.ordinal = r.ordinal
           WHERE r.execution_id = e.id AND r.verdict NOT IN ('AC', 'OK')
           ORDER BY r.ordinal LIMIT 1
       ), false)
"""
"""Whether verdict and reason of execution `e` are those of a hidden test case."""

_PAGE = f"""
SELECT s.id, s.created_at, s.language, s.priority, s.user_id, s.problem_id,
       e.id, e.state, e.verdict, e.reason, e.points, {OF_HIDDEN}
FROM submissions AS s
CROSS JOIN LATERAL (SELECT * FROM executions WHERE submission_id = s.id ORDER BY number DESC LIMIT 1) AS e
WHERE (%(owner_id)s::uuid IS NULL OR s.owner_id = %(owner_id)s)
  AND (%(created_at)s::timestamptz IS NULL OR (s.created_at, s.id) < (%(created_at)s, %(id)s))
ORDER BY s.created_at DESC, s.id DESC
LIMIT %(limit)s
"""


def page(db: Database, owner_id: UUID | None, *, before: Place | None, limit: int) -> Sequence[Summary]:
    """List up to `limit` submissions of this owner (None: of anybody) made before a place. Raises Unavailable."""
    wanted = {
        "owner_id": owner_id,
        "created_at": before.created_at if before else None,
        "id": before.id if before else None,
        "limit": limit,
    }
    with db.read() as tx:
        rows = tx.execute(_PAGE.encode(), wanted).fetchall()
    return [_summary(row) for row in rows]


def _summary(row: TupleRow) -> Summary:
    return Summary(
        id=row[0],
        created_at=row[1],
        language=row[2],
        priority=Priority(row[3]),
        user_id=row[4],
        problem_id=row[5],
        execution_id=row[6],
        state=State(row[7]),
        verdict=Verdict(row[8]) if row[8] is not None else None,
        reason=row[9],
        points=row[10],
        of_hidden=row[11],
    )

"""What a checker had to say to the problem's author of one submission: to them, and to operators, and it is noted.

Of a submission that brought its checker itself its sender is the author, but of hidden test cases nothing is said to
them, as nothing else is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain import audit
from domain.cases import of_execution
from domain.db import Database
from domain.errors import NotFound
from domain.listing import CURRENT
from domain.problem_reading import Viewer

_FIND = f"""
    SELECT e.id, e.problem_version_id IS NOT NULL, s.owner_id, p.owner_id
    FROM submissions AS s
    CROSS JOIN {CURRENT}
    LEFT JOIN problem_versions AS v ON v.id = e.problem_version_id
    LEFT JOIN problems AS p ON p.id = v.problem_id
    WHERE s.id = %(submission_id)s
"""
_READ = f"""
    SELECT r.ordinal, c.name, r.judge_message
    FROM executions AS e JOIN test_results AS r ON r.execution_id = e.id
    JOIN LATERAL ({of_execution("e")}) AS c ON c.ordinal = r.ordinal
    WHERE e.id = %(execution_id)s AND r.judge_message <> '' AND (%(whole)s OR NOT c.is_hidden)
    ORDER BY r.ordinal
"""


@dataclass(frozen=True)
class JudgeMessage:
    """Of one test case."""

    ordinal: int
    name: str
    message: str


def read(db: Database, submission_id: UUID, viewer: Viewer) -> Sequence[JudgeMessage]:
    """Read those of the current execution. Raises NotFound for whoever is neither author nor operator, Unavailable."""
    with db.transaction() as tx:
        found = tx.execute(_FIND, {"submission_id": submission_id}).fetchone()
        if found is None:
            raise _missing(submission_id)
        execution_id, by_problem, sender, author = found
        whole = viewer.sees_all or (by_problem and author == viewer.id)
        if not whole and (by_problem or sender != viewer.id):
            raise _missing(submission_id)
        audit.hidden_read(tx, viewer.id, {"judge_messages": str(execution_id)}, submission_id)
        rows = tx.execute(_READ.encode(), {"execution_id": execution_id, "whole": whole}).fetchall()
    return [JudgeMessage(*row) for row in rows]


def _missing(submission_id: UUID) -> NotFound:
    return NotFound(f"no submission {submission_id} whose judge's messages are yours to read; check the id and the key")

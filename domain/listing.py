"""Submissions in a list: enough to recognise each and to see how it went, newest first, page by page.

Which index serves which filter, and what that costs whom: docs/decisions/0016. Which submissions are listed is planned
anew each time, with the values: the same words may mean three rows or half of them all. What is shown of them is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from domain import cases, numbers
from domain.db import Database
from domain.model import Priority
from domain.verdict import State, Verdict


@dataclass(frozen=True)
class Place:
    """Where a page ended: the creation time and id of its last submission."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Filters:
    """Which submissions are listed: those that are all of this; None says nothing."""

    user_id: str | None = None
    problem_id: str | None = None
    language: str | None = None
    """A name, which takes in all its versions, or a name with a version."""
    state: State | None = None
    """Of the current execution, as `verdict` is."""
    verdict: Verdict | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    """The first moment that is too late."""


ALL = Filters()


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
    points: float | None
    of_hidden: bool
    """Whether verdict and reason are those of a hidden test case."""

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return Place(self.created_at, self.id)


def of_hidden(execution: str) -> str:
    """Say, in SQL, whether verdict and reason of an execution are those of a hidden test case."""
    return f"""
        coalesce((
            SELECT t.is_hidden AND r.verdict = {execution}.verdict
            FROM test_results AS r JOIN ({cases.of_execution(execution)}) AS t ON t.ordinal = r.ordinal
            WHERE r.execution_id = {execution}.id AND r.verdict NOT IN ('AC', 'OK')
            ORDER BY r.ordinal LIMIT 1
        ), false)
    """


OF_HIDDEN = of_hidden("e")
"""Of execution `e`."""
SUMMARY = f"""
    s.id, s.created_at, s.language, s.priority, s.user_id, s.problem_id,
    e.id, e.state, e.verdict, e.reason, e.points, {OF_HIDDEN}
"""
CURRENT = f"LATERAL ({numbers.current('s.id')}) AS e"
# The same, in a form in which PostgreSQL may begin with the executions. (Of `number = (SELECT max ...)` it thinks that
# few have it, and reads them all. Of executions found by their number it thinks so too; so this looks into all
# partitions.)
BY_EXECUTION = f"""
    JOIN executions AS e ON e.submission_id = s.id AND NOT e.candidate AND NOT {numbers.has_later("e")}
"""
# Planned once: to plan it takes longer than to read a page by it.
_SHOWN = f"""
    SELECT {SUMMARY} FROM submissions AS s CROSS JOIN {CURRENT} WHERE s.id = ANY ($1)
    ORDER BY s.created_at DESC, s.id DESC
""".encode()
# Written out, so that the partial indexes are seen to fit: an execution has a lease while it is graded, and only then.
_STATES = {
    State.QUEUED: "e.state = 'queued'",
    **{
        state: f"e.state = '{state.value}' AND e.lease_until IS NOT NULL"
        for state in (State.PREPARING, State.COMPILING, State.RUNNING)
    },
    State.DONE: "e.state = 'done'",
    State.CANCELLED: "e.state = 'cancelled'",
}
_CONDITIONS = {
    "owner_id": "s.owner_id = %(owner_id)s",
    "user_id": "s.user_id = %(user_id)s",
    "problem_id": "s.problem_id = %(problem_id)s",
    "language_name": "split_part(s.language, '@', 1) = %(language_name)s",
    "language": "s.language = %(language)s",
    "verdict": "e.verdict = %(verdict)s",
    "created_from": "s.created_at >= %(created_from)s",
    "created_to": "s.created_at < %(created_to)s",
    "before_at": "(s.created_at, s.id) < (%(before_at)s, %(before_id)s)",
}


def page(
    db: Database, owner_id: UUID | None, *, filters: Filters = ALL, before: Place | None, limit: int
) -> Sequence[Summary]:
    """List up to `limit` submissions of this owner (None: of anybody) made before a place. Raises Unavailable."""
    command, values = query(owner_id, filters, before, limit)
    with db.read() as tx:
        found = [row[0] for row in tx.execute(command, values, prepare=False)]
    with db.statement() as tx:
        return [summary(row) for row in tx.run(_SHOWN, [found])] if found else []


def query(
    owner_id: UUID | None, filters: Filters, before: Place | None, limit: int
) -> tuple[bytes, Mapping[str, object]]:
    """Put together the question for the ids, with its values."""
    values = _values(owner_id, filters, before)
    conditions = [condition for name, condition in _CONDITIONS.items() if values[name] is not None]
    if filters.state is not None:
        conditions.append(_STATES[filters.state])
    execution = "" if filters.state is None and filters.verdict is None else BY_EXECUTION
    command = f"""
        SELECT s.id FROM submissions AS s {execution}
        WHERE {" AND ".join(conditions) or "true"}
        ORDER BY s.created_at DESC, s.id DESC LIMIT %(limit)s
    """
    return command.encode(), {**values, "limit": limit}


def _values(owner_id: UUID | None, filters: Filters, before: Place | None) -> Mapping[str, object]:
    name, _, version = (filters.language or "").partition("@")
    return {
        "owner_id": owner_id,
        "user_id": filters.user_id,
        "problem_id": filters.problem_id,
        "language_name": name or None,
        "language": filters.language if version else None,
        "verdict": filters.verdict,
        "created_from": filters.created_from,
        "created_to": filters.created_to,
        "before_at": before.created_at if before else None,
        "before_id": before.id if before else None,
    }


def summary(row: TupleRow) -> Summary:
    """Read what SUMMARY names."""
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

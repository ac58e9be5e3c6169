"""Where executions stand, and nothing else of them: for whoever listens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import numbers
from domain.db import Database
from domain.errors import NotFound
from domain.verdict import State, Verdict

_COLUMNS = "e.id, e.state, e.verdict, e.reason, e.finished_at"
_CURRENT = f"""
    SELECT e.id, s.owner_id, s.interactive FROM submissions AS s CROSS JOIN LATERAL ({numbers.current("s.id")}) AS e
    WHERE s.id = $1 AND ($2::uuid IS NULL OR s.owner_id = $2)
""".encode()
_OF = f"SELECT {_COLUMNS} FROM executions AS e WHERE e.id = ANY($1)".encode()


@dataclass(frozen=True, slots=True)
class Standing:
    """State and, once it is final, verdict and reason of an execution."""

    state: State
    verdict: Verdict | None
    reason: str | None
    finished_at: datetime | None = None

    @property
    def data(self) -> Mapping[str, object]:
        """As live events say it."""
        return {"state": self.state, "verdict": self.verdict, "reason": self.reason}


CANCELLED = Standing(State.CANCELLED, None, None)
"""How an execution stands that was just cancelled."""


@dataclass(frozen=True, slots=True)
class Current:
    """The execution of a submission that can be listened to."""

    execution_id: UUID
    owner_id: UUID
    """Who sent it."""
    takes_stdin: bool
    """Whether what is typed is of any use to it."""


def current(db: Database, submission_id: UUID, owner_id: UUID | None) -> Current:
    """Name the current execution of a submission of this owner (None: of anybody). Raises NotFound, Unavailable."""
    with db.statement() as tx:
        row = tx.run(_CURRENT, [submission_id, owner_id]).fetchone()
    if row is None:
        raise NotFound(f"there is no submission {submission_id}; check the id, and that the key is its sender's")
    return Current(*row)


def of(db: Database, execution_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Say where executions stand, in one statement; those that are gone are left out. Raises Unavailable."""
    with db.statement() as tx:
        rows = tx.run(_OF, [list(execution_ids)]).fetchall()
    return {row[0]: Standing(State(row[1]), Verdict(row[2]) if row[2] else None, *row[3:]) for row in rows}

"""Regrades: sets of submissions that are graded again, beside their current executions.

    selected    in one statement: which submissions, with the execution that was current then (`domain/regrade_start`)
    running     candidates are queued, a few at a time, below live traffic (`domain/regrade_pump`), or paused
    ready       all have ended: what changed is read (`domain/regrade_diff`), by whoever is to decide
    applied     the candidates are the current executions, all at once; or discarded (`domain/regrade_end`)

PostgreSQL holds all of it, and each step is one transaction: whatever is killed, nothing is graded twice or forgotten.
A candidate is nobody's current execution, so nobody but operators sees it, and its end is told to nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from domain import audit
from domain.db import Connection, Database
from domain.errors import NotFound
from domain.ids import new_id
from domain.listing import Place
from domain.regrade_selection import Selection

COMMAND_LINE = "shipd regrade"
"""Who acts, in the audit log, where nobody's key is asked for."""


class RegradeState(StrEnum):
    """Where a regrade is."""

    RUNNING = "running"
    PAUSED = "paused"
    """No more is queued; what was queued is graded to its end."""
    READY = "ready"
    """All has ended, and somebody has to say what is to become of it."""
    APPLIED = "applied"
    DISCARDED = "discarded"

    @property
    def final(self) -> bool:
        """Whether it is over."""
        return self in {RegradeState.APPLIED, RegradeState.DISCARDED}


class Version(StrEnum):
    """Which version of a stored problem is graded by."""

    SAME = "same"
    """The one that the current execution used."""
    LATEST = "latest"


class Seed(StrEnum):
    """What interpreters shuffle their sets and dicts by."""

    RECORDED = "recorded"
    """As in the current execution, by its telemetry."""
    NEW = "new"


@dataclass(frozen=True)
class Options:
    """How it is graded again. No cache is ever used."""

    version: Version = Version.SAME
    seed: Seed = Seed.RECORDED
    at_once: int | None = None
    """How many are queued or at work at a time; None: half as many as live hosts have slots, at least one."""

    def stored(self) -> Mapping[str, object]:
        """Give it as JSON; `read` reads it back."""
        return {"version": self.version.value, "seed": self.seed.value, "at_once": self.at_once}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Options":
        """Read it back."""
        return cls(Version(stored["version"]), Seed(stored["seed"]), stored["at_once"])


@dataclass(frozen=True)
class Regrade:
    """A regrade, and how far it is."""

    id: UUID
    state: RegradeState
    selection: Selection
    options: Options
    made_by: str
    total: int
    """How many submissions were selected."""
    done: int
    changed: int
    """Of those done, how many have another verdict or other points than before."""
    failed: int
    """Of those done, how many ended as JE, or were cancelled: they never take the place of a result."""
    applied: int
    created_at: datetime
    ready_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return Place(self.created_at, self.id)


COLUMNS = (
    "id, state, selection, options, made_by, total, done, changed, failed, applied, created_at, ready_at, ended_at,"
    " ended_by"
)
_PAGE = f"""
    SELECT {COLUMNS} FROM regrades
    WHERE %(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(id)s)
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s
""".encode()


def get(db: Database, regrade_id: UUID) -> Regrade:
    """Read a regrade. Raises NotFound, Unavailable."""
    with db.statement() as tx:
        return found(tx, regrade_id)


def page(db: Database, *, before: Place | None, limit: int) -> Sequence[Regrade]:
    """List regrades, newest first, made before a place. Raises Unavailable."""
    values = {"at": before.created_at if before else None, "id": before.id if before else None, "limit": limit}
    with db.statement() as tx:
        return [read(row) for row in tx.execute(_PAGE, values)]


def found(tx: Connection, regrade_id: UUID, lock: str = "") -> Regrade:
    """Read a regrade within a transaction, with a `lock` where it is to be changed. Raises NotFound."""
    row = tx.execute(f"SELECT {COLUMNS} FROM regrades WHERE id = %s {lock}".encode(), (regrade_id,)).fetchone()
    if row is None:
        raise NotFound(
            f"there is no regrade {regrade_id}; `shipd regrade list` and GET /v1/regrades show those there are"
        )
    return read(row)


def read(row: TupleRow) -> Regrade:
    """Read what COLUMNS names."""
    own_id, state, selection, options, *rest = row
    return Regrade(own_id, RegradeState(state), Selection.read(selection), Options.read(options), *rest)


def note(tx: Connection, event: str, by: str, regrade: Regrade, **more: object) -> None:
    """Add to the audit log who did what to a regrade."""
    details = {"regrade_id": str(regrade.id), "total": regrade.total, **more}
    audit.note(tx, [(new_id(), event, by, None, None, Jsonb(details))])

"""The audit log: what looks like an attack, and later what operators do. Rows are only ever added.

It names submissions but does not refer to them, so that it outlives them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.db import Connection, Database
from domain.ids import new_id
from domain.inserting import Row, insert
from domain.model import Claim, RunTelemetry

FORBIDDEN_CALL = "forbidden_syscall"
HIDDEN_READ = "hidden_test_data_read"
"""Somebody read what is hidden of a problem, or of a submission to it: its author, or an operator."""
ENTRY = ("id", "event", "actor", "submission_id", "execution_id", "details")


@dataclass(frozen=True)
class Entry:
    """One line of the log."""

    at: datetime
    event: str
    actor: str
    submission_id: UUID | None
    execution_id: UUID | None
    details: Mapping[str, object]


def forbidden_calls(claim: Claim, step: str, seen: RunTelemetry | None) -> list[Row]:
    """Give what is to be noted of one jailed run, by ENTRY, `step` being `compile` or the test case's ordinal."""
    if seen is None or not seen.denied_syscalls:
        return []
    details = {"step": step, "calls": dict(seen.denied_syscalls)}
    return [(new_id(), FORBIDDEN_CALL, claim.worker, claim.submission_id, claim.execution_id, Jsonb(details))]


def hidden_read(tx: Connection, actor: UUID, details: Mapping[str, object], submission_id: UUID | None = None) -> None:
    """Note that somebody is about to be shown what is hidden: before it is shown."""
    note(tx, [(new_id(), HIDDEN_READ, str(actor), submission_id, None, Jsonb(dict(details)))])


def note(tx: Connection, entries: Sequence[Row]) -> None:
    """Add entries, by ENTRY."""
    insert(tx, "audit_log", {}, ENTRY, entries)


def latest(db: Database, limit: int) -> list[Entry]:
    """List the last entries, newest first. Raises Unavailable."""
    with db.read() as tx:
        rows = tx.execute(
            "SELECT at, event, actor, submission_id, execution_id, details FROM audit_log"
            " ORDER BY at DESC, id DESC LIMIT %s",
            (limit,),
        ).fetchall()
    return [Entry(*row) for row in rows]

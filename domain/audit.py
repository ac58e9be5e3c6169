"""The audit log: who did what from where, and what looks like an attack. Rows are only ever added.

    audit          an entry is written in the transaction of what it tells of
    audit_ended    ends of executions become entries: their transaction leaves no more than the id
    audit_chain    entries get a position and a hash that depends on all before; each is told to the log
    audit_check    recomputes the hashes, and says what was changed, taken out or moved

It names submissions but does not refer to them, so that it outlives them. It holds no secret and no code: hashes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from domain import origin
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
    origin: Mapping[str, str] | None
    """From where: address, request, key; or user and host of a command. None: a worker, or not known."""
    position: int | None
    """Where it stands in the chain; None: not there yet."""


_COLUMNS = "at, event, actor, submission_id, execution_id, details, origin, position"
_LATEST = f"""
    SELECT {_COLUMNS} FROM audit_log
    WHERE (%(event)s::text IS NULL OR event = %(event)s) AND (%(actor)s::text IS NULL OR actor = %(actor)s)
        AND (%(submission_id)s::uuid IS NULL OR submission_id = %(submission_id)s)
    ORDER BY at DESC, id DESC LIMIT %(limit)s
""".encode()


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
    """Add entries, by ENTRY, from where what is being done comes from."""
    insert(tx, "audit_log", {"origin": origin.stored()}, ENTRY, entries)


def done(tx: Connection, event: str, details: Mapping[str, object], submission_id: UUID | None = None) -> None:
    """Add that whoever acts now (`domain/origin`) did something."""
    note(tx, [(new_id(), event, origin.actor(), submission_id, None, Jsonb(dict(details)))])


def latest(
    db: Database,
    limit: int,
    *,
    event: str | None = None,
    actor: str | None = None,
    submission_id: UUID | None = None,
) -> list[Entry]:
    """List the last entries, newest first. Raises Unavailable."""
    named = {"event": event, "actor": actor, "submission_id": submission_id, "limit": limit}
    with db.read() as tx:
        return [Entry(*row) for row in tx.execute(_LATEST, named)]

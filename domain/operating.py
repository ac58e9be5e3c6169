"""Executions as an operator sees them: of everybody, each with where it is and what it took; and sent again by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, TupleRow
from psycopg.types.json import Jsonb

from domain import audit, numbers, story
from domain.db import Connection, Database
from domain.errors import Conflict, NotFound
from domain.ids import new_id
from domain.model import Priority
from domain.story import Lost
from domain.verdict import State, Verdict

ACTOR = "shipd executions"
CANCELLED, REQUEUED = "execution_cancelled", "execution_requeued"
RELEASED = "execution_released"

_OF_SUBMISSION = ("language", "owner_id", "user_id")


@dataclass(frozen=True)
class ExecutionEntry:
    """One execution; what is not known yet is None."""

    id: UUID
    submission_id: UUID
    number: int
    priority: Priority
    state: State
    verdict: Verdict | None
    reason: str | None
    attempt: int
    worker: str | None
    host: str | None
    region: str | None
    """Of the host."""
    queue: str | None
    """That its last message was sent to."""
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    language: str
    owner_id: UUID
    user_id: str | None
    cpu_time_ms: int | None
    wall_time_ms: int | None
    memory_bytes: int | None
    queue_ms: int | None
    prepare_ms: int | None
    compile_ms: int | None
    run_ms: int | None
    check_ms: int | None
    collect_ms: int | None
    message: str
    story: tuple[Lost, ...]
    """Attempts whose worker was lost, in order."""
    released_at: datetime | None
    """When an operator let it out of quarantine."""


_NAMES = tuple(field.name for field in fields(ExecutionEntry))
_COLUMNS = ", ".join(f"{'s' if name in _OF_SUBMISSION else 'e'}.{name}" for name in _NAMES)
_FROM = f"SELECT {_COLUMNS} FROM executions AS e JOIN submissions AS s ON s.id = e.submission_id"
_OF = f"""
    SELECT {_COLUMNS} FROM submissions AS s JOIN execution_numbers AS n ON n.submission_id = s.id
        JOIN executions AS e ON e.id = n.execution_id
    WHERE s.id = %s ORDER BY n.number
"""
# Ids begin with the time, so that the newest come first without another index.
_LATEST = f"""
    {_FROM}
    WHERE (%(state)s::text IS NULL OR e.state = %(state)s) AND (%(priority)s::text IS NULL OR e.priority = %(priority)s)
        AND (%(verdict)s::text IS NULL OR e.verdict = %(verdict)s)
    ORDER BY e.id DESC LIMIT %(last)s
"""
# A candidate of a regrade is no less dangerous than others.
_QUARANTINED = f"""
    {_FROM}
    WHERE e.verdict = 'JE' AND e.reason = '{story.ATTEMPTS}' AND e.released_at IS NULL
    ORDER BY e.id DESC LIMIT %(last)s
"""
_RELEASE = f"""
    UPDATE executions SET released_at = now()
    WHERE id = %s AND verdict = 'JE' AND reason = '{story.ATTEMPTS}' AND released_at IS NULL
"""
_AGAIN = f"""
    INSERT INTO executions (id, submission_id, priority, problem_version_id, number)
    SELECT %(id)s, submission_id, priority, problem_version_id,
        {numbers.following("e.submission_id")}
    FROM executions AS e
    WHERE id = %(old)s AND NOT candidate AND NOT {numbers.has_later("e")}
"""


@dataclass(frozen=True)
class Requeued:
    """What is to be sent to the queue: the execution itself, or the one that takes the place of one that ended."""

    execution_id: UUID
    priority: Priority


def latest(
    db: Database, last: int, *, state: State | None, priority: Priority | None, verdict: Verdict | None
) -> list[ExecutionEntry]:
    """List the executions that were made last, newest first. Raises Unavailable."""
    with db.read() as tx:
        rows = tx.execute(
            _LATEST.encode(), {"state": state, "priority": priority, "verdict": verdict, "last": last}
        ).fetchall()
    return [_entry(row) for row in rows]


def of_submission(db: Database, submission_id: UUID) -> list[ExecutionEntry]:
    """List all executions of a submission in order. Raises NotFound, Unavailable."""
    with db.read() as tx:
        rows = tx.execute(_OF.encode(), (submission_id,)).fetchall()
    if not rows:
        raise NotFound(f"there is no submission {submission_id}; `shipd executions list` shows the last ones")
    return [_entry(row) for row in rows]


def quarantined(db: Database, last: int) -> list[ExecutionEntry]:
    """List what lost as many workers as it may and was not released, newest first. Raises Unavailable."""
    with db.read() as tx:
        return [_entry(row) for row in tx.execute(_QUARANTINED.encode(), {"last": last})]


def note_cancelled(db: Database, execution_ids: Sequence[UUID]) -> None:
    """Write into the audit log that executions were cancelled by hand. Raises Unavailable."""
    with db.transaction() as tx:
        for execution_id in execution_ids:
            _note(tx, CANCELLED, _one(tx, execution_id))


def requeue(db: Database, execution_id: UUID) -> Requeued:
    """Have an execution graded (again): one that waits is sent once more, for one that ended as JE another is made.

    What ended as JE stays as it is, and the new one is the current one. Raises NotFound; Conflict for one that is at
    work or has a verdict of its own; Unavailable.
    """
    with db.transaction() as tx:
        entry = _one(tx, execution_id)
        again = _sent_again(tx, entry) if entry.state is State.QUEUED else _made_again(tx, entry)
        _note(tx, REQUEUED, entry, again=str(again))
    return Requeued(again, entry.priority)


def release(db: Database, execution_id: UUID) -> Requeued | None:
    """Let an execution out of quarantine, and have it graded again: that is another execution, the current one.

    Of one that is not current (a regrade's candidate, or a later one took its place) nothing is graded now, and None
    given: its submission may be regraded again. Raises NotFound; Conflict for one in no quarantine; Unavailable.
    """
    with db.transaction() as tx:
        entry = _one(tx, execution_id)
        if tx.execute(_RELEASE.encode(), (execution_id,)).rowcount == 0:
            raise Conflict(
                f"execution {execution_id} is in no quarantine; `shipd executions quarantined` lists what is"
            )
        again = new_id()
        made = tx.execute(_AGAIN, {"id": again, "old": execution_id}).rowcount == 1
        _note(tx, RELEASED, entry, **({"again": str(again)} if made else {}))
    return Requeued(again, entry.priority) if made else None


def _sent_again(tx: Connection, entry: ExecutionEntry) -> UUID:
    # It may wait for a place of its user: an operator's word goes before that.
    tx.execute("UPDATE executions SET sent_at = now(), sent = sent + 1 WHERE id = %s", (entry.id,))
    tx.execute("UPDATE places SET sent = true WHERE execution_id = %s", (entry.id,))
    return entry.id


def _made_again(tx: Connection, entry: ExecutionEntry) -> UUID:
    if entry.verdict is not Verdict.JE:
        what = f"ended as {entry.verdict}" if entry.verdict is not None else f"is {entry.state}"
        raise Conflict(f"execution {entry.id} {what}: only one that waits, or ended as JE, is sent again")
    again = new_id()
    try:
        made = tx.execute(_AGAIN.encode(), {"id": again, "old": entry.id}).rowcount
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name != numbers.TAKEN:
            raise
        made = 0  # somebody else was quicker
    if made == 0:
        raise Conflict(f"execution {entry.id} is not the current one of {entry.submission_id}: send that one")
    tx.execute(_RELEASE.encode(), (entry.id,))
    return again


def _one(tx: Connection, execution_id: UUID) -> ExecutionEntry:
    row = tx.execute(f"{_FROM} WHERE e.id = %s FOR UPDATE OF e".encode(), (execution_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no execution {execution_id}; `shipd executions list` shows the last ones")
    return _entry(row)


def _entry(row: TupleRow) -> ExecutionEntry:
    named: DictRow = dict(zip(_NAMES, row, strict=True))
    return ExecutionEntry(
        **named
        | {
            "priority": Priority(named["priority"]),
            "state": State(named["state"]),
            "verdict": Verdict(named["verdict"]) if named["verdict"] is not None else None,
            "story": story.read(named["story"]),
        }
    )


def _note(tx: Connection, event: str, entry: ExecutionEntry, **details: str) -> None:
    told = {"number": entry.number, "state": entry.state.value, **details}
    audit.note(tx, [(new_id(), event, ACTOR, entry.submission_id, entry.id, Jsonb(told))])

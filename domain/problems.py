"""Problems and their versions: every change, each one transaction. Reading for answers: `domain/problem_reading.py`.

A version never changes. A problem that is deleted while executions name its versions is kept out of sight, for what
was judged by it stays to be read; its name stays its owner's, who may bring it back with a new version.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from domain import audit, problem_rows
from domain.blobs import BlobStore
from domain.db import Connection, Database
from domain.errors import Conflict, NotFound
from domain.ids import new_id
from domain.limits import Ranges
from domain.problem import Finding, ProblemVersion, VersionState, Visibility
from domain.problem_limits import refuse_unfit

WIDEST = Ranges()
KEPT, CHECKED, SHOWN_TO, DELETED = (
    "problem_version_created",
    "problem_version_checked",
    "problem_visibility_changed",
    "problem_deleted",
)
"""In the audit log."""
AGAIN = 1000
"""How many lost messages one sweep sends again."""
MOST_CHECKING = 20
"""Versions of one author that wait to be checked: each may take a slot for an hour, and costs its author nothing."""

_PROBLEM = """
    INSERT INTO problems (id, owner_id, visibility) VALUES (%(id)s, %(owner_id)s, %(new_visibility)s)
    ON CONFLICT (id) DO UPDATE SET deleted_at = NULL, visibility = CASE
        WHEN problems.deleted_at IS NULL THEN coalesce(%(visibility)s, problems.visibility)
        ELSE %(new_visibility)s
    END
    WHERE problems.owner_id = %(owner_id)s OR %(anybodys)s AND problems.deleted_at IS NULL
    RETURNING id
"""
_NUMBER = "SELECT coalesce(max(number), 0) + 1 FROM problem_versions WHERE problem_id = %s"
_CHECKING = "SELECT count(*) FROM problem_versions WHERE state = 'checking' AND created_by = %s"
_CHECKED = """
    UPDATE problem_versions SET state = %(state)s, report = %(report)s, checked_at = now()
    WHERE id = %(id)s AND state = 'checking' RETURNING problem_id, number
"""
_AT_WORK = "UPDATE problem_versions SET sent_at = now() WHERE id = %s AND state = 'checking' RETURNING id"
# As for executions: what is sent again and again is so ever more rarely.
_LOST = f"""
    WITH picked AS (
        SELECT id FROM problem_versions
        WHERE state = 'checking'
            AND sent_at <= now() - make_interval(secs => %(message_lost_s)s * (1 << least(sent - 1, 3)))
        ORDER BY sent_at LIMIT {AGAIN} FOR UPDATE SKIP LOCKED
    )
    UPDATE problem_versions AS v SET sent_at = now(), sent = v.sent + 1
    FROM picked WHERE v.id = picked.id RETURNING v.id
"""
_THEIRS = "id = %(id)s AND (%(owner_id)s::uuid IS NULL OR owner_id = %(owner_id)s) AND deleted_at IS NULL"
_FORGET = """
    DELETE FROM problems WHERE id = %s AND deleted_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM problem_versions AS v JOIN executions AS e ON e.problem_version_id = v.id
        WHERE v.problem_id = problems.id
    )
"""


@dataclass(frozen=True)
class Made:
    """A version that was just kept."""

    problem_id: str
    number: int
    version_id: UUID
    state: VersionState


def _leave_to_sweeper(version_id: UUID) -> None:
    """Send nothing: the sweeper does when the message is overdue."""


def create(
    db: Database,
    blobs: BlobStore,
    version: ProblemVersion,
    *,
    owner_id: UUID,
    anybodys: bool = False,
    visibility: Visibility | None = None,
    ranges: Ranges = WIDEST,
    check: Callable[[UUID], None] = _leave_to_sweeper,
) -> Made:
    """Keep a version: of a new problem of this owner, or one more of theirs (`anybodys`: of whoever's it is).

    One that a worker must check is `checking`, and `check` is called with its id after the commit; else it is ready at
    once. A new problem is as visible as the version says; one that is there changes only to a `visibility`.
    `ranges` are what this owner may give programs. Raises InvalidRequest, Conflict where the id is somebody else's
    or too many of theirs are checked already, Unavailable, OSError where the disk is full.
    """
    refuse_unfit(version, ranges)
    rows = problem_rows.prepare(version, blobs)
    version_id = new_id()
    state = VersionState.CHECKING if version.needs_check else VersionState.READY
    named = {
        "id": version.id,
        "owner_id": owner_id,
        "new_visibility": visibility or version.visibility,
        "visibility": visibility,
        "anybodys": anybodys,
    }
    with db.transaction() as tx:
        # It locks the problem's row, so that of two versions at a time each gets a number of its own.
        if tx.execute(_PROBLEM, named).fetchone() is None:
            raise Conflict(f"the problem {version.id} is somebody else's; choose another id")
        if state is VersionState.CHECKING:
            _refuse_more(tx, owner_id)
        number = _next_number(tx, version.id)
        keys = {"problem_id": version.id, "number": number, "state": state, "created_by": owner_id}
        keys["checked_at"] = datetime.now(UTC) if state is VersionState.READY else None
        problem_rows.insert(tx, version_id, keys, rows)
        audit.done(tx, KEPT, _told(version, number, version_id, visibility, owner_id))
        if state is VersionState.CHECKING:
            tx.after_commit(lambda: check(version_id))
    return Made(version.id, number, version_id, state)


def load(db: Database, blobs: BlobStore, version_id: UUID) -> ProblemVersion:
    """Read a version whole, its data by reference. Raises NotFound, Unavailable, BlobMissing."""
    with db.read() as tx:
        found = problem_rows.read(tx, version_id, blobs)
    if found is None:
        raise NotFound(f"there is no version {version_id} of a problem; it was deleted")
    return found


def at_work(db: Database, version_id: UUID) -> bool:
    """Say that a worker is checking a version, so that nobody is sent to do the same; False: it is not to be checked.

    To be said again while it lasts, more often than messages are taken for lost. Raises Unavailable.
    """
    with db.statement() as tx:
        return tx.execute(_AT_WORK, (version_id,)).fetchone() is not None


def checked(db: Database, version_id: UUID, ok: bool, report: Sequence[Finding]) -> bool:
    """End the check of a version with what was found; False: it had ended before, or is gone. Raises Unavailable."""
    values = {
        "id": version_id,
        "state": VersionState.READY if ok else VersionState.REFUSED,
        "report": Jsonb([asdict(finding) for finding in report]),
    }
    with db.transaction() as tx:
        row = tx.execute(_CHECKED, values).fetchone()
        if row is not None:
            told = {"problem_id": row[0], "version": row[1], "version_id": str(version_id), "state": values["state"]}
            audit.done(tx, CHECKED, told)
    return row is not None


def sweep(db: Database, *, message_lost_s: int) -> list[UUID]:
    """Give the versions whose check nobody seems to do, to be sent to the queue again. Raises Unavailable."""
    with db.transaction() as tx:
        return [row[0] for row in tx.execute(_LOST.encode(), {"message_lost_s": message_lost_s})]


def show_to(db: Database, problem_id: str, owner_id: UUID | None, visibility: Visibility) -> None:
    """Change who sees a problem of this owner (None: of anybody). Raises NotFound, Unavailable."""
    command = f"UPDATE problems SET visibility = %(visibility)s WHERE {_THEIRS}"
    _change(db, command, SHOWN_TO, problem_id, owner_id, visibility=visibility)


def delete(db: Database, problem_id: str, owner_id: UUID | None) -> None:
    """Delete a problem of this owner (None: of anybody): at once for whoever asks, for good where nothing names it.

    Raises NotFound, Unavailable.
    """
    _change(db, f"UPDATE problems SET deleted_at = now() WHERE {_THEIRS}", DELETED, problem_id, owner_id)
    try:
        with db.statement() as tx:
            tx.execute(_FORGET, (problem_id,))
    except psycopg.errors.ForeignKeyViolation:
        return  # somebody submitted to it meanwhile: it stays, out of sight


def missing(problem_id: str) -> NotFound:
    """Refuse what is not there, or not for whoever asks."""
    return NotFound(f"there is no problem {problem_id}; check the id, and that it is yours or public")


def _told(
    version: ProblemVersion, number: int, version_id: UUID, visibility: Visibility | None, by: UUID
) -> Mapping[str, object]:
    """Say of a version what the audit log is to have: nothing of its test data."""
    return {
        "problem_id": version.id,
        "version": number,
        "version_id": str(version_id),
        "test_cases": len(version.test_cases),
        "visibility": visibility,
        "by": str(by),
    }


def _refuse_more(tx: Connection, owner_id: UUID) -> None:
    row = tx.execute(_CHECKING, (owner_id,)).fetchone()
    if row is not None and row[0] >= MOST_CHECKING:
        raise Conflict(f"{row[0]} versions of yours are being checked, and no more may be: wait for one of them")


def _next_number(tx: Connection, problem_id: str) -> int:
    row = tx.execute(_NUMBER, (problem_id,)).fetchone()
    return 1 if row is None else int(row[0])


def _change(
    db: Database,
    command: str,
    event: str,
    problem_id: str,
    owner_id: UUID | None,
    *,
    visibility: Visibility | None = None,
) -> None:
    values = {"id": problem_id, "owner_id": owner_id, "visibility": visibility}
    with db.transaction() as tx:
        if tx.execute(command.encode(), values).rowcount != 1:
            raise missing(problem_id)
        audit.done(tx, event, {"problem_id": problem_id, **({"visibility": visibility} if visibility else {})})

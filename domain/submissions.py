"""Submissions: kept once, read for answers with their current execution."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import psycopg

from domain import execution_rows, room, stored, storing
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Conflict, InvalidRequest, NotFound, Problem
from domain.hosts import Remembered
from domain.ids import new_id
from domain.model import Callback, Priority, Submission
from domain.room import Need
from domain.seals import Seals
from domain.verdict import State
from domain.views import Asked, SubmissionView
from domain.webhooks import CALLBACK

_GET = f"""
    SELECT {stored.VIEW}, {execution_rows.COLUMNS}
    FROM submissions AS s JOIN {stored.VIEW_PARTS} ON s.id = $1, {execution_rows.LATEST}
""".encode()
_AGAIN = f"SELECT {execution_rows.COLUMNS} FROM {execution_rows.LATEST}".encode()


def create(
    db: Database,
    blobs: BlobStore,
    new: Submission,
    *,
    owner_id: UUID,
    submission_id: UUID | None,
    body_sha256: bytes,
    enqueue: Callable[[UUID, Priority], None],
    known: Remembered | None = None,
    seals: Seals | None = None,
) -> SubmissionView:
    """Keep a submission with its first execution, and send that to the queue once both are committed.

    A `submission_id` that the same owner used before with the same body gives that submission, `replayed`. Raises
    Conflict for one used otherwise, InvalidRequest for what no host ever reported room for, Unavailable.
    """
    own_id, execution_id = submission_id or new_id(), new_id()
    if submission_id is not None and _exists(db, submission_id):
        return _replayed(db, blobs, submission_id, owner_id, body_sha256)
    _refuse_what_nobody_can_hold(known or Remembered(db), new)
    rows = storing.prepare(new, blobs)
    own = {"id": own_id, "owner_id": owner_id, "body_sha256": body_sha256, **storing.values(new)}
    if new.callback is not None:
        own |= _callback(new.callback, own_id, seals or Seals(db))
    try:
        with _storable(), db.transaction(pipelined=True) if rows.many else db.statement() as tx:
            made = storing.insert(tx, execution_id, own, rows)
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name != "submissions_pkey":
            raise
        # Another request with the same id was quicker.
        return _replayed(db, blobs, own_id, owner_id, body_sha256)
    enqueue(execution_id, new.priority)
    created_at, *queued = made.fetchone() or ()
    return SubmissionView(own_id, owner_id, created_at, Asked.of(new), execution_rows.queued(execution_id, *queued))


def get(db: Database, blobs: BlobStore, submission_id: UUID, owner_id: UUID | None) -> SubmissionView:
    """Read what answers show of a submission of this owner (None: of anybody) with its latest execution.

    Sources, inputs and expectations are not read, and of outputs only the beginning. Raises NotFound, Unavailable,
    BlobMissing.
    """
    with db.statement() as tx:
        row = tx.run(_GET, [submission_id]).fetchone()
    if row is None or owner_id not in {None, row[0]}:
        raise NotFound(f"there is no submission {submission_id}; check the id, and that the key is its sender's")
    columns = len(stored.VIEW_COLUMNS)
    found = execution_rows.read(row[columns:])
    # The connection is back in the pool: a disk may take its time.
    return SubmissionView(submission_id, *stored.read_view(row[:columns]), execution_rows.view(found, blobs))


def again(db: Database, blobs: BlobStore, view: SubmissionView) -> SubmissionView:
    """Read the current execution of a submission that was read before. Raises as `get` does."""
    with db.statement() as tx:
        row = tx.run(_AGAIN, [view.id]).fetchone()
    if row is None:
        raise NotFound(f"there is no submission {view.id} any more; it was deleted meanwhile")
    return replace(view, execution=execution_rows.view(execution_rows.read(row), blobs))


def state_of(db: Database, execution_id: UUID) -> State:
    """Say where an execution is. Raises NotFound, Unavailable."""
    with db.statement() as tx:
        row = tx.execute("SELECT state FROM executions WHERE id = %s", (execution_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no execution {execution_id}")
    return State(row[0])


def _callback(callback: Callback, submission_id: UUID, seals: Seals) -> dict[str, object]:
    return {"callback_url": callback.url, "callback_secret": seals.close(callback.secret, CALLBACK, submission_id)}


def _exists(db: Database, submission_id: UUID) -> bool:
    with db.statement() as tx:
        return tx.execute("SELECT 1 FROM submissions WHERE id = %s", (submission_id,)).fetchone() is not None


def _replayed(
    db: Database, blobs: BlobStore, submission_id: UUID, owner_id: UUID, body_sha256: bytes
) -> SubmissionView:
    with db.statement() as tx:
        same = tx.execute(
            "SELECT 1 FROM submissions WHERE id = %s AND owner_id = %s AND body_sha256 = %s",
            (submission_id, owner_id, body_sha256),
        ).fetchone()
    if same is None:
        raise Conflict(f"the id {submission_id} was used before with another body; send a new id, or leave it out")
    return replace(get(db, blobs, submission_id, owner_id), replayed=True)


def _refuse_what_nobody_can_hold(known: Remembered, new: Submission) -> None:
    need = Need.of(new.language, new.constraints)
    # A host that came meanwhile may have room: only what was just read can refuse.
    found = room.problems(need, known.reports()) and room.problems(need, known.reports(anew=True))
    if found:
        raise InvalidRequest(*found)


@contextmanager
def _storable() -> Iterator[None]:
    # Requests are checked before they come here; what PostgreSQL still refuses is the sender's to mend, and no 500.
    try:
        yield
    except (psycopg.DataError, UnicodeEncodeError) as error:
        hint = "text must be valid Unicode without NUL, and numbers must fit 32 bits (points: 64)"
        raise InvalidRequest(Problem("", f"a value cannot be stored: {error}", hint)) from error

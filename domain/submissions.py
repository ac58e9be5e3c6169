"""Submissions: kept once, read for answers with their current execution."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import psycopg

from domain import (
    audit,
    execution_rows,
    fair,
    idempotency,
    numbers,
    posed,
    queue_names,
    room,
    routing,
    spans,
    stored,
    storing,
)
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Conflict, InvalidRequest, LimitReached, NotFound, Problem
from domain.host import DEFAULT_REGION, HostReport
from domain.hosts import Remembered
from domain.ids import new_id, time_of
from domain.listing import CURRENT
from domain.model import Callback, Submission
from domain.problem_reading import Viewer
from domain.room import Need
from domain.spans import Kind
from domain.storing import Place
from domain.vault import Vault
from domain.verdict import State
from domain.views import Asked, SubmissionView, Version
from domain.webhooks import CALLBACK

AT_ONCE = 8
"""As many are read in one go: what answers show of one may be many MiB."""

_GET = f"""
    SELECT {stored.VIEW}, {execution_rows.COLUMNS}
    FROM submissions AS s JOIN {stored.VIEW_PARTS} ON s.id = $1, {execution_rows.LATEST}
""".encode()
_REVEALED = f"""
    SELECT {stored.VIEW}, {execution_rows.COLUMNS}
    FROM submissions AS s JOIN {stored.VIEW_PARTS} ON s.id = $1, {execution_rows.REVEALED}
""".encode()
_MAY_SEE_HIDDEN = f"""
    SELECT v.problem_id, v.number FROM submissions AS s CROSS JOIN {CURRENT}
    LEFT JOIN problem_versions AS v ON v.id = e.problem_version_id LEFT JOIN problems AS p ON p.id = v.problem_id
    WHERE s.id = %(id)s AND (%(owner_id)s::uuid IS NULL OR p.owner_id = %(owner_id)s)
""".encode()
_VERSION = f"""
    SELECT e.id, e.state, e.attempt, (SELECT count(*) FROM test_results WHERE execution_id = e.id)
    FROM submissions AS s, executions AS e
    WHERE s.id = %(id)s AND (%(owner_id)s::uuid IS NULL OR s.owner_id = %(owner_id)s)
        AND e.id = ({numbers.current("%(id)s", "x.id")})
""".encode()
# Of an id that is not there nothing is said but that what is as old is not.
_ARCHIVED = b"SELECT until FROM archives WHERE state IN ('detached', 'dropped') AND until > $1 ORDER BY until LIMIT 1"
_VERSION_KEPT = "executions_problem_version_fkey"
"""What a submission to a problem that is deleted at the same moment breaks."""
_USED_BEFORE = {"submissions_pkey", idempotency.CONSTRAINT}
_AGAIN = f"SELECT {execution_rows.COLUMNS} FROM {execution_rows.LATEST}".encode()


@dataclass(frozen=True)
class Sent:
    """By whom a request was sent, and by what it is known when it comes again."""

    owner_id: UUID
    body_sha256: bytes
    id: UUID | None = None
    key: str | None = None


def by_priority(new: Submission) -> str:
    """Send it to the queue of the default region."""
    return queue_names.of_region(DEFAULT_REGION, new.priority)


def _everything() -> None:
    """Admit it."""


def create(
    db: Database,
    blobs: BlobStore,
    new: Submission,
    *,
    owner_id: UUID,
    submission_id: UUID | None,
    body_sha256: bytes,
    enqueue: Callable[[UUID, str], None],
    known: Remembered | None = None,
    route: Callable[[Submission], str] = by_priority,
    place: Place | None = None,
    admit: Callable[[], None] = _everything,
    key: str | None = None,
    vault: Vault | None = None,
) -> SubmissionView:
    """Keep a submission with its first execution, and send that to its queue (`route`) once both are committed.

    It is sent by another's end where its user has a `place` for each of them and none is free. A `submission_id` or a
    `key` (domain/idempotency.py) that the same owner used before with the same body gives that submission, `replayed`;
    `admit` is asked for what is new and right, and raises what refuses it. Raises Conflict for an id used otherwise,
    InvalidRequest for a key used otherwise and for what no host ever reported room for, LimitReached, Unavailable.
    """
    sent = Sent(owner_id, body_sha256, submission_id, key)
    before = _before(db, blobs, sent)
    if before is not None:
        return before
    new = posed.Finder(db, blobs).resolve(new)
    refuse_what_nobody_can_hold(known or Remembered(db), new)
    own_id, execution_id = submission_id or new_id(), new_id()
    admit()
    queue = route(new)
    rows = storing.prepare(new, blobs)
    own = {"id": own_id, "owner_id": owner_id, "body_sha256": body_sha256, **storing.values(new, blobs)}
    if new.callback is not None:
        own |= callback_values(new.callback, own_id, vault or Vault(db))
    try:
        kept = spans.span("insert", spans.POSTGRESQL, Kind.CLIENT, expected=(LimitReached,))
        with kept, fair.told(), storable(), db.transaction(pipelined=True) if rows.many else db.statement() as tx:
            version_id = storing.version_of(new)
            made = storing.insert(tx, execution_id, own, rows, queue=queue, place=place, key=key, version_id=version_id)
    except psycopg.errors.UniqueViolation as error:
        # Another request with the same id or key was quicker.
        before = _before(db, blobs, sent) if error.diag.constraint_name in _USED_BEFORE else None
        if before is None:
            raise
        return before
    created_at, *queued, sent_now = made.fetchone() or ()
    if sent_now:
        enqueue(execution_id, queue)
    return SubmissionView(own_id, owner_id, created_at, Asked.of(new), execution_rows.queued(execution_id, *queued))


def get(db: Database, blobs: BlobStore, submission_id: UUID, owner_id: UUID | None) -> SubmissionView:
    """Read what answers show of a submission of this owner (None: of anybody) with its latest execution.

    Sources, inputs and expectations are not read, and of outputs only the beginning. Raises NotFound, Unavailable,
    BlobMissing.
    """
    with db.statement() as tx:
        row = tx.run(_GET, [submission_id]).fetchone()
    if row is None or owner_id not in {None, row[0]}:
        raise _not_there(db, submission_id)
    # The connection is back in the pool: a disk may take its time.
    return _view(submission_id, row, blobs)


def reveal(db: Database, blobs: BlobStore, submission_id: UUID, viewer: Viewer) -> SubmissionView:
    """Read a submission with what hidden test cases came to, and note who did: operators, or its problem's author.

    Raises NotFound for everybody else, whoever sent it; Unavailable, BlobMissing.
    """
    values = {"id": submission_id, "owner_id": viewer.owner_id}
    with db.transaction() as tx:
        found = tx.execute(_MAY_SEE_HIDDEN, values).fetchone()
        if found is None:
            raise NotFound(f"there is no submission {submission_id} of which you may see what is hidden")
        audit.hidden_read(tx, viewer.id, {"problem_id": found[0], "version": found[1]}, submission_id)
        row = tx.run(_REVEALED, [submission_id]).fetchone()
    if row is None:
        raise _not_there(db, submission_id)
    return _view(submission_id, row, blobs)


def _view(submission_id: UUID, row: Sequence[object], blobs: BlobStore) -> SubmissionView:
    columns = len(stored.VIEW_COLUMNS)
    found = execution_rows.read(row[columns:])
    owner_id, created_at, asked = stored.read_view(row[:columns])
    execution = execution_rows.view(found, blobs)
    return SubmissionView(submission_id, owner_id, created_at, found.completed(asked), execution)


def version(db: Database, submission_id: UUID, owner_id: UUID | None) -> Version:
    """Say what `get` would hang on, for much less. Raises NotFound, Unavailable."""
    with db.statement() as tx:
        row = tx.execute(_VERSION, {"id": submission_id, "owner_id": owner_id}).fetchone()
    if row is None:
        raise _not_there(db, submission_id)
    return Version(row[0], State(row[1]), row[2], row[3])


def again(db: Database, blobs: BlobStore, view: SubmissionView) -> SubmissionView:
    """Read the current execution of a submission that was read before. Raises as `get` does."""
    with db.statement() as tx:
        row = tx.run(_AGAIN, [view.id]).fetchone()
    if row is None:
        raise NotFound(f"there is no submission {view.id} any more; it was deleted meanwhile")
    found = execution_rows.read(row)
    return replace(view, asked=found.completed(view.asked), execution=execution_rows.view(found, blobs))


def each(db: Database, blobs: BlobStore, submission_ids: Sequence[UUID]) -> Iterator[SubmissionView]:
    """Read several, a few at a time, leaving out those that are not there. Raises Unavailable, BlobMissing."""
    for start in range(0, len(submission_ids), AT_ONCE):
        some = submission_ids[start : start + AT_ONCE]
        with db.transaction(pipelined=True) as tx:
            rows = [cursor.fetchone() for cursor in [tx.run(_GET, [one]) for one in some]]
        for one, row in zip(some, rows, strict=True):
            if row is not None:
                yield _view(one, row, blobs)


def state_of(db: Database, execution_id: UUID) -> State:
    """Say where an execution is. Raises NotFound, Unavailable."""
    with db.statement() as tx:
        row = tx.execute("SELECT state FROM executions WHERE id = %s", (execution_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no execution {execution_id}")
    return State(row[0])


def _not_there(db: Database, submission_id: UUID) -> NotFound:
    with db.statement() as tx:
        row = tx.run(_ARCHIVED, [submission_id]).fetchone()
    hint = "check the id, and that the key is its sender's"
    if row is not None and row[0]:
        hint = f"what was sent before {time_of(row[0]):%Y-%m-%d} is archived, and is brought back by an operator alone"
    return NotFound(f"there is no submission {submission_id}; {hint}")


def _before(db: Database, blobs: BlobStore, sent: Sent) -> SubmissionView | None:
    """Give what the same id or key made before; None where there is none. Raises as `create` does."""
    by_key = None if sent.key is None else idempotency.submission_of(db, sent.owner_id, sent.key)
    made = by_key or (sent.id if sent.id is not None and _exists(db, sent.id) else None)
    if made is None:
        return None
    if not _is_of(db, made, sent):
        raise idempotency.another_body() if by_key else conflict(made)
    return replace(get(db, blobs, made, sent.owner_id), replayed=True)


def callback_values(callback: Callback, submission_id: UUID, vault: Vault) -> dict[str, object]:
    """Give the columns of a callback, its secret sealed. Raises Unavailable."""
    return {"callback_url": callback.url, "callback_secret": vault.close(callback.secret, CALLBACK, submission_id)}


def _exists(db: Database, submission_id: UUID) -> bool:
    with db.statement() as tx:
        return tx.execute("SELECT 1 FROM submissions WHERE id = %s", (submission_id,)).fetchone() is not None


def _is_of(db: Database, submission_id: UUID, sent: Sent) -> bool:
    with db.statement() as tx:
        same = tx.execute(
            "SELECT 1 FROM submissions WHERE id = %s AND owner_id = %s AND body_sha256 = %s",
            (submission_id, sent.owner_id, sent.body_sha256),
        ).fetchone()
    return same is not None


def refuse_what_nobody_can_hold(known: Remembered, new: Submission) -> None:
    """Raise InvalidRequest for what no host ever reported room for. Raises Unavailable."""
    # A host that came meanwhile may have room: only what was just read can refuse.
    found = _unheld(new, known.reports()) and _unheld(new, known.reports(anew=True))
    if found:
        raise InvalidRequest(*found)


def _unheld(new: Submission, reports: Sequence[HostReport]) -> list[Problem]:
    need = Need.of(new.language, new.constraints)
    return [*room.problems(need, reports), *routing.region_problems(new.region, reports)]


def conflict(submission_id: UUID) -> Conflict:
    """Refuse an id that stands for what another body made, or somebody else."""
    return Conflict(f"the id {submission_id} was used before with another body; send a new id, or leave it out")


@contextmanager
def storable() -> Iterator[None]:
    """Raise InvalidRequest for what PostgreSQL will not hold."""
    # Requests are checked before they come here; what PostgreSQL still refuses is the sender's to mend, and no 500.
    try:
        yield
    except psycopg.errors.ForeignKeyViolation as error:
        if error.diag.constraint_name != _VERSION_KEPT:
            raise
        raise InvalidRequest(Problem("problem_id", "the problem was deleted just now", "use another one")) from error
    except (psycopg.DataError, UnicodeEncodeError) as error:
        hint = "text must be valid Unicode without NUL, and numbers must fit 32 bits"
        raise InvalidRequest(Problem("", f"a value cannot be stored: {error}", hint)) from error

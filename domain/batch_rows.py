"""A batch as rows: all its submissions with their parts, in statements of many rows each, within one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from domain import storing
from domain.blobs import BlobStore
from domain.db import Connection
from domain.fair import URGENCY, User
from domain.ids import new_id
from domain.inserting import insert_all
from domain.model import Priority, Submission
from domain.storing import CASE_FILE, FILE, TEST_CASE
from domain.submissions import Sent, callback_values
from domain.vault import Vault

_KNOWN = b"SELECT id, owner_id, body_sha256 FROM submissions WHERE id = ANY ($1)"
_BATCH = b"INSERT INTO batches (id, owner_id, body_sha256, idempotency_key) VALUES ($1, $2, $3, $4)"
_ITEM = ("batch_id", "position", "status", "submission_id")
_EXECUTION = ("id", "submission_id", "priority", "number", "sent_at", "problem_version_id", "queue")
_PLACE = ("execution_id", "owner_id", "user_id", "urgency", "sent")
_NEVER = "infinity"


@dataclass(frozen=True)
class New:
    """A submission that is to be written: its own columns, those of its parts, and its first execution."""

    id: UUID
    own: Mapping[str, object]
    parts: storing.Rows
    execution_id: UUID
    priority: Priority
    user: User
    version_id: UUID | None = None
    """Of the problem that it is judged by."""
    queue: str | None = None
    """Where it would be sent to, if it had a place."""


class ItemRow(NamedTuple):
    """What became of an item."""

    position: int
    status: int
    submission_id: UUID | None = None


def prepare(
    submission: Submission, sent: Sent, user: User, blobs: BlobStore, vault: Vault, *, queue: str | None = None
) -> New:
    """Put long values into the blob store and give what is to be written. Raises OSError where the disk is full.

    Unavailable where the secret of a callback cannot be sealed.
    """
    own_id = sent.id or new_id()
    own = {
        "id": own_id,
        "owner_id": sent.owner_id,
        "body_sha256": sent.body_sha256,
        **storing.values(submission, blobs),
    }
    own |= dict.fromkeys(("callback_url", "callback_secret"))
    if submission.callback is not None:
        own |= callback_values(submission.callback, own_id, vault)
    parts, version_id = storing.prepare(submission, blobs), storing.version_of(submission)
    return New(own_id, own, parts, new_id(), submission.priority, user, version_id, queue)


def known(tx: Connection, ids: Iterable[UUID]) -> Mapping[UUID, tuple[UUID, bytes]]:
    """Find whose the submissions with these ids are, and of which bodies; those that are not there are left out."""
    return {row[0]: (row[1], row[2]) for row in tx.run(_KNOWN, [list(ids)])}


def begin(tx: Connection, batch_id: UUID, sent: Sent) -> bool:
    """Write the batch; False where its key stands for another one. Waits for others with the same key to end."""
    values = [batch_id, sent.owner_id, sent.body_sha256, sent.key]
    return tx.run(_BATCH + b" ON CONFLICT DO NOTHING RETURNING id", values).fetchone() is not None


def insert(tx: Connection, new: Sequence[New]) -> list[New]:
    """Write submissions with all their parts and executions, and give them: not those whose id is there meanwhile."""
    # In one order, so that of two batches with the same ids none waits for the other while the other waits for it.
    ordered = sorted(new, key=lambda one: one.id)
    if not ordered:
        return []
    rows = [tuple(one.own.values()) for one in ordered]
    made = insert_all(tx, "submissions", tuple(ordered[0].own), rows, ending="ON CONFLICT DO NOTHING RETURNING id")
    written = {row[0] for cursor in made for row in cursor}
    kept = [one for one in ordered if one.id in written]
    _insert_parts(tx, kept)
    # All of them wait for a place (domain/fair.py): who sends many at once is no more urgent than who sends one.
    executions = [(one.execution_id, one.id, one.priority, 1, _NEVER, one.version_id, one.queue) for one in kept]
    insert_all(tx, "executions", _EXECUTION, executions)
    waiting = [(one.execution_id, one.user.owner_id, one.user.name, URGENCY[one.priority], False) for one in kept]
    insert_all(tx, "places", _PLACE, waiting)
    return kept


def items(tx: Connection, batch_id: UUID, rows: Sequence[ItemRow]) -> None:
    """Write what became of the items."""
    insert_all(tx, "batch_items", _ITEM, [(batch_id, *row) for row in rows])


def _insert_parts(tx: Connection, new: Sequence[New]) -> None:
    tables = (("source_files", FILE), ("test_cases", TEST_CASE), ("test_case_files", CASE_FILE))
    for number, (table, columns) in enumerate(tables):
        rows = [(one.id, *row) for one in new for row in one.parts[number]]
        insert_all(tx, table, ("submission_id", *columns), rows)

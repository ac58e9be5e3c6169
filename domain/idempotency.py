"""The header Idempotency-Key: a key of one owner stands for one submission, or one batch, for as long as that is there.

Submissions and batches are families of their own: the same key may stand for one of each. A key is taken in the
transaction that writes what it stands for, so that of many requests with it, however close together, one writes and
the others wait for its end and find it. What was refused takes no key.
"""

from uuid import UUID

from domain.db import Database
from domain.errors import InvalidRequest, Problem

HEADER = "Idempotency-Key"
CONSTRAINT = "idempotency_keys_pkey"
"""What a second submission with the same key breaks."""

TAKE = "INSERT INTO idempotency_keys (owner_id, key, submission_id) SELECT owner_id, {key}, id FROM own"
"""Take a key for the submission `own`, in the statement that writes it."""


def submission_of(db: Database, owner_id: UUID, key: str) -> UUID | None:
    """Find the submission that an owner's key stands for. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.execute(
            "SELECT submission_id FROM idempotency_keys WHERE owner_id = %s AND key = %s", (owner_id, key)
        ).fetchone()
    return None if row is None else row[0]


def another_body() -> InvalidRequest:
    """Refuse a key that stands for what another body made."""
    hint = "send the same body again, or a new key with a new body"
    return InvalidRequest(Problem(HEADER, "this key was used before with another body", hint))

"""Idempotency keys, batches, and which submission is which item of a batch."""

from alembic import op

revision = "0009"
down_revision = "0008"

# A table of its own: a column of `submissions` would need an index, and so a look at every submission there is. Nothing
# here refers to whose it is: the submission does.
IDEMPOTENCY_KEYS = """
CREATE TABLE idempotency_keys (
    owner_id        uuid NOT NULL,
    key             text NOT NULL,
    submission_id   uuid NOT NULL REFERENCES submissions ON DELETE CASCADE,
    PRIMARY KEY (owner_id, key)
)
"""

BATCHES = """
CREATE TABLE batches (
    id              uuid PRIMARY KEY,
    owner_id        uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    idempotency_key text,
    body_sha256     bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
    UNIQUE (owner_id, idempotency_key)
)
"""

# `status` is what the item would have been answered by itself. Why an item was refused is told once and not kept: the
# words may quote a hidden test case.
BATCH_ITEMS = """
CREATE TABLE batch_items (
    batch_id        uuid NOT NULL REFERENCES batches ON DELETE CASCADE,
    position        integer NOT NULL CHECK (position >= 0),
    status          integer NOT NULL CHECK (status BETWEEN 100 AND 599),
    submission_id   uuid REFERENCES submissions ON DELETE CASCADE,
    PRIMARY KEY (batch_id, position),
    CHECK ((status < 300) = (submission_id IS NOT NULL))
)
"""

# Without them the deletion of a submission would read all there are.
INDEXES = (
    "CREATE INDEX idempotency_keys_by_submission ON idempotency_keys (submission_id)",
    "CREATE INDEX batch_items_by_submission ON batch_items (submission_id)",
)


def upgrade() -> None:
    """Add three tables."""
    for statement in (IDEMPOTENCY_KEYS, BATCHES, BATCH_ITEMS, *INDEXES):
        op.execute(statement)

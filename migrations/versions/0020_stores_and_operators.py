"""Which blob store a host has, owners who are suspended, and queues from which nothing is taken.

Valid with the previous release: its hosts say nothing of their store and its API lets suspended owners in.
"""

from alembic import op

revision = "0020"
down_revision = "0019"

BLOB_STORE = "ALTER TABLE hosts ADD COLUMN blob_store text"

SUSPENDED = "ALTER TABLE owners ADD COLUMN suspended_at timestamptz"

# A row while the queue is paused.
PAUSED_QUEUES = """
CREATE TABLE paused_queues (
    name      text PRIMARY KEY,
    paused_at timestamptz NOT NULL DEFAULT now()
)
"""


def upgrade() -> None:
    """Add columns and a table."""
    op.execute(BLOB_STORE)
    op.execute(SUSPENDED)
    op.execute(PAUSED_QUEUES)

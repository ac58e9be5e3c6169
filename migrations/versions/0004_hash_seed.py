"""The seed of an interpreter's hashes, by which a run can be had again."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a column."""
    op.execute("ALTER TABLE telemetry ADD COLUMN hash_seed bigint")

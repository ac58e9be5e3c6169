"""Which submissions have their input typed while they run."""

from alembic import op

revision = "0012"
down_revision = "0010"

INTERACTIVE = "ALTER TABLE submissions ADD COLUMN interactive boolean NOT NULL DEFAULT false"


def upgrade() -> None:
    """Add a column."""
    op.execute(INTERACTIVE)

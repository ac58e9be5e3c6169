"""What checkers have to say to the authors of problems: beside each result, and shown to nobody else."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add a column; what the previous release writes has none of it."""
    op.execute("ALTER TABLE test_results ADD COLUMN judge_message text NOT NULL DEFAULT ''")

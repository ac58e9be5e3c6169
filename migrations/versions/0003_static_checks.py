"""Static checks of sources, by key and by submission; and whether a list of artifacts was cut.

Valid with the previous release: its workers do not know of checks and run what was sent unchecked, so that keys with a
check are made when all workers are new.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add three columns."""
    op.execute("ALTER TABLE api_keys ADD COLUMN static_check text")
    op.execute("ALTER TABLE submissions ADD COLUMN static_check text")
    op.execute("ALTER TABLE test_results ADD COLUMN artifacts_cut boolean NOT NULL DEFAULT false")

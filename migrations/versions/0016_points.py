"""Points that are not whole, and what each test group earned.

Three tables are written anew, which takes as long as they are large, and holds up whoever uses them.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

POINTS = "ALTER TABLE {} ALTER COLUMN points TYPE double precision"

# Null where there are no groups, or nobody could tell: domain/scoring.py says what is in it.
GROUPS = "ADD COLUMN test_groups jsonb CHECK (jsonb_typeof(test_groups) = 'array')"

# What the previous release prepared in its sessions gives whole numbers, and PostgreSQL refuses it from now on: each of
# its processes would fail until it happened to connect again. So they connect now, and prepare anew when this is
# committed: until then the tables are locked. Whoever waits to migrate too has prepared nothing.
RECONNECT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
    AND wait_event IS DISTINCT FROM 'advisory'
"""


def upgrade() -> None:
    """Change the type of three columns, add one, and have old sessions end."""
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(f"{POINTS.format('executions')}, {GROUPS}")
    op.execute(POINTS.format("test_results"))
    op.execute(POINTS.format("test_cases"))
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(RECONNECT)

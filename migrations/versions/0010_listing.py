"""Indexes for what lists are filtered by.

They hold up writers while they are made: on a large table, make them before, CONCURRENTLY and under these names.
"""

from alembic import op

revision = "0010"
down_revision = "0009"

# The owner stands behind what is asked for, so that one index serves those who see their own and those who see all.
INDEXES = (
    """
    CREATE INDEX IF NOT EXISTS submissions_by_user ON submissions (user_id, owner_id, created_at, id)
        WHERE user_id IS NOT NULL
    """,
    """
    CREATE INDEX IF NOT EXISTS submissions_by_problem ON submissions (problem_id, owner_id, created_at, id)
        WHERE problem_id IS NOT NULL
    """,
    """
    CREATE INDEX IF NOT EXISTS submissions_by_language
        ON submissions (split_part(language, '@', 1), owner_id, created_at, id)
    """,
    # Written once, when an execution ends. What is queued or at work is found by the sweeper's indexes.
    """
    CREATE INDEX IF NOT EXISTS executions_by_verdict ON executions (verdict, submission_id) WHERE verdict IS NOT NULL
    """,
    """
    CREATE INDEX IF NOT EXISTS executions_cancelled ON executions (submission_id) WHERE state = 'cancelled'
    """,
)


def upgrade() -> None:
    """Add five indexes."""
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in INDEXES:
        op.execute(statement)
    op.execute("SET LOCAL statement_timeout = '5s'")

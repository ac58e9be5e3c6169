"""Forbidden system calls in the telemetry, and a log of what looks like an attack or was done by an operator."""

from alembic import op

revision = "0002"
down_revision = "0001"

AUDIT_LOG = """
CREATE TABLE audit_log (
    id              uuid PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT now(),
    event           text NOT NULL,
    actor           text NOT NULL,
    submission_id   uuid,
    execution_id    uuid,
    details         jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object')
)
"""


def upgrade() -> None:
    """Add a column and a table."""
    op.execute("ALTER TABLE telemetry ADD COLUMN denied_syscalls jsonb")
    op.execute(AUDIT_LOG)
    op.execute("CREATE INDEX audit_log_by_time ON audit_log (at, id)")

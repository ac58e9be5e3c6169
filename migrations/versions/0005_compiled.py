"""What was compiled already, which submissions may use it, and which executions did."""

from alembic import op

revision = "0005"
down_revision = "0004"

# `sha256` names a blob of the compile cache's own folder. Nothing refers to a row: to lose one costs a compile.
COMPILED = """
CREATE TABLE compiled (
    key         bytea PRIMARY KEY CHECK (octet_length(key) = 32),
    sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),
    size_bytes  bigint NOT NULL CHECK (size_bytes >= 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    used_at     timestamptz NOT NULL DEFAULT now()
)
"""

CACHE = """
ALTER TABLE submissions ADD COLUMN cache text NOT NULL DEFAULT 'compile' CHECK (cache IN ('none', 'compile'))
"""

COMPILE_CACHE = "ALTER TABLE executions ADD COLUMN compile_cache text CHECK (compile_cache IN ('hit', 'miss'))"


def upgrade() -> None:
    """Add a table and two columns."""
    op.execute(COMPILED)
    op.execute("CREATE INDEX compiled_by_use ON compiled (used_at)")
    op.execute(CACHE)
    op.execute(COMPILE_CACHE)

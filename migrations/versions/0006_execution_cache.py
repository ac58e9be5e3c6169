"""Which submissions may be answered with earlier runs, which results were, and the secret that seals such runs."""

from alembic import op

revision = "0006"
down_revision = "0005"

# NOT VALID: what is there keeps the narrower rule, and nothing need be read to know it.
CACHE = """
ALTER TABLE submissions DROP CONSTRAINT submissions_cache_check,
    ADD CONSTRAINT submissions_cache_check CHECK (cache IN ('none', 'compile', 'execution')) NOT VALID
"""

EXECUTION_CACHE = """
ALTER TABLE executions ADD COLUMN execution_cache text CHECK (execution_cache IN ('hit', 'partial', 'miss'))
"""

CACHED = "ALTER TABLE test_results ADD COLUMN cached boolean NOT NULL DEFAULT false"

# What workers have in common and nobody else has: PostgreSQL is the only place that all of them trust.
SECRETS = """
CREATE TABLE secrets (
    name    text PRIMARY KEY,
    value   bytea NOT NULL CHECK (octet_length(value) >= 32)
)
"""

# 244 random bits, of PostgreSQL's strong generator.
SEALS = """
INSERT INTO secrets
VALUES ('execution_cache', decode(replace(concat(gen_random_uuid(), gen_random_uuid()), '-', ''), 'hex'))
"""


def upgrade() -> None:
    """Add a table and two columns."""
    op.execute(CACHE)
    op.execute(EXECUTION_CACHE)
    op.execute(CACHED)
    op.execute(SECRETS)
    op.execute(SEALS)

"""How submissions are judged beyond comparing outputs: programs, interactors, passes and test groups."""

from alembic import op

revision = "0014"
down_revision = "0013"

# NOT VALID: what is there keeps the narrower rule, and nothing need be read to know it.
TYPES = """
ALTER TABLE submissions DROP CONSTRAINT submissions_checker_type_check,
    ADD CONSTRAINT submissions_checker_type_check
        CHECK (checker_type IN ('tokens', 'exact', 'lines', 'float', 'kattis', 'program')) NOT VALID
"""

# Null for most: domain/judging.py says what is in it.
JUDGING = """
ALTER TABLE submissions ADD COLUMN judging bytea,
    ADD COLUMN judging_sha256 bytea CHECK (octet_length(judging_sha256) = 32),
    ADD CHECK (num_nonnulls(judging, judging_sha256) <= 1) NOT VALID
"""

ARGUMENTS = "ALTER TABLE test_cases ADD COLUMN checker_arguments text[] NOT NULL DEFAULT '{}'"


def upgrade() -> None:
    """Add columns."""
    op.execute(TYPES)
    op.execute(JUDGING)
    op.execute(ARGUMENTS)

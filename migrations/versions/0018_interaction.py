"""What a program and its interactor said to each other, beside what the program wrote."""

from alembic import op

revision = "0018"
down_revision = "0021"

# The four columns of an output: domain/outputs.py. Null where there was no interactor.
INTERACTION = """
ALTER TABLE test_results ADD COLUMN interaction bytea,
    ADD COLUMN interaction_sha256 bytea CHECK (octet_length(interaction_sha256) = 32),
    ADD COLUMN interaction_size_bytes bigint,
    ADD COLUMN interaction_is_text boolean,
    ADD CHECK (num_nonnulls(interaction, interaction_sha256) <= 1) NOT VALID
"""


def upgrade() -> None:
    """Add columns."""
    op.execute(INTERACTION)

"""Where executions ran: the region of the host, as it was then.

Valid with the previous release: its executions have none.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

EXECUTIONS = "ALTER TABLE executions ADD COLUMN region text"


def upgrade() -> None:
    """Add a column."""
    op.get_bind().exec_driver_sql(EXECUTIONS)

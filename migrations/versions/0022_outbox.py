"""What nothing may be lost without: the broker's mark, the outbox of training records, and the end of a quarantine.

Valid with the previous release: its sweeper neither reads nor writes any of these, and what it ends is quarantined too.
"""

from alembic import op

revision = "0022"
down_revision = "0021"

# One row: the time that the sweeper last wrote into the broker. One that has forgotten it has forgotten messages.
BROKER = (
    """
CREATE TABLE broker (
    single      boolean PRIMARY KEY DEFAULT true CHECK (single),
    marked_at   timestamptz NOT NULL DEFAULT 'epoch'
)
""",
    "INSERT INTO broker DEFAULT VALUES",
)

# An execution that ended with a verdict stands here until its record was exported. No foreign key: a submission that is
# deleted before leaves nothing to export, and its deletion need not look here.
TRAINING = """
CREATE TABLE training_outbox (
    execution_id    uuid PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000)
"""

RECORD = """
CREATE FUNCTION record_for_training() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO training_outbox VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$
"""

ON_END = """
CREATE TRIGGER record_for_training AFTER UPDATE OF finished_at ON executions FOR EACH ROW
WHEN (OLD.finished_at IS NULL AND NEW.state = 'done') EXECUTE FUNCTION record_for_training()
"""

# What killed its workers until its attempts were used up is in quarantine until an operator released it.
RELEASED = "ALTER TABLE executions ADD COLUMN released_at timestamptz"


def upgrade() -> None:
    """Add two tables, a column and a trigger; no row that is there is read or changed."""
    connection = op.get_bind()
    for statement in (*BROKER, TRAINING, RECORD, ON_END, RELEASED):
        connection.exec_driver_sql(statement)

"""The audit log chained by hashes and only ever added to, where its entries come from, and the end of every execution.

Valid with the previous release: what it writes has no origin, and is chained all the same.
"""

from alembic import op

revision = "0030"
down_revision = "0029"

# `position` and `hash` are set once, together, by whoever chains (`domain/audit_chain.py`).
AUDIT_LOG = """
ALTER TABLE audit_log
    ADD COLUMN origin jsonb CHECK (jsonb_typeof(origin) = 'object'),
    ADD COLUMN position bigint CHECK (position > 0),
    ADD COLUMN hash bytea CHECK (octet_length(hash) = 32),
    ADD CHECK ((position IS NULL) = (hash IS NULL))
"""

INDEXES = (
    "CREATE UNIQUE INDEX audit_log_by_position ON audit_log (position) WHERE position IS NOT NULL",
    "CREATE INDEX audit_log_not_chained ON audit_log (at, id) WHERE position IS NULL",
)

# One row: the end of the chain, and up to where it was told to the log. Who chains holds it locked.
HEAD = (
    """
    CREATE TABLE audit_head (
        only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
        position    bigint NOT NULL,
        hash        bytea NOT NULL CHECK (octet_length(hash) = 32),
        logged      bigint NOT NULL CHECK (logged BETWEEN 0 AND position)
    )
    """,
    r"INSERT INTO audit_head (position, hash, logged) VALUES (0, decode(repeat('00', 32), 'hex'), 0)",
)

APPEND_ONLY = (
    """
    CREATE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' AND NEW.position IS NULL THEN
            RETURN NEW;
        END IF;
        IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND NEW.position IS NOT NULL AND
            (OLD.id, OLD.at, OLD.event, OLD.actor, OLD.submission_id, OLD.execution_id, OLD.details, OLD.origin)
            IS NOT DISTINCT FROM
            (NEW.id, NEW.at, NEW.event, NEW.actor, NEW.submission_id, NEW.execution_id, NEW.details, NEW.origin)
        THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER keep_audit_log BEFORE INSERT OR UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION keep_audit_log()
    """,
    """
    CREATE TRIGGER keep_all_of_audit_log BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log()
    """,
)

# Where a submission came from; null: sent to the previous release, or by nobody over HTTP.
ORIGIN = "ALTER TABLE submissions ADD COLUMN origin jsonb"

# However an execution comes to its end, the row is there in the same transaction; whoever chains makes an entry of it.
# It has no index: it is short, and its rows are taken in any order.
ENDED = (
    "CREATE TABLE audit_ended (execution_id uuid NOT NULL, submission_id uuid NOT NULL)",
    """
    CREATE FUNCTION audit_execution() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO audit_ended (execution_id, submission_id) VALUES (NEW.id, NEW.submission_id);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER audit AFTER UPDATE OF state ON executions FOR EACH ROW
    WHEN (NEW.state IN ('done', 'cancelled') AND OLD.state NOT IN ('done', 'cancelled'))
    EXECUTE FUNCTION audit_execution()
    """,
)

STEPS = (AUDIT_LOG, *INDEXES, *HEAD, *APPEND_ONLY, ORIGIN, *ENDED)


def upgrade() -> None:
    """Add columns, tables, functions and triggers."""
    connection = op.get_bind()
    for statement in STEPS:
        connection.exec_driver_sql(statement)

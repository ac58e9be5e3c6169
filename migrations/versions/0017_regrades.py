"""Regrades: sets of executions that are graded again beside the current ones, and become current all at once or never.

Valid with the previous release, whose processes take a candidate for the current execution: a regrade is started when
all processes are new.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

# `total` is how many were selected; `done`, `changed` and `failed` (JE, or cancelled) count those that ended so far.
REGRADES = """
CREATE TABLE regrades (
    id          uuid PRIMARY KEY,
    state       text NOT NULL CHECK (state IN ('running', 'paused', 'ready', 'applied', 'discarded')),
    selection   jsonb NOT NULL CHECK (jsonb_typeof(selection) = 'object'),
    options     jsonb NOT NULL CHECK (jsonb_typeof(options) = 'object'),
    made_by     text NOT NULL,
    total       integer NOT NULL CHECK (total > 0),
    done        integer NOT NULL DEFAULT 0,
    changed     integer NOT NULL DEFAULT 0,
    failed      integer NOT NULL DEFAULT 0,
    applied     integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    ready_at    timestamptz,
    ended_at    timestamptz,
    ended_by    text,
    CHECK ((state IN ('applied', 'discarded')) = (ended_at IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
)
"""

# `old_execution_id` was the current one when it was selected. `changed` is null until the new one has ended.
ITEMS = """
CREATE TABLE regrade_items (
    regrade_id          uuid NOT NULL REFERENCES regrades ON DELETE CASCADE,
    position            integer NOT NULL CHECK (position >= 0),
    submission_id       uuid NOT NULL REFERENCES submissions ON DELETE CASCADE,
    old_execution_id    uuid NOT NULL REFERENCES executions ON DELETE CASCADE,
    new_execution_id    uuid UNIQUE REFERENCES executions ON DELETE CASCADE,
    state               text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'queued', 'done')),
    changed             boolean,
    PRIMARY KEY (regrade_id, position),
    UNIQUE (regrade_id, submission_id),
    CHECK ((state = 'waiting') = (new_execution_id IS NULL)),
    CHECK ((state = 'done') = (changed IS NOT NULL))
)
"""

# A candidate is not current before it is applied; one that was discarded never is. Neither column is filled in for
# what is there: both have a default that need not be written.
EXECUTIONS = """
ALTER TABLE executions
    ADD COLUMN regrade_id uuid REFERENCES regrades,
    ADD COLUMN candidate boolean NOT NULL DEFAULT false,
    ADD CHECK (NOT candidate OR regrade_id IS NOT NULL) NOT VALID
"""

# The last two are for the deletion of a submission, and the first of them for what else is regraded of it.
INDEXES = (
    "CREATE INDEX regrades_by_time ON regrades (created_at, id)",
    "CREATE INDEX regrades_open ON regrades (created_at, id) WHERE state IN ('running', 'paused', 'ready')",
    "CREATE INDEX regrade_items_waiting ON regrade_items (regrade_id, position) WHERE state = 'waiting'",
    "CREATE INDEX regrade_items_queued ON regrade_items (regrade_id) WHERE state = 'queued'",
    "CREATE INDEX regrade_items_by_submission ON regrade_items (submission_id)",
    "CREATE INDEX regrade_items_by_old ON regrade_items (old_execution_id)",
)

# The end of a candidate is told to nobody; what is told when it is applied is written by who applies it.
TRIGGER = """
CREATE OR REPLACE TRIGGER announce BEFORE UPDATE OF state ON executions FOR EACH ROW
WHEN (NEW.state IN ('done', 'cancelled') AND OLD.state NOT IN ('done', 'cancelled') AND NOT NEW.candidate)
EXECUTE FUNCTION announce_execution()
"""

EVENTS = """
ALTER TABLE deliveries DROP CONSTRAINT deliveries_event_check, ADD CONSTRAINT deliveries_event_check
    CHECK (event IN ('submission.done', 'submission.cancelled', 'execution.regraded', 'webhook.ping')) NOT VALID
"""

STEPS = (REGRADES, ITEMS, EXECUTIONS, *INDEXES, TRIGGER, EVENTS)


def upgrade() -> None:
    """Add two tables and two columns, and narrow a trigger."""
    connection = op.get_bind()
    for statement in STEPS:
        connection.exec_driver_sql(statement)

"""Webhooks: callbacks of submissions, registered endpoints, what is to be delivered, and every attempt at it.

Deliveries are made by a trigger: however an execution comes to its end (its worker, the sweeper, a cancellation, an
older release), the rows are there in the same transaction, and where nobody listens they cost two look-ups by key.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

# Secrets are sealed (`domain/seals.py`). NOT VALID and NULL: nothing that is there need be read.
CALLBACK = """
ALTER TABLE submissions
    ADD COLUMN callback_url text,
    ADD COLUMN callback_secret bytea,
    ADD CONSTRAINT submissions_callback_check
        CHECK (num_nonnulls(callback_url, callback_secret) IN (0, 2)) NOT VALID
"""

# `owner_id` is whoever submits, as in `submissions`. A secret that was replaced signs along until `previous_until`.
WEBHOOKS = """
CREATE TABLE webhooks (
    id              uuid PRIMARY KEY,
    owner_id        uuid NOT NULL,
    url             text NOT NULL,
    events          text[] NOT NULL CHECK (cardinality(events) > 0),
    description     text NOT NULL,
    secret          bytea NOT NULL,
    previous_secret bytea,
    previous_until  timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    disabled_at     timestamptz,
    disabled_reason text CHECK (disabled_reason IN ('gone', 'asked')),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
)
"""

# Without `webhook_id` it is for the submission's own callback; without `submission_id` it is a ping. `attempts` only
# ever grows and is the token of whoever makes one, while `lease_until` lasts; `failures` counts since it was asked for.
# `sent_at` is about messages: null until one was sent for the attempt that is due.
DELIVERIES = """
CREATE TABLE deliveries (
    id              uuid PRIMARY KEY,
    owner_id        uuid NOT NULL,
    webhook_id      uuid REFERENCES webhooks ON DELETE CASCADE,
    submission_id   uuid REFERENCES submissions ON DELETE CASCADE,
    execution_id    uuid,
    event           text NOT NULL CHECK (event IN ('submission.done', 'submission.cancelled', 'webhook.ping')),
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    due_at          timestamptz NOT NULL DEFAULT now(),
    give_up_at      timestamptz NOT NULL DEFAULT now() + interval '1 day',
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    failures        integer NOT NULL DEFAULT 0 CHECK (failures BETWEEN 0 AND attempts),
    lease_until     timestamptz,
    sent_at         timestamptz,
    CHECK (num_nonnulls(webhook_id, submission_id) > 0),
    CHECK ((submission_id IS NULL) = (execution_id IS NULL)),
    CHECK (lease_until IS NULL OR state = 'waiting')
)
"""

# Written before the attempt is made: one without a duration is under way, or was lost with its process.
ATTEMPTS = """
CREATE TABLE delivery_attempts (
    delivery_id     uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    number          integer NOT NULL CHECK (number > 0),
    at              timestamptz NOT NULL DEFAULT now(),
    duration_ms     bigint CHECK (duration_ms >= 0),
    status          integer,
    error           text,
    answer          text,
    PRIMARY KEY (delivery_id, number)
)
"""

INDEXES = (
    "CREATE INDEX webhooks_by_owner ON webhooks (owner_id, created_at, id)",
    "CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'waiting'",
    "CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, created_at, id)",
    "CREATE INDEX deliveries_by_submission ON deliveries (submission_id, created_at, id)",
    "CREATE INDEX deliveries_by_time ON deliveries (created_at)",
)

# Says to whoever ended it that there are deliveries: otherwise they need not be asked for.
ANNOUNCED = "ALTER TABLE executions ADD COLUMN announced boolean NOT NULL DEFAULT false"

ANNOUNCE = """
CREATE FUNCTION announce_execution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deliveries (id, owner_id, webhook_id, submission_id, execution_id, event)
    SELECT gen_random_uuid(), s.owner_id, listening.webhook_id, s.id, NEW.id, 'submission.' || NEW.state
    FROM submissions AS s CROSS JOIN LATERAL (
        SELECT NULL::uuid AS webhook_id WHERE s.callback_url IS NOT NULL
        UNION ALL
        SELECT w.id FROM webhooks AS w
        WHERE w.owner_id = s.owner_id AND w.disabled_at IS NULL AND 'submission.' || NEW.state = ANY (w.events)
    ) AS listening
    WHERE s.id = NEW.submission_id;
    NEW.announced := FOUND;
    RETURN NEW;
END $$
"""

TRIGGER = """
CREATE TRIGGER announce BEFORE UPDATE OF state ON executions FOR EACH ROW
WHEN (NEW.state IN ('done', 'cancelled') AND OLD.state NOT IN ('done', 'cancelled'))
EXECUTE FUNCTION announce_execution()
"""

# A key of 256 bits for AES: the hash of 244 random ones, of PostgreSQL's strong generator.
SEALS = """
INSERT INTO secrets
VALUES ('webhooks', sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid()), 'UTF8')))
"""

STEPS = (CALLBACK, WEBHOOKS, DELIVERIES, ATTEMPTS, *INDEXES, ANNOUNCED, ANNOUNCE, TRIGGER, SEALS)


def upgrade() -> None:
    """Add three tables, three columns, a trigger and a secret."""
    connection = op.get_bind()
    for statement in STEPS:
        connection.exec_driver_sql(statement)

"""Limits of keys, places in the message queue, and what users spent: see `domain/fair.py` for what it is about."""

from alembic import op

revision = "0008"
down_revision = "0007"

LIMITS = """
ALTER TABLE api_keys ADD COLUMN limits jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(limits) = 'object')
"""

# One row for every execution that has not ended. `sent`: it takes one of its user's places; the others wait for one,
# their `executions.sent_at` is infinity, so that no sweeper takes their message for lost. A table of its own: it is
# small however many executions there were, and `executions` need not be read or locked to add it.
PLACES = """
CREATE TABLE places (
    execution_id    uuid PRIMARY KEY REFERENCES executions ON DELETE CASCADE,
    owner_id        uuid NOT NULL,
    user_id         text NOT NULL,
    urgency         smallint NOT NULL,
    sent            boolean NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000)
"""

# `part` is by chance: workers that end executions of one user at a time write different rows.
SPENDING = """
CREATE TABLE spending (
    day             date NOT NULL,
    owner_id        uuid NOT NULL,
    user_id         text NOT NULL,
    part            smallint NOT NULL,
    cpu_time_ms     bigint NOT NULL CHECK (cpu_time_ms >= 0),
    PRIMARY KEY (day, owner_id, user_id, part)
)
"""

INDEXES = (
    "CREATE INDEX places_sent ON places (owner_id, user_id) WHERE sent",
    "CREATE INDEX places_waiting ON places (owner_id, user_id, urgency, execution_id) WHERE NOT sent",
)

# How many places a user has: as the narrowest of the owner's keys says, else as the deployment says (`usual`), else by
# the slots of live hosts.
PLACES_OF = """
CREATE FUNCTION places_of(owner uuid, usual integer) RETURNS integer STABLE LANGUAGE sql AS $$
    SELECT coalesce(
        (SELECT min((limits ->> 'at_once')::integer) FROM api_keys WHERE owner_id = owner AND revoked_at IS NULL),
        usual,
        (SELECT 2 + coalesce(sum(cpus), 0)::integer FROM hosts WHERE seen_at > now() - interval '60 s')
    )
$$
"""

SPENT_TODAY = """
CREATE FUNCTION spent_today(owner uuid, who text) RETURNS bigint STABLE LANGUAGE sql AS $$
    SELECT coalesce(sum(cpu_time_ms), 0)::bigint FROM spending
    WHERE day = (now() AT TIME ZONE 'UTC')::date AND owner_id = owner AND user_id = who
$$
"""

# Nothing is the least of a budget only where no key has one: 0 means as much as they like.
BUDGET_OF = """
CREATE FUNCTION budget_of(owner uuid, usual_s bigint) RETURNS bigint STABLE LANGUAGE sql AS $$
    SELECT nullif(coalesce((
        SELECT coalesce(min(nullif(own, 0)), min(own))
        FROM api_keys, CAST(limits ->> 'cpu_s_per_day' AS bigint) AS own
        WHERE owner_id = owner AND revoked_at IS NULL
    ), usual_s), 0)
$$
"""

# Whoever takes a place of a user has the lock until the commit, so that two do not take the same; to give one back
# needs none. VOLATILE: what was committed while the lock was waited for is seen.
TAKE_PLACE = """
CREATE FUNCTION take_place(owner uuid, who text, urgent smallint, usual integer, usual_s bigint)
RETURNS timestamptz VOLATILE LANGUAGE plpgsql AS $$
DECLARE
    most integer;
    budget_s bigint;
    taken integer;
    less_urgent uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(54819, hashtext(owner::text || who));
    budget_s := budget_of(owner, usual_s);
    IF budget_s IS NOT NULL AND spent_today(owner, who) >= 1000 * budget_s THEN
        RAISE EXCEPTION 'the budget is spent' USING ERRCODE = 'SD001', DETAIL = concat_ws(' ', budget_s, ceil(extract(
            epoch FROM ((now() AT TIME ZONE 'UTC')::date + 1)::timestamp - (now() AT TIME ZONE 'UTC'))));
    END IF;
    IF EXISTS (
        SELECT FROM places WHERE owner_id = owner AND user_id = who AND NOT sent AND urgency <= urgent
    ) THEN
        RETURN 'infinity';
    END IF;
    most := places_of(owner, usual);
    SELECT count(*) INTO taken FROM places WHERE owner_id = owner AND user_id = who AND sent;
    IF taken < most THEN
        RETURN now();
    ELSIF taken > most THEN
        RETURN 'infinity';
    END IF;
    -- What is urgent takes the place of what is less so and was not begun; that one's message is refused when it comes.
    SELECT e.id INTO less_urgent FROM places AS p JOIN executions AS e ON e.id = p.execution_id
    WHERE p.owner_id = owner AND p.user_id = who AND p.sent AND p.urgency > urgent AND e.state = 'queued'
    ORDER BY p.urgency DESC, p.execution_id DESC LIMIT 1 FOR UPDATE OF e SKIP LOCKED;
    IF less_urgent IS NULL THEN
        RETURN 'infinity';
    END IF;
    UPDATE executions SET sent_at = 'infinity' WHERE id = less_urgent;
    UPDATE places SET sent = false WHERE execution_id = less_urgent;
    RETURN now();
END
$$
"""

# Rows are locked in the order in which an end locks them: the execution, then its place.
SEND_WAITING = """
CREATE FUNCTION send_waiting(owner uuid, who text, usual integer, usual_s bigint, patient boolean)
RETURNS TABLE (id uuid, urgency smallint) VOLATILE LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    free integer;
    next_ones uuid[];
BEGIN
    IF patient THEN
        PERFORM pg_advisory_xact_lock(54819, hashtext(owner::text || who));
    ELSIF NOT pg_try_advisory_xact_lock(54819, hashtext(owner::text || who)) THEN
        RETURN;
    END IF;
    SELECT places_of(owner, usual) - count(*) INTO free FROM places WHERE owner_id = owner AND user_id = who AND sent;
    IF free <= 0 OR spent_today(owner, who) >= 1000 * budget_of(owner, usual_s) THEN
        RETURN;
    END IF;
    SELECT array_agg(picked.id) INTO next_ones FROM (
        SELECT e.id FROM places AS p JOIN executions AS e ON e.id = p.execution_id
        WHERE p.owner_id = owner AND p.user_id = who AND NOT p.sent
        ORDER BY p.urgency, p.execution_id LIMIT free FOR UPDATE OF e SKIP LOCKED
    ) AS picked;
    UPDATE executions SET sent_at = now(), sent = 1 WHERE id = ANY (next_ones) AND state = 'queued';
    RETURN QUERY
        UPDATE places AS p SET sent = true WHERE p.execution_id = ANY (next_ones) RETURNING p.execution_id, p.urgency;
END
$$
"""

# Whether others may wait for this execution's place: they do, or all places are taken, and one may come meanwhile. Then
# it gives the user's name.
WANTS_PLACE = """
CREATE FUNCTION wants_place(execution uuid, usual integer) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT p.user_id FROM places AS p
    WHERE p.execution_id = execution AND (
        EXISTS (SELECT FROM places AS w WHERE w.owner_id = p.owner_id AND w.user_id = p.user_id AND NOT w.sent)
        OR (SELECT count(*) FROM places AS s WHERE s.owner_id = p.owner_id AND s.user_id = p.user_id AND s.sent)
            >= places_of(p.owner_id, usual)
    )
$$
"""

# However an execution ends, and whoever ends it, a previous release too: its place is free, and what was run for it is
# spent. What an earlier run or compile stood for was not run.
ENDED = """
CREATE FUNCTION execution_ended() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place places;
    spent bigint;
BEGIN
    DELETE FROM places WHERE execution_id = NEW.id RETURNING * INTO place;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(sum(cpu_time_ms), 0) INTO spent FROM (
        SELECT cpu_time_ms FROM test_results WHERE execution_id = NEW.id AND NOT cached
        UNION ALL
        SELECT cpu_time_ms FROM telemetry
        WHERE execution_id = NEW.id AND kind = 'compile' AND NEW.compile_cache IS DISTINCT FROM 'hit'
    ) AS run;
    IF spent > 0 THEN
        INSERT INTO spending AS s
        VALUES ((now() AT TIME ZONE 'UTC')::date, place.owner_id, place.user_id, floor(random() * 16), spent)
        ON CONFLICT (day, owner_id, user_id, part) DO UPDATE SET cpu_time_ms = s.cpu_time_ms + excluded.cpu_time_ms;
    END IF;
    RETURN NULL;
END
$$
"""

ON_END = """
CREATE TRIGGER execution_ended AFTER UPDATE OF finished_at ON executions FOR EACH ROW
WHEN (OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL) EXECUTE FUNCTION execution_ended()
"""

STATEMENTS = (
    *(LIMITS, PLACES, SPENDING, *INDEXES),
    *(PLACES_OF, SPENT_TODAY, BUDGET_OF, TAKE_PLACE, SEND_WAITING, WANTS_PLACE, ENDED, ON_END),
)


def upgrade() -> None:
    """Add a column, two tables, functions and a trigger; no row that is there is read or changed."""
    connection = op.get_bind()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)

"""What a fleet needs to know: where hosts are and how they are, where executions were sent, who lost them.

Valid with the previous release: its hosts are in the default region, idle for all that is known, and what its API sends
has no queue noted.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

# `load` is what the last heartbeat said (`domain.host.HostLoad`). While `draining_at` is set nothing new is run there.
HOSTS = """
ALTER TABLE hosts
    ADD COLUMN region text NOT NULL DEFAULT 'default',
    ADD COLUMN arch text NOT NULL DEFAULT '',
    ADD COLUMN cost double precision NOT NULL DEFAULT 1 CHECK (cost > 0),
    ADD COLUMN disk_bytes bigint CHECK (disk_bytes >= 0),
    ADD COLUMN load jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(load) = 'object'),
    ADD COLUMN draining_at timestamptz
"""

# Where the sender wants it to run; null: wherever there is room.
SUBMISSIONS = "ALTER TABLE submissions ADD COLUMN region text"

# `queue` is the one that its last message was sent to; null: none yet, or by the previous release. `story` has an entry
# for every attempt whose worker was lost.
EXECUTIONS = """
ALTER TABLE executions
    ADD COLUMN queue text,
    ADD COLUMN story jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(story) = 'array')
"""

# A host that sent no heartbeat three times has no places either.
PLACES_OF = """
CREATE OR REPLACE FUNCTION places_of(owner uuid, usual integer) RETURNS integer STABLE LANGUAGE sql AS $$
    SELECT coalesce(
        (SELECT min((limits ->> 'at_once')::integer) FROM api_keys WHERE owner_id = owner AND revoked_at IS NULL),
        usual,
        (SELECT 2 + coalesce(sum(cpus), 0)::integer FROM hosts
            WHERE seen_at > now() - interval '30 s' AND draining_at IS NULL)
    )
$$
"""


def upgrade() -> None:
    """Add columns, and change a function."""
    connection = op.get_bind()
    for statement in (HOSTS, SUBMISSIONS, EXECUTIONS, PLACES_OF):
        connection.exec_driver_sql(statement)

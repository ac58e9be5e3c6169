"""Draining hosts, and what says how many of them are wanted: arrivals by the minute, and what was wanted a while ago.

Valid with the previous release: its workers know nothing of draining, and nobody else reads these tables.
"""

from alembic import op

revision = "0024"
down_revision = "0023"

# When the worker of a draining host said that it takes nothing and holds nothing.
HOSTS = "ALTER TABLE hosts ADD COLUMN drained_at timestamptz"

# A minute that is over has a row at least, of nothing where nothing came.
ARRIVALS = """
CREATE TABLE arrivals (
    minute timestamptz NOT NULL,
    region text NOT NULL,
    priority text NOT NULL CHECK (priority IN ('interactive', 'normal', 'bulk')),
    count integer NOT NULL CHECK (count >= 0),
    PRIMARY KEY (minute, region, priority)
)
"""
# Before what was wanted is held on to: `domain/advice.py`.
WANTED = """
CREATE TABLE wanted_slots (
    region text NOT NULL,
    at timestamptz NOT NULL,
    slots integer NOT NULL CHECK (slots >= 0),
    PRIMARY KEY (region, at)
)
"""

# Where an execution waits or waited, by the queue that its last message went to; else where its sender wanted it.
REGION_OF = r"""
CREATE FUNCTION region_of(queue text, asked text) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT coalesce(
        CASE WHEN left(queue, 5) = 'host.'
            THEN (SELECT region FROM hosts WHERE name = substring(queue FROM '^host\.(.+)\.[a-z]+$')) END,
        substring(queue FROM '^([a-z0-9-]+)\.[a-z]+$'),
        CASE WHEN queue IN ('interactive', 'normal', 'bulk') THEN 'default' END,
        asked,
        'default'
    )
$$
"""


def upgrade() -> None:
    """Add a column, tables and a function."""
    connection = op.get_bind()
    for statement in (HOSTS, ARRIVALS, WANTED, REGION_OF):
        connection.exec_driver_sql(statement)

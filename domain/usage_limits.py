"""What a user has spent of their limits of use, and has left."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.db import Database
from domain.fair import User, Usual
from domain.rates import Window

# Only what has a place can be at work: however many wait, they are merely counted.
_READ = b"""
    SELECT at_work.count, (SELECT count(*) FROM places WHERE owner_id = $1 AND user_id = $2::text) - at_work.count,
        places_of($1, $3::integer), spent_today($1, $2::text), budget_of($1, $4),
        ceil(extract(
            epoch FROM ((now() AT TIME ZONE 'UTC')::date + 1)::timestamp - (now() AT TIME ZONE 'UTC')
        ))::integer
    FROM (
        SELECT count(*) FROM places AS p JOIN executions AS e ON e.id = p.execution_id
        WHERE p.owner_id = $1 AND p.user_id = $2::text AND p.sent AND e.state <> 'queued'
    ) AS at_work
"""


@dataclass(frozen=True)
class Use:
    """The limits of one user, and how they stand."""

    running: int
    """Executions at work."""
    queued: int
    """Executions that wait, in the message queue or for a place in it."""
    at_once: int
    """How many are in the message queue or at work at a time."""
    spent_cpu_ms: int
    """CPU time of this day's executions."""
    budget_cpu_s: int | None
    """None: as much as they like."""
    day_ends_s: int
    """Seconds until spending is counted anew."""
    windows: Sequence[Window] = ()
    """Of the user's rate; none where there is no rate, or Redis is away."""


def read(db: Database, user: User, usual: Usual, windows: Sequence[Window] = ()) -> Use:
    """Read how a user's limits stand. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.run(_READ, [user.owner_id, user.name, *usual.values]).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    return Use(*(*row, windows))

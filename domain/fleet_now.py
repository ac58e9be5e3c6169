"""How the fleet stands, as PostgreSQL knows it: for the numbers that the sweeping process tells."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain import audit_check, hosts, story
from domain.db import Database

_AGES = "SELECT name, extract(epoch FROM now() - seen_at)::float8 FROM hosts"
_QUARANTINED = f"""
    SELECT count(*) FROM executions WHERE verdict = 'JE' AND reason = '{story.ATTEMPTS}' AND released_at IS NULL
"""
_DELIVERIES = """
    SELECT count(*), coalesce(max(extract(epoch FROM now() - due_at)), 0)::float8
    FROM deliveries WHERE state = 'waiting' AND due_at <= now()
"""


@dataclass(frozen=True)
class FleetNow:
    """At one moment."""

    standings: Mapping[tuple[str, str], int] = field(default_factory=Counter)
    """Hosts, by region and how they stand."""
    silent_s: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """How long ago each host that should take work was heard of, by region and name."""
    quarantined: int = 0
    deliveries_due: int = 0
    oldest_due_s: float = 0.0
    audit_waiting: int = 0
    """Entries of the audit log that are not chained, and ends of which none is made yet."""


def read(db: Database) -> FleetNow:
    """Look. Raises Unavailable."""
    with db.read() as tx:
        known = hosts.read(tx)
        ages: dict[str, float] = dict(tx.execute(_AGES).fetchall())
        quarantined = tx.execute(_QUARANTINED.encode()).fetchone() or (0,)
        due, oldest_s = tx.execute(_DELIVERIES).fetchone() or (0, 0.0)
    # One that ended in order has said so: it has no blob store any more.
    at_work = [host for host in known if host.draining_at is None and host.report.blob_store is not None]
    return FleetNow(
        Counter((host.report.region, host.standing.value) for host in known),
        {(host.report.region, host.report.name): ages.get(host.report.name, 0.0) for host in at_work},
        quarantined[0],
        due,
        oldest_s,
        audit_check.waiting(db)[0],
    )

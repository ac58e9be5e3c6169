"""Draining hosts: what runs there is finished, nothing new is begun, what waits for it goes elsewhere.

PostgreSQL says who drains, so that it outlives workers: one that is started again takes nothing either. A host is
drained when its worker says that it takes nothing and holds nothing (or is gone), no execution is at work there, and
none is queued for it alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from domain import audit, hosts, queue_names
from domain.db import Connection, Database
from domain.errors import Conflict, NotFound
from domain.hosts import Host, Standing
from domain.ids import new_id
from domain.model import Priority

ACTOR = "shipd hosts"
DRAINED, UNDRAINED, FORGOTTEN = "host_drained", "host_undrained", "host_forgotten"

_DRAIN = "UPDATE hosts SET draining_at = now(), drained_at = NULL WHERE name = %s AND draining_at IS NULL"
_UNDRAIN = "UPDATE hosts SET draining_at = NULL, drained_at = NULL WHERE name = %s AND draining_at IS NOT NULL"
# By the two partial indexes: what is at work, and what is queued.
_LEFT = """
    SELECT
        (SELECT count(*) FROM executions WHERE lease_until IS NOT NULL AND split_part(worker, '/', 1) = %(name)s),
        (SELECT count(*) FROM executions WHERE state = 'queued' AND queue = ANY(%(queues)s))
"""


@dataclass(frozen=True)
class Left:
    """What of a host is not over."""

    host: Host
    at_work: int
    queued: int
    """For it alone; what its whole region may take waits for no host."""

    @property
    def drained(self) -> bool:
        """Whether nothing runs there, and nothing will."""
        return self.host.standing is Standing.DRAINED and self.at_work + self.queued == 0


def own_queues(name: str) -> list[str]:
    """Name the queues of what only this host is to run."""
    return [queue_names.of_host(name, priority) for priority in Priority]


def drain(db: Database, name: str) -> bool:
    """Have a host take nothing new; False where that is so. Raises NotFound, Unavailable."""
    return _switch(db, _DRAIN, name, DRAINED)


def undrain(db: Database, name: str) -> bool:
    """Have a host take work again; False where it does. Raises NotFound, Unavailable."""
    return _switch(db, _UNDRAIN, name, UNDRAINED)


def forget(db: Database, name: str) -> None:
    """Forget a host that is gone for good. Raises NotFound; Conflict for one that lives; Unavailable."""
    with db.transaction() as tx:
        if _one(tx, name).live:
            hint = f"stop its worker first; it counts as alive for {hosts.LIVE_S} s after its last heartbeat"
            raise Conflict(f"{name} is alive and would be back with its next heartbeat: {hint}")
        tx.execute("DELETE FROM hosts WHERE name = %s", (name,))
        _note(tx, FORGOTTEN, name)


def left(db: Database, name: str) -> Left:
    """Say what of a host is not over. Raises NotFound, Unavailable."""
    with db.read() as tx:
        return _left(tx, _one(tx, name))


def all_left(db: Database) -> Sequence[Left]:
    """Say it of every host. Raises Unavailable."""
    with db.read() as tx:
        return [_left(tx, host) for host in hosts.read(tx)]


def _switch(db: Database, command: str, name: str, event: str) -> bool:
    with db.transaction() as tx:
        _one(tx, name)
        done = tx.execute(command.encode(), (name,)).rowcount == 1
        if done:
            _note(tx, event, name)
    return done


def _left(tx: Connection, host: Host) -> Left:
    name = host.report.name
    at_work, queued = tx.execute(_LEFT, {"name": name, "queues": own_queues(name)}).fetchone() or (0, 0)
    return Left(host, at_work, queued)


def _one(tx: Connection, name: str) -> Host:
    for host in hosts.read(tx):
        if host.report.name == name:
            return host
    raise NotFound(f"there is no host {name!r}; `shipd hosts list` shows those that ever had a worker")


def _note(tx: Connection, event: str, name: str) -> None:
    audit.note(tx, [(new_id(), event, ACTOR, None, None, Jsonb({"host": name}))])

"""Partitions: executions, results, artifacts and telemetry of one stretch of time lie in tables of their own.

A statement that knows an execution's id looks into one of them, however many there are, and what is too old goes in one
stroke (`domain/retention.py`). Why, and what a partition costs: docs/decisions/0035. They are made well ahead; what has
none goes into the default one, so that nothing can fail for want of one, and is moved when its own is made.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.db import Connection, Database
from domain.errors import Conflict
from domain.ids import first_at, time_of
from domain.logging import logger

TABLES = ("executions", "test_results", "artifacts", "telemetry")
"""What is cut: the first by `id`, the others by `execution_id`."""
DEFAULT = "default"
FIRST = "first"
"""What was there when the tables were cut, and what came until the next period began."""
AHEAD = 3
"""So many periods that are not yet begun have their partitions: one that could not be made today has time."""
LOCK_S = 2

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOUND = re.compile(r"FROM \((?:MINVALUE|'([0-9a-f-]{36})')\) TO \('([0-9a-f-]{36})'\)")
_KNOWN = b"""
    SELECT substr(c.relname, length('executions_') + 1), pg_get_expr(c.relpartbound, c.oid),
        greatest(c.reltuples, 0)::bigint, (
            SELECT sum(pg_total_relation_size(to_regclass(own || substr(c.relname, length('executions') + 1))))::bigint
            FROM unnest($1::text[]) AS own
        )
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'executions'::regclass
"""
_MAKE = b"SELECT make_partition($1, $2, $3)"
# Never long, and as if nobody had asked: whoever waits for us makes others wait.
_BRIEF = f"SET LOCAL lock_timeout = '{LOCK_S}s'".encode()
_STRAY = b"SELECT count(*) FROM executions_default"
# PostgreSQL looks at partitions by itself, and never at all of them together, which plans over several hang on.
_NOT_KNOWN = b"""
    SELECT relname FROM pg_stat_user_tables
    WHERE relname = ANY ($1) AND (last_analyze IS NULL OR last_analyze < now() - interval '1 day')
"""

# Held by a transaction that does nothing else, however long: a session's would be lost behind PgBouncer, which gives
# each transaction whatever session is free. It has no snapshot, so it keeps nothing from vacuum.
_ALONE = b"SELECT pg_try_advisory_xact_lock(54821, 0)"
_HOWEVER_LONG = b"SET LOCAL idle_in_transaction_session_timeout = 0"

log = logger(__name__)


@dataclass(frozen=True)
class Partition:
    """One stretch of time, of all four tables."""

    name: str
    since: datetime | None
    """None: from the beginning; of the default one, that it is whatever has no other."""
    until: datetime | None
    """The first moment that is too late; None for the default one alone."""
    executions: int
    """About how many are in it, as PostgreSQL last counted."""
    size_bytes: int

    @property
    def suffix(self) -> str:
        """What its tables' names end with."""
        return f"_{self.name}"


def known(db: Database) -> list[Partition]:
    """List all, the oldest first and the default one last. Raises Unavailable."""
    with db.statement() as tx:
        return read(tx)


def read(tx: Connection) -> list[Partition]:
    """List all within a transaction."""
    found = [_read(*row) for row in tx.run(_KNOWN, [list(TABLES)])]
    return sorted(found, key=lambda one: (one.until is None, one.until))


def _read(name: str, bound: str, executions: int, size_bytes: int) -> Partition:
    told = _BOUND.search(bound)
    if told is None:
        return Partition(name, None, None, executions, size_bytes)
    since, until = told.groups()
    return Partition(name, time_of(UUID(since)) if since else None, time_of(UUID(until)), executions, size_bytes)


def keep_ahead(db: Database, days: int, *, now: datetime | None = None) -> Sequence[str]:
    """Make what is missing of the partitions of `days` each until AHEAD periods from now, and name them.

    What stands in the default partition and belongs there is moved; what is left there, by a clock that is far off, is
    logged. Raises Unavailable, where a lock is not to be had too: what was made stays, and the next call goes on.
    """
    period, now = timedelta(days=days), now or datetime.now(UTC)
    made = []
    last = max(one.until for one in known(db) if one.until is not None)
    for since, until in periods(last, now + AHEAD * period, period):
        name = f"p{since:%Y%m%d}"
        with db.transaction() as tx:
            tx.execute(_BRIEF)
            tx.run(_MAKE, [f"_{name}", first_at(since), first_at(until)])
        log.info("partition_made", name=name, until=until.isoformat())
        made.append(name)
    _look_after(db)
    return made


def periods(since: datetime, to: datetime, period: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Give the periods that begin before `to`, from a moment on that need not be the beginning of one (pure)."""
    while since < to:
        until = _EPOCH + ((since - _EPOCH) // period + 1) * period
        yield since, until
        since = until


def _look_after(db: Database) -> None:
    with db.statement() as tx:
        stray = (tx.run(_STRAY, []).fetchone() or (0,))[0]
        if stray:
            log.warning("partition_default_not_empty", executions=stray)
        for (table,) in tx.run(_NOT_KNOWN, [list(TABLES)]).fetchall():
            tx.execute(f"ANALYZE {table}".encode())


@contextmanager
def alone(db: Database) -> Iterator[None]:
    """Be the only one who makes, archives, drops or restores partitions. Raises Conflict, Unavailable."""
    with db.transaction() as tx:
        tx.execute(_HOWEVER_LONG)
        row = tx.execute(_ALONE).fetchone()
        if row is None or not row[0]:
            raise Conflict("somebody else archives, drops or restores a partition now; try again when that is done")
        yield

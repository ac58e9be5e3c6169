"""Worker hosts: what each said it has, and when it was last seen.

A live host is one that was seen within LIVE_S, by PostgreSQL's clock.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg.types.json import Jsonb

from domain.db import Connection, Database
from domain.host import BEATS_MISSED, HEARTBEAT_S, HostLoad, HostReport

REMEMBERED_S = 2.0
"""How old what `Remembered` gives may be."""
LIVE_S = BEATS_MISSED * HEARTBEAT_S
"""A host not heard of for this long counts as gone."""
LIVE = f"seen_at > now() - make_interval(secs => {LIVE_S})"
"""In SQL."""

IDLE = HostLoad()

_ONE_STORE = 0x5348495044
"""Names the advisory lock."""
_OTHER_STORE = """
    SELECT name, blob_store FROM hosts
    WHERE name <> %s AND blob_store <> %s AND seen_at > now() - make_interval(secs => %s) ORDER BY name LIMIT 1
"""


_REPORTED = tuple(one.name for one in fields(HostReport))
_REPORT = f"""
    INSERT INTO hosts ({", ".join(_REPORTED)}) VALUES ({", ".join(f"%({name})s" for name in _REPORTED)})
    ON CONFLICT (name) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _REPORTED[1:])},
        reported_at = now(), seen_at = now()
"""
_READ = f"""
    SELECT {", ".join(_REPORTED)}, load, seen_at, seen_at > now() - make_interval(secs => $1), draining_at, drained_at
    FROM hosts ORDER BY name
""".encode()
_SAID = frozenset(one.name for one in fields(HostLoad))
# A worker's word that it holds nothing is kept from the first time on, and forgotten when it takes something again.
_HEARTBEAT = """
    UPDATE hosts SET seen_at = now(), load = %(load)s,
        drained_at = CASE WHEN draining_at IS NOT NULL AND %(idle)s THEN coalesce(drained_at, now()) END
    WHERE name = %(name)s RETURNING draining_at IS NOT NULL
"""


class Standing(StrEnum):
    """How a host stands."""

    LIVE = "live"
    DRAINING = "draining"
    """It takes nothing new; something may be at work there."""
    DRAINED = "drained"
    """Its worker takes nothing and holds nothing, or is gone."""
    GONE = "gone"


@dataclass(frozen=True)
class Host:
    """A host that reported at some time."""

    report: HostReport
    load: HostLoad
    seen_at: datetime
    live: bool
    draining_at: datetime | None = None
    """Since when nothing new is to be run there."""
    drained_at: datetime | None = None
    """Since when its worker, told so, takes nothing and holds nothing."""

    @property
    def takes_work(self) -> bool:
        """Whether anything new is to be run there."""
        return self.live and self.draining_at is None

    @property
    def standing(self) -> Standing:
        """Say how it stands."""
        if self.draining_at is None:
            return Standing.LIVE if self.live else Standing.GONE
        return Standing.DRAINING if self.live and self.drained_at is None else Standing.DRAINED


@dataclass(frozen=True)
class Heard:
    """What a host learns by its heartbeat."""

    draining: bool


class StoreDiffers(Exception):  # noqa: N818 - it says what is the case
    """A live host has its blobs elsewhere: neither would find what the other keeps."""


def refuse_other_store(db: Database, name: str, blob_store: str) -> None:
    """Raise StoreDiffers where another live host has another blob store. Raises Unavailable."""
    with db.statement() as tx:
        _refuse_other_store(tx, name, blob_store)


def report(db: Database, said: HostReport) -> None:
    """Keep what a host says of itself, instead of what it said before. Raises StoreDiffers, Unavailable."""
    with db.transaction() as tx:
        if said.blob_store is not None:
            # Of two that come at once the second sees the first.
            tx.execute("SELECT pg_advisory_xact_lock(%s)", (_ONE_STORE,))
            _refuse_other_store(tx, said.name, said.blob_store)
        tx.execute(
            _REPORT.encode(),
            {**vars(said), "languages": Jsonb(dict(said.languages)), "missing": Jsonb(dict(said.missing))},
        )


def _refuse_other_store(tx: Connection, name: str, blob_store: str) -> None:
    found = tx.execute(_OTHER_STORE, (name, blob_store, LIVE_S)).fetchone()
    if found is not None:
        raise StoreDiffers(
            f"this host has its blobs in {blob_store!r}, but {found[0]}, which is alive, has them in {found[1]!r}:"
            " hosts must share one store. Set SHIPD_BLOB_URL to the same bucket on all of them (a folder may be shared"
            f" only as one mounted file system); a host that was killed counts as alive for {LIVE_S} s"
        )


def heartbeat(db: Database, name: str, load: HostLoad = IDLE, *, idle: bool = False) -> Heard | None:
    """Say that a host is there and how it is; None where it is unknown and has to report first. Raises Unavailable.

    `idle`: its worker takes nothing and holds nothing.
    """
    with db.statement() as tx:
        values = {"name": name, "load": Jsonb(asdict(load)), "idle": idle}
        row = tx.execute(_HEARTBEAT, values).fetchone()
    return None if row is None else Heard(draining=row[0])


def draining(db: Database, name: str) -> bool:
    """Whether a host is to take nothing new. Raises Unavailable."""
    with db.statement() as tx:
        return tx.execute("SELECT FROM hosts WHERE name = %s AND draining_at IS NOT NULL", (name,)).rowcount == 1


def leave(db: Database, name: str) -> None:
    """Say that a host ends in order: others may have another blob store from now on. Raises Unavailable."""
    with db.statement() as tx:
        tx.execute("UPDATE hosts SET blob_store = NULL WHERE name = %s", (name,))


def known(db: Database, live_s: float = LIVE_S) -> list[Host]:
    """List all hosts that ever reported, by name. Raises Unavailable."""
    with db.statement() as tx:
        return read(tx, live_s)


class Remembered:
    """What hosts reported, not older than a moment; safe to share between threads."""

    def __init__(self, db: Database, live_s: float = LIVE_S) -> None:
        self._db = db
        self._live_s = live_s
        self._read: tuple[float, Sequence[Host]] = (-math.inf, ())

    def hosts(self, *, anew: bool = False) -> Sequence[Host]:
        """List all hosts, `anew` just now; it is the same list until it is read again. Raises Unavailable."""
        read_at, hosts = self._read
        now = time.monotonic()
        if anew or now - read_at > REMEMBERED_S:
            hosts = known(self._db, self._live_s)
            self._read = (now, hosts)
        return hosts

    def reports(self, *, anew: bool = False) -> Sequence[HostReport]:
        """List what all hosts reported, `anew` just now. Raises Unavailable."""
        return [host.report for host in self.hosts(anew=anew)]


def availability(db: Database) -> Mapping[str, str]:
    """Give the version of every language that a live host has; several versions stand there with commas."""
    versions: dict[str, set[str]] = {}
    for host in known(db):
        for language, version in host.report.languages.items() if host.live else ():
            versions.setdefault(language, set()).add(version)
    return {language: ", ".join(sorted(found)) for language, found in sorted(versions.items())}


def read(tx: Connection, live_s: float = LIVE_S) -> list[Host]:
    """List all hosts within a transaction that is open."""
    count = len(_REPORTED)
    rows = tx.run(_READ, [live_s])
    return [Host(HostReport(*row[:count]), _load(row[count]), *row[count + 1 :]) for row in rows]


def _load(said: Mapping[str, Any]) -> HostLoad:
    """Take what this release knows of what a host said, which may be of the next."""
    return HostLoad(**{name: value for name, value in said.items() if name in _SAID})

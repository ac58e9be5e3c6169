"""Worker hosts: what each said it has, and when it was last seen.

A live host is one that was seen within LIVE_S, by PostgreSQL's clock.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from domain.db import Connection, Database
from domain.model import HostReport

REMEMBERED_S = 2.0
"""How old what `Remembered` gives may be."""
LIVE_S = 60
"""A host not heard of for this long counts as gone; it should send a heartbeat several times as often."""


@dataclass(frozen=True)
class Host:
    """A host that reported at some time."""

    report: HostReport
    seen_at: datetime
    live: bool


def report(db: Database, said: HostReport) -> None:
    """Keep what a host says of itself, instead of what it said before. Raises Unavailable."""
    with db.transaction() as tx:
        tx.execute(
            "INSERT INTO hosts (name, cpus, memory_bytes, root, languages, missing, network)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (name) DO UPDATE SET cpus = excluded.cpus, memory_bytes = excluded.memory_bytes,"
            " root = excluded.root, languages = excluded.languages, missing = excluded.missing,"
            " network = excluded.network, reported_at = now(), seen_at = now()",
            (
                said.name,
                said.cpus,
                said.memory_bytes,
                said.root,
                Jsonb(dict(said.languages)),
                Jsonb(dict(said.missing)),
                said.network,
            ),
        )


def heartbeat(db: Database, name: str) -> bool:
    """Say that a host is there; False where it is unknown and has to report first. Raises Unavailable."""
    with db.statement() as tx:
        return tx.execute("UPDATE hosts SET seen_at = now() WHERE name = %s", (name,)).rowcount == 1


def known(db: Database) -> list[Host]:
    """List all hosts that ever reported, by name. Raises Unavailable."""
    with db.statement() as tx:
        return read(tx)


class Remembered:
    """What hosts reported, not older than a moment; safe to share between threads."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._read: tuple[float, Sequence[HostReport]] = (-math.inf, ())

    def reports(self, *, anew: bool = False) -> Sequence[HostReport]:
        """List what all hosts reported, `anew` just now. Raises Unavailable."""
        read_at, reports = self._read
        now = time.monotonic()
        if anew or now - read_at > REMEMBERED_S:
            reports = [host.report for host in known(self._db)]
            self._read = (now, reports)
        return reports


def availability(db: Database) -> Mapping[str, str]:
    """Give the version of every language that a live host has; several versions stand there with commas."""
    versions: dict[str, set[str]] = {}
    for host in known(db):
        for language, version in host.report.languages.items() if host.live else ():
            versions.setdefault(language, set()).add(version)
    return {language: ", ".join(sorted(found)) for language, found in sorted(versions.items())}


def read(tx: Connection) -> list[Host]:
    """List all hosts within a transaction that is open."""
    rows = tx.execute(
        "SELECT name, cpus, memory_bytes, root, languages, missing, network, seen_at,"
        " seen_at > now() - make_interval(secs => %s) FROM hosts ORDER BY name",
        (LIVE_S,),
    ).fetchall()
    return [Host(HostReport(*row[:7]), seen_at=row[7], live=row[8]) for row in rows]

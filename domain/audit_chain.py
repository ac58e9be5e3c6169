"""The chain: every entry of the audit log gets a position, without gaps, and a hash that depends on all before it.

    hash = SHA-256(hash of the entry before, 32 bytes || the entry as JSON with its position)

JSON as `canonical` writes it: names sorted, no spaces, ASCII. The first entry comes after 32 zero bytes. Entries are
written without either, so that nobody waits for whoever chains; they are chained in the order in which they are found.
The row of `audit_head` is locked meanwhile: two who chain cannot fork it.

Then each is told to the log, so that whoever collects logs has a copy elsewhere: at least once, in order.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from domain import audit_ended
from domain.db import Connection, Database
from domain.errors import ShipdError, Unavailable
from domain.logging import logger

BATCH = 1000
"""How many are chained in one transaction."""
START = bytes(32)
"""What comes before the first."""

COLUMNS = "position, hash, id, at, event, actor, submission_id, execution_id, details, origin"
_LOCK = b"SELECT position, hash, logged FROM audit_head FOR UPDATE SKIP LOCKED"
_HEAD = b"SELECT position, hash FROM audit_head"
_NEXT = f"SELECT {COLUMNS} FROM audit_log WHERE position IS NULL ORDER BY at, id LIMIT {BATCH}".encode()
_CHAIN = b"""
    UPDATE audit_log AS a SET position = new.position, hash = new.hash
    FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[]) AS new (id, position, hash) WHERE a.id = new.id
"""
_FORWARD = b"UPDATE audit_head SET position = %s, hash = %s"
_UNTOLD = f"""
    SELECT {COLUMNS} FROM audit_log WHERE position > %s ORDER BY position LIMIT {BATCH}
""".encode()
_TOLD = b"UPDATE audit_head SET logged = %s"

log = logger(__name__)


class HeadGone(ShipdError):  # noqa: N818 - as those it is one of
    """The database does not say where the chain ends: none of the platform's programs may take that out."""

    def __init__(self) -> None:
        super().__init__("audit_head has no row: somebody took out where the chain ends, and nothing is chained since")


@dataclass(frozen=True)
class Head:
    """The end of the chain: whoever keeps it elsewhere can tell later whether the chain was made anew."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        """Give it as one word."""
        return f"{self.position}:{self.hash.hex()}"

    @classmethod
    def read(cls, text: str) -> "Head":
        """Read that word. Raises ValueError."""
        position, _, digest = text.strip().partition(":")
        found = cls(int(position), bytes.fromhex(digest))
        if found.position < 0 or len(found.hash) != len(START):
            raise ValueError("not POSITION:HASH, as `shipd audit head` prints it")
        return found


@dataclass(frozen=True)
class Link:
    """An entry in its place."""

    position: int
    hash: bytes
    entry: Mapping[str, object]
    """All of it but its place, as JSON has it."""

    @property
    def head(self) -> Head:
        """Give the end of the chain that ends with it."""
        return Head(self.position, self.hash)

    @property
    def line(self) -> dict[str, object]:
        """Give it as one object, as exports and logs have it."""
        return {"position": self.position, "hash": self.hash.hex(), **self.entry}

    @classmethod
    def of_line(cls, line: Mapping[str, object]) -> "Link":
        """Read such an object. Raises ValueError."""
        entry = dict(line)
        head = Head.read(f"{entry.pop('position', '')}:{entry.pop('hash', '')}")
        return cls(head.position, head.hash, entry)


def canonical(position: int, entry: Mapping[str, object]) -> bytes:
    """Give the bytes of an entry that are hashed."""
    return json.dumps({**entry, "position": position}, sort_keys=True, separators=(",", ":")).encode()


def digest(before: bytes, position: int, entry: Mapping[str, object]) -> bytes:
    """Give the hash of an entry that comes after one with the hash `before`."""
    return hashlib.sha256(before + canonical(position, entry)).digest()


def extend(db: Database) -> int:
    """Chain some entries, and give how many; none: all are, or somebody else does it now. Raises Unavailable."""
    _take_ended(db)
    with db.transaction() as tx:
        found = _lock(tx)
        if found is None:
            return 0
        entries = [_entry(row) for row in tx.execute(_NEXT)]
        if entries:
            _append(tx, Head(found[0], found[1]), entries)
    return len(entries)


def tell(db: Database, tell_log: Callable[[Link], None]) -> int:
    """Hand entries that were chained to the log, in order, and give how many. Raises Unavailable.

    Those that were handed on when a process is killed, or when the log cannot be written, are handed on again.
    """
    with db.transaction() as tx:
        found = _lock(tx)
        links = [] if found is None else [link(row) for row in tx.execute(_UNTOLD, (found[2],))]
        for one in links:
            tell_log(one)
        if links:
            tx.execute(_TOLD, (links[-1].position,))
    return len(links)


def head(db: Database) -> Head:
    """Give the end of the chain. Raises HeadGone, Unavailable."""
    with db.statement() as tx:
        row = tx.execute(_HEAD).fetchone()
    if row is None:
        raise HeadGone
    return Head(*row)


def _take_ended(db: Database) -> None:
    """Make entries of what has ended. Where one cannot be made, all others are chained all the same."""
    try:
        with db.transaction() as tx:
            audit_ended.take(tx)
    except (psycopg.Error, Unavailable) as error:
        log.warning("ended_not_taken", error=str(error), hint="audit_ended keeps them; shipd_audit_waiting counts them")


def _lock(tx: Connection) -> TupleRow | None:
    """Lock the end of the chain; None: another has it, or it is not there, which the log is told."""
    found = tx.execute(_LOCK).fetchone()
    if found is None and tx.execute(_HEAD).fetchone() is None:
        log.error("audit_head_gone", error=str(HeadGone()), hint="docs/operations.md#auditnotchained")
    return found


def link(row: TupleRow) -> Link:
    """Read what COLUMNS names."""
    return Link(row[0], row[1], _entry(row))


def _append(tx: Connection, last: Head, entries: list[Mapping[str, object]]) -> None:
    ids, positions, hashes = [], [], []
    position, before = last.position, last.hash
    for entry in entries:
        position += 1
        before = digest(before, position, entry)
        ids.append(UUID(str(entry["id"])))
        positions.append(position)
        hashes.append(before)
    tx.execute(_CHAIN, (ids, positions, hashes))
    tx.execute(_FORWARD, (position, before))


def _entry(row: TupleRow) -> Mapping[str, object]:
    _, _, own_id, at, event, actor, submission_id, execution_id, details, origin = row
    return {
        "id": str(own_id),
        "at": moment(at),
        "event": event,
        "actor": actor,
        "submission_id": None if submission_id is None else str(submission_id),
        "execution_id": None if execution_id is None else str(execution_id),
        "details": details,
        "origin": origin,
    }


def moment(at: datetime) -> str:
    """Write a moment as entries have it, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")

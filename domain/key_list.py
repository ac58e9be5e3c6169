"""API keys as they are listed: everything but the secret."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from domain.db import Connection, Database
from domain.errors import NotFound
from domain.key_limits import KeyLimits
from domain.keys import PREFIX
from domain.listing import Place
from domain.roles import Role, Scope, read_scopes

_COLUMNS = (
    "id, owner_id, prefix, name, role, scopes, limits, network, static_check, created_at, expires_at, rotated_at,"
    " old_until, last_used_at, revoked_at"
)


MAX_SHOWN_CHARS = 40


@dataclass(frozen=True)
class KeyEntry:
    """A key as its owner and operators see it."""

    id: UUID
    owner_id: UUID
    prefix: str
    name: str
    role: Role
    scopes: frozenset[Scope] | None
    limits: KeyLimits
    """What an operator set for it, below or beside what the deployment says."""
    network: bool
    static_check: str | None
    created_at: datetime
    expires_at: datetime | None
    rotated_at: datetime | None
    old_until: datetime | None
    """Until then the secret before the last rotation works too."""
    last_used_at: datetime | None
    """To the minute."""
    revoked_at: datetime | None

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return Place(self.created_at, self.id)


def everybodys(db: Database) -> list[KeyEntry]:
    """List all keys, oldest first. Raises Unavailable."""
    with db.read() as tx:
        return _entries(tx.execute(f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at, id".encode()))


def page(db: Database, owner_id: UUID | None, *, before: Place | None, limit: int) -> list[KeyEntry]:
    """List keys of this owner (None: of anybody) made before a place, newest first. Raises Unavailable."""
    wanted = {
        "owner_id": owner_id,
        "created_at": before.created_at if before else None,
        "id": before.id if before else None,
        "limit": limit,
    }
    command = f"""
        SELECT {_COLUMNS} FROM api_keys
        WHERE (%(owner_id)s::uuid IS NULL OR owner_id = %(owner_id)s)
          AND (%(created_at)s::timestamptz IS NULL OR (created_at, id) < (%(created_at)s, %(id)s))
        ORDER BY created_at DESC, id DESC LIMIT %(limit)s
    """
    with db.read() as tx:
        return _entries(tx.execute(command.encode(), wanted))


def find(db: Database, prefix: str) -> KeyEntry:
    """Find anybody's key. Raises NotFound, Unavailable."""
    with db.statement() as tx:
        return one(tx, prefix, None)


def one(tx: Connection, prefix: str, owner_id: UUID | None) -> KeyEntry:
    """Find a key of this owner (None: of anybody). Raises NotFound, for others' in the same words as for none."""
    if not PREFIX.fullmatch(prefix):  # PostgreSQL does not take every text
        raise _no_key(prefix)
    command = f"SELECT {_COLUMNS} FROM api_keys WHERE prefix = %s AND (%s::uuid IS NULL OR owner_id = %s)"
    found = _entries(tx.execute(command.encode(), (prefix, owner_id, owner_id)))
    if not found:
        raise _no_key(prefix)
    return found[0]


def _no_key(prefix: str) -> NotFound:
    return NotFound(f"there is no key with the prefix {prefix[:MAX_SHOWN_CHARS]!r}; list them to see the prefixes")


def _entries(rows: Iterable[TupleRow]) -> list[KeyEntry]:
    return [
        KeyEntry(*row[:4], Role(row[4]), read_scopes(row[5]), KeyLimits.read(row[6]), *row[7:])  # type: ignore[call-arg]
        for row in rows
    ]

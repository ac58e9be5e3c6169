"""API keys: `shipd_<prefix>_<secret>`, shown once; only the secret's SHA-256 is kept.

A plain hash will do: the secret is 256 random bits, which nobody guesses, so it needs no slow hash.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.db import Database
from domain.errors import NotFound
from domain.ids import new_id
from domain.key_limits import NO_LIMITS, KeyLimits

_KEY = re.compile(r"shipd_([0-9a-f]{12})_([0-9a-f]{64})")


class Role(StrEnum):
    """What a key may do: everything; the limits of a service; the limits of a person."""

    ADMIN = "admin"
    SERVICE = "service"
    SUBMITTER = "submitter"


@dataclass(frozen=True)
class Key:
    """Who is asking."""

    id: UUID
    name: str
    role: Role
    network: bool = False
    """Whether what it sends may have a network."""
    static_check: str | None = None
    """The static check that what it sends must pass."""
    limits: KeyLimits = NO_LIMITS
    """What an operator set for it, below or beside what the deployment says."""


@dataclass(frozen=True)
class KeyEntry:
    """A key as operators see it: everything but the secret."""

    id: UUID
    name: str
    role: Role
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    network: bool
    static_check: str | None
    limits: KeyLimits


def create(
    db: Database,
    *,
    name: str,
    role: str,
    expires_at: datetime | None = None,
    network: bool = False,
    static_check: str | None = None,
) -> str:
    """Make a key and give its text, which cannot be had again. Raises ValueError for an unknown role, Unavailable."""
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    with db.transaction() as tx:
        tx.execute(
            "INSERT INTO api_keys (id, name, role, prefix, secret_sha256, expires_at, network, static_check)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (new_id(), name, Role(role), prefix, _hash(secret), expires_at, network, static_check),
        )
    return f"shipd_{prefix}_{secret}"


def verify(db: Database, text: str) -> Key | None:
    """Find whose key this is; None for one that is unknown, revoked or expired. Raises Unavailable."""
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    with db.statement() as tx:
        row = tx.execute(
            "SELECT id, name, role, secret_sha256, network, static_check, limits FROM api_keys"
            " WHERE prefix = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
            (found[1],),
        ).fetchone()
    if row is None or not hmac.compare_digest(row[3], _hash(found[2])):
        return None
    return Key(
        id=row[0], name=row[1], role=Role(row[2]), network=row[4], static_check=row[5], limits=KeyLimits.read(row[6])
    )


def revoke(db: Database, prefix: str) -> None:
    """End a key for good; one revoked before stays so. Raises NotFound, Unavailable."""
    with db.transaction() as tx:
        done = tx.execute("UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE prefix = %s", (prefix,))
    if done.rowcount == 0:
        raise NotFound(f"there is no key with the prefix {prefix!r}; list them to see the prefixes")


def limit(db: Database, prefix: str, limits: KeyLimits, *, reset: bool = False) -> KeyLimits:
    """Set those of a key's limits that are given, the others stay, or with `reset` go; gives all that hold then.

    Raises ValueError for what is out of range, NotFound, Unavailable.
    """
    with db.transaction() as tx:
        row = tx.execute("SELECT limits FROM api_keys WHERE prefix = %s FOR UPDATE", (prefix,)).fetchone()
        if row is None:
            raise NotFound(f"there is no key with the prefix {prefix!r}; list them to see the prefixes")
        found = limits.over(NO_LIMITS if reset else KeyLimits.read(row[0]))
        found.check()
        tx.execute("UPDATE api_keys SET limits = %s WHERE prefix = %s", (Jsonb(found.stored()), prefix))
    return found


def listing(db: Database) -> list[KeyEntry]:
    """List all keys, oldest first. Raises Unavailable."""
    with db.read() as tx:
        rows = tx.execute(
            "SELECT id, name, role, prefix, created_at, expires_at, revoked_at, network, static_check,"
            " limits FROM api_keys ORDER BY id"
        ).fetchall()
    return [KeyEntry(row[0], row[1], Role(row[2]), *(*row[3:-1], KeyLimits.read(row[-1]))) for row in rows]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

"""API keys: `shipd_<prefix>_<secret>`, shown once; only the secret's SHA-256 is kept.

A plain hash will do: the secret is 256 random bits, which nobody guesses, so it needs no slow hash. The prefix names
the key for good: a rotation gives it another secret, beside which the old one may work for a while.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from domain import audit
from domain.db import Connection, Database
from domain.errors import NotFound, Unauthenticated
from domain.ids import new_id
from domain.key_limits import NO_LIMITS, KeyLimits
from domain.roles import Reach, Role, Scope, reach, read_scopes

__all__ = ["PREFIX", "Key", "Role", "create", "revoke", "rotate", "verify"]

PREFIX = re.compile(r"[0-9a-f]{12}")
LIMITED = "key_limited"
"""In the audit log."""
_KEY = re.compile(rf"shipd_({PREFIX.pattern})_([0-9a-f]{{64}})")


_END = """
    WITH RECURSIVE made AS (
        SELECT id FROM api_keys WHERE prefix = %s
        UNION SELECT k.id FROM api_keys AS k JOIN made ON k.made_with = made.id
    )
    UPDATE api_keys SET revoked_at = now() WHERE id IN (SELECT id FROM made) AND revoked_at IS NULL RETURNING prefix
"""

_LIMIT = """
    WITH RECURSIVE made AS (
        SELECT id FROM api_keys WHERE prefix = %s
        UNION SELECT k.id FROM api_keys AS k JOIN made ON k.made_with = made.id
    )
    UPDATE api_keys SET limits = %s WHERE id IN (SELECT id FROM made)
"""


@dataclass(frozen=True)
class Key:
    """Who is asking: with an API key, or with a token of an identity provider."""

    id: UUID
    """The owner's, under which submissions are kept: the same for all keys and tokens of one owner."""
    name: str
    role: Role
    network: bool = False
    """Whether what it sends may have a network."""
    static_check: str | None = None
    """The static check that what it sends must pass."""
    limits: KeyLimits = NO_LIMITS
    """What an operator set for it, below or beside what the deployment says."""
    scopes: frozenset[Scope] | None = None
    """What of its role it may do, None for all."""
    expires_at: datetime | None = None
    key_id: UUID | None = None
    """Of the API key itself; None for a token."""
    prefix: str | None = None
    """Of the API key; None for a token."""
    issuer: str | None = None
    """Who vouches for a token."""
    subject: str | None = None
    """What the issuer calls whoever has the token."""

    def reach(self, scope: Scope) -> Reach | None:
        """Say whose things this may be done with, None where nobody's."""
        return reach(self.role, self.scopes, scope)


@dataclass(frozen=True)
class NewKey:
    """What a key is made with. `owner_id` None makes a new owner, who has the key's own id."""

    name: str
    role: Role
    owner_id: UUID | None = None
    scopes: frozenset[Scope] | None = None
    expires_at: datetime | None = None
    network: bool = False
    static_check: str | None = None
    made_with: UUID | None = None
    """The key with which it ends."""


def create(
    db: Database,
    *,
    name: str,
    role: str,
    expires_at: datetime | None = None,
    network: bool = False,
    static_check: str | None = None,
) -> str:
    """Make a key of a new owner and give its text, which cannot be had again. Raises ValueError for an unknown role."""
    new = NewKey(name, Role(role), expires_at=expires_at, network=network, static_check=static_check)
    with db.transaction() as tx:
        return insert(tx, new)


def insert(tx: Connection, new: NewKey) -> str:
    """Make a key within a transaction and give its text.

    Raises NotFound where there is no such owner, Unauthenticated where the key that it is made with has ended.
    """
    key_id, prefix, secret = new_id(), secrets.token_hex(6), secrets.token_hex(32)
    _require_owner(tx, new.owner_id, key_id)
    _hold(tx, new.made_with)
    scopes = None if new.scopes is None else sorted(new.scopes)
    tx.execute(
        # What holds for a key holds for those that are made with it.
        "INSERT INTO api_keys (id, owner_id, name, role, scopes, prefix, secret_sha256, expires_at, network,"
        " static_check, made_with, limits) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
        " coalesce((SELECT limits FROM api_keys WHERE id = %s), '{}'))",
        (
            *(key_id, new.owner_id or key_id, new.name, new.role, scopes, prefix, _hash(secret), new.expires_at),
            *(new.network, new.static_check, new.made_with, new.made_with),
        ),
    )
    return _text(prefix, secret)


def verify(db: Database, text: str) -> Key | None:
    """Find whose key this is; None for one that is unknown, revoked or expired. Raises Unavailable."""
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    with db.statement() as tx:
        row = tx.execute(
            "SELECT owner_id, name, role, network, static_check, limits, scopes, expires_at, id, secret_sha256,"
            " CASE WHEN old_until > now() THEN old_secret_sha256 END FROM api_keys"
            " WHERE prefix = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
            (found[1],),
        ).fetchone()
    if row is None or not _fits(_hash(found[2]), *row[9:]):
        return None
    owner_id, name, role, network, static_check, limits, scopes, expires_at, key_id = row[:9]
    return Key(
        id=owner_id,
        name=name,
        role=Role(role),
        network=network,
        static_check=static_check,
        limits=KeyLimits.read(limits),
        scopes=read_scopes(scopes),
        expires_at=expires_at,
        key_id=key_id,
        prefix=found[1],
    )


def rotate(tx: Connection, prefix: str, *, grace: timedelta, expires_at: datetime | None = None) -> str:
    """Give a key another secret and its new text; the one it had works on for `grace`, none before that one any more.

    `expires_at` None leaves it as it is. Raises NotFound for one that is not there, is revoked or has expired.
    """
    secret = secrets.token_hex(32)
    done = tx.execute(
        "UPDATE api_keys SET old_secret_sha256 = secret_sha256, old_until = now() + %s, secret_sha256 = %s,"
        " rotated_at = now(), expires_at = coalesce(%s, expires_at)"
        " WHERE prefix = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
        (grace, _hash(secret), expires_at, prefix),
    )
    if done.rowcount == 0:
        raise _no_key(prefix, " that works")
    return _text(prefix, secret)


def revoke(db: Database, prefix: str) -> None:
    """End a key for good, and all that were made with it. Raises NotFound, Unavailable."""
    with db.transaction() as tx:
        end(tx, prefix)


def limit(db: Database, prefix: str, limits: KeyLimits, *, reset: bool = False) -> KeyLimits:
    """Set those of a key's limits that are given, the others stay, or with `reset` go; gives all that hold then.

    They hold for the keys that were made with it, too. Raises ValueError for what is out of range, NotFound,
    Unavailable.
    """
    with db.transaction() as tx:
        row = tx.execute("SELECT limits FROM api_keys WHERE prefix = %s FOR UPDATE", (prefix,)).fetchone()
        if row is None:
            raise _no_key(prefix)
        found = limits.over(NO_LIMITS if reset else KeyLimits.read(row[0]))
        found.check()
        tx.execute(_LIMIT, (prefix, Jsonb(found.stored())))
        audit.done(tx, LIMITED, {"prefix": prefix, "limits": found.stored()})
    return found


def end(tx: Connection, prefix: str) -> list[str]:
    """End a key within a transaction, and all that were made with it, and give the prefixes of all that ended by it.

    One that was revoked before stays so. Raises NotFound.
    """
    if tx.execute("SELECT 1 FROM api_keys WHERE prefix = %s FOR UPDATE", (prefix,)).fetchone() is None:
        raise _no_key(prefix)
    ended: list[str] = []
    # One that is made meanwhile holds the row of its maker, and is seen by the next statement.
    while more := tx.execute(_END, (prefix,)).fetchall():
        ended += [row[0] for row in more]
    return ended


def _require_owner(tx: Connection, owner_id: UUID | None, key_id: UUID) -> None:
    """Make a new owner for a key, or look for the one that it is for."""
    if owner_id is None:
        tx.execute("INSERT INTO owners (id) VALUES (%s)", (key_id,))
    elif tx.execute("SELECT 1 FROM owners WHERE id = %s", (owner_id,)).fetchone() is None:
        raise NotFound(f"there is no owner {owner_id}; `shipd keys list` shows the owners of keys")


def _hold(tx: Connection, key_id: UUID | None) -> None:
    """Keep the key that another is made with from being ended before this transaction is."""
    if key_id is None:
        return
    held = "SELECT 1 FROM api_keys WHERE id = %s AND revoked_at IS NULL FOR SHARE"
    if tx.execute(held, (key_id,)).fetchone() is None:
        raise Unauthenticated("the key was revoked meanwhile")


def _no_key(prefix: str, more: str = "") -> NotFound:
    return NotFound(f"there is no key with the prefix {prefix!r}{more}; list them to see the prefixes")


def _fits(asked: bytes, current: bytes, old: bytes | None) -> bool:
    """Compare hashes in a time that tells nothing of them, both of them always."""
    return hmac.compare_digest(current, asked) | hmac.compare_digest(old or bytes(32), asked)


def _text(prefix: str, secret: str) -> str:
    return f"shipd_{prefix}_{secret}"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

"""Owners as an operator sees them: who they are, what they use, and whether they are let in."""

import math
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from domain import audit
from domain.db import Connection, Database
from domain.errors import Forbidden, NotFound
from domain.ids import new_id

ACTOR = "shipd users"
SUSPENDED, RESUMED = "user_suspended", "user_resumed"
REMEMBERED_S = 1.0
"""How soon a suspension is known everywhere."""

_USERS = """
    SELECT o.id, o.issuer, o.subject, o.created_at, o.suspended_at,
        ARRAY(SELECT name FROM api_keys WHERE owner_id = o.id AND revoked_at IS NULL ORDER BY name),
        (SELECT max(last_used_at) FROM api_keys WHERE owner_id = o.id),
        (SELECT count(*) FROM submissions WHERE owner_id = o.id),
        (SELECT count(*) FROM places WHERE owner_id = o.id AND sent),
        (SELECT count(*) FROM places WHERE owner_id = o.id AND NOT sent),
        (SELECT coalesce(sum(cpu_time_ms), 0)::bigint FROM spending
            WHERE owner_id = o.id AND day = (now() AT TIME ZONE 'UTC')::date)
    FROM owners AS o
"""


@dataclass(frozen=True)
class User:
    """One owner, with what they use."""

    id: UUID
    issuer: str | None
    subject: str | None
    """What the issuer calls them; None for who only has keys."""
    created_at: datetime
    suspended_at: datetime | None
    keys: list[str]
    """Names of those that work."""
    last_used_at: datetime | None
    submissions: int
    in_queue: int
    """Executions with a place in the message queue, or at work."""
    waiting: int
    """Those that wait for a place."""
    cpu_ms_today: int


def listing(db: Database) -> list[User]:
    """List all owners, newest first. Raises Unavailable."""
    with db.read() as tx:
        return [User(*row) for row in tx.execute(f"{_USERS} ORDER BY o.created_at DESC, o.id".encode())]


def one(db: Database, user_id: UUID) -> User:
    """Show one owner. Raises NotFound, Unavailable."""
    with db.read() as tx:
        return _one(tx, user_id)


def suspend(db: Database, user_id: UUID) -> User:
    """Let an owner in no more, whatever key or token they show; what they sent before is graded.

    Raises NotFound, Unavailable.
    """
    return _set(db, user_id, "coalesce(suspended_at, now())", SUSPENDED)


def resume(db: Database, user_id: UUID) -> User:
    """Let an owner in again. Raises NotFound, Unavailable."""
    return _set(db, user_id, "NULL", RESUMED)


def _set(db: Database, user_id: UUID, value: str, event: str) -> User:
    with db.transaction() as tx:
        tx.execute(f"UPDATE owners SET suspended_at = {value} WHERE id = %s".encode(), (user_id,))
        found = _one(tx, user_id)
        audit.note(tx, [(new_id(), event, ACTOR, None, None, Jsonb({"owner_id": str(user_id)}))])
    return found


def _one(tx: Connection, user_id: UUID) -> User:
    row = tx.execute(f"{_USERS} WHERE o.id = %s".encode(), (user_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no user {user_id}; `shipd users list` shows all")
    return User(*row)


class Suspensions:
    """Who is suspended, not older than a moment; safe to share between threads."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._read: tuple[float, frozenset[UUID]] = (-math.inf, frozenset())

    def refuse(self, owner_id: UUID) -> None:
        """Raise Forbidden for who is suspended, Unavailable."""
        read_at, suspended = self._read
        now = time.monotonic()
        if now - read_at > REMEMBERED_S:
            with self._db.statement() as tx:
                found = tx.run(b"SELECT id FROM owners WHERE suspended_at IS NOT NULL", []).fetchall()
            suspended = frozenset(row[0] for row in found)
            self._read = (now, suspended)
        if owner_id in suspended:
            raise Forbidden("whoever this key or token belongs to is suspended; ask the operator")

"""Webhooks: what may be told to whom, and the endpoints that a sender registered for all their submissions.

What is to be delivered, and every attempt: `domain/deliveries.py` and `domain/attempts.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID

from psycopg.rows import TupleRow

from domain import audit
from domain.db import Connection, Database
from domain.errors import Conflict, NotFound
from domain.ids import new_id
from domain.vault import Vault

MOST_PER_OWNER = 20
"""Endpoints of one sender: each is a row for every submission of theirs."""
OVERLAP_H = 24
"""How long a replaced secret signs along with the new one."""
PURPOSE = "webhook"
"""In vault of endpoints' secrets."""
MADE, CHANGED, ROTATED, DELETED = "webhook_created", "webhook_changed", "webhook_rotated", "webhook_deleted"
"""In the audit log."""
CALLBACK = "callback"
"""In vault of callbacks' secrets."""


class Event(StrEnum):
    """What can be told."""

    DONE = "submission.done"
    CANCELLED = "submission.cancelled"
    REGRADED = "execution.regraded"
    """Another execution is the current one now, and its verdict is another one."""
    PING = "webhook.ping"


SUBSCRIBABLE = (Event.DONE, Event.CANCELLED, Event.REGRADED)
"""What an endpoint can ask for."""


class Disabled(StrEnum):
    """Why nothing is sent to an endpoint any more."""

    GONE = "gone"
    """It answered 410 Gone."""
    ASKED = "asked"


@dataclass(frozen=True)
class Webhook:
    """An endpoint as it is shown: everything but its secret."""

    id: UUID
    owner_id: UUID
    url: str
    events: tuple[Event, ...]
    description: str
    created_at: datetime
    disabled: Disabled | None
    previous_until: datetime | None
    """Until when the secret before signs along; None where there is none."""


@dataclass(frozen=True)
class Change:
    """What is to be changed of an endpoint; None leaves it as it is."""

    url: str | None = None
    events: tuple[Event, ...] | None = None
    description: str | None = None
    enabled: bool | None = None


_SHOWN = (
    "id, owner_id, url, events, description, created_at, disabled_reason,"
    " CASE WHEN previous_until > now() THEN previous_until END"
)
_THEIRS = "id = %(id)s AND (%(owner_id)s::uuid IS NULL OR owner_id = %(owner_id)s)"
# Two at once may both be the last that there is room for; the advisory lock makes one wait.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('webhooks ' || %(owner_id)s::text, 0))"
_INSERT = f"""
    INSERT INTO webhooks (id, owner_id, url, events, description, secret)
    SELECT %(id)s, %(owner_id)s, %(url)s, %(events)s, %(description)s, %(secret)s
    WHERE (SELECT count(*) FROM webhooks WHERE owner_id = %(owner_id)s) < {MOST_PER_OWNER}
    RETURNING {_SHOWN}
"""
_UPDATE = f"""
    UPDATE webhooks SET
        url = coalesce(%(url)s, url), events = coalesce(%(events)s::text[], events),
        description = coalesce(%(description)s, description),
        disabled_at = CASE %(enabled)s::boolean
            WHEN true THEN NULL WHEN false THEN coalesce(disabled_at, now()) ELSE disabled_at END,
        disabled_reason = CASE %(enabled)s::boolean
            WHEN true THEN NULL WHEN false THEN coalesce(disabled_reason, 'asked') ELSE disabled_reason END
    WHERE {_THEIRS} RETURNING {_SHOWN}
"""
# One that is replaced twice within the overlap signs no more: whoever leaked it must not sign on.
_ROTATE = f"""
    UPDATE webhooks SET secret = %(secret)s, previous_secret = secret,
        previous_until = now() + make_interval(hours => {OVERLAP_H})
    WHERE {_THEIRS} RETURNING {_SHOWN}
"""


def create(
    db: Database, vault: Vault, owner_id: UUID, *, url: str, events: Sequence[Event], description: str, secret: str
) -> Webhook:
    """Register an endpoint. Raises Conflict where the owner has too many, Unavailable."""
    own_id = new_id()
    values = {
        "id": own_id,
        "owner_id": owner_id,
        "url": url,
        "events": list(events),
        "description": description,
        "secret": vault.close(secret, PURPOSE, own_id),
    }
    with db.transaction() as tx:
        tx.execute(_LOCK, values)
        row = tx.execute(_INSERT.encode(), values).fetchone()
        if row is None:
            raise Conflict(f"there are {MOST_PER_OWNER} webhooks, and no more are kept; change or delete one")
        _note(tx, MADE, made := _webhook(row))
    return made


def listing(db: Database, owner_id: UUID | None) -> list[Webhook]:
    """List the endpoints of an owner (None: of everybody), oldest first. Raises Unavailable."""
    command = (
        f"SELECT {_SHOWN} FROM webhooks WHERE %(owner_id)s::uuid IS NULL OR owner_id = %(owner_id)s"
        " ORDER BY created_at, id"
    )
    with db.statement() as tx:
        return [_webhook(row) for row in tx.execute(command.encode(), {"owner_id": owner_id})]


def get(db: Database, webhook_id: UUID, owner_id: UUID | None) -> Webhook:
    """Read an endpoint of this owner (None: of anybody). Raises NotFound, Unavailable."""
    with db.statement() as tx:
        return _found(tx, f"SELECT {_SHOWN} FROM webhooks WHERE {_THEIRS}", webhook_id, owner_id)


def update(db: Database, webhook_id: UUID, owner_id: UUID | None, change: Change) -> Webhook:
    """Change an endpoint; what waits to be delivered goes to the new URL. Raises NotFound, Unavailable."""
    events = None if change.events is None else list(change.events)
    return _changed(db, CHANGED, _UPDATE, webhook_id, owner_id, **(vars(change) | {"events": events}))


def rotate(db: Database, vault: Vault, webhook_id: UUID, owner_id: UUID | None, secret: str) -> Webhook:
    """Give an endpoint another secret; the one before signs along for OVERLAP_H hours. Raises NotFound, Unavailable."""
    sealed = vault.close(secret, PURPOSE, webhook_id)
    return _changed(db, ROTATED, _ROTATE, webhook_id, owner_id, secret=sealed)


def delete(db: Database, webhook_id: UUID, owner_id: UUID | None) -> None:
    """Forget an endpoint, with what waits for it and its log. Raises NotFound, Unavailable."""
    _changed(db, DELETED, f"DELETE FROM webhooks WHERE {_THEIRS} RETURNING {_SHOWN}", webhook_id, owner_id)


def require(tx: Connection, webhook_id: UUID, owner_id: UUID | None) -> None:
    """Check within a transaction that an endpoint is there and is this owner's. Raises NotFound."""
    command = f"SELECT FROM webhooks WHERE {_THEIRS}"
    if tx.execute(command.encode(), {"id": webhook_id, "owner_id": owner_id}).fetchone() is None:
        raise _missing(webhook_id)


def _changed(
    db: Database, event: str, command: str, webhook_id: UUID, owner_id: UUID | None, **values: object
) -> Webhook:
    with db.transaction() as tx:
        changed = _found(tx, command, webhook_id, owner_id, **values)
        _note(tx, event, changed)
    return changed


def _found(tx: Connection, command: str, webhook_id: UUID, owner_id: UUID | None, **values: object) -> Webhook:
    named: Mapping[str, object] = {"id": webhook_id, "owner_id": owner_id, **values}
    row = tx.execute(command.encode(), named).fetchone()
    if row is None:
        raise _missing(webhook_id)
    return _webhook(row)


def _note(tx: Connection, event: str, webhook: Webhook) -> None:
    """Add it to the audit log, without the path, which may be a secret between its owner and the receiver."""
    told = {"webhook_id": str(webhook.id), "owner_id": str(webhook.owner_id), "host": urlsplit(webhook.url).hostname}
    audit.done(tx, event, {**told, "events": list(webhook.events), "disabled": webhook.disabled})


def _missing(webhook_id: UUID) -> NotFound:
    return NotFound(f"there is no webhook {webhook_id}; check the id, and that the key is its owner's")


def _webhook(row: TupleRow) -> Webhook:
    own_id, owner_id, url, events, description, created_at, disabled, previous_until = row
    return Webhook(
        id=own_id,
        owner_id=owner_id,
        url=url,
        events=tuple(map(Event, events)),
        description=description,
        created_at=created_at,
        disabled=None if disabled is None else Disabled(disabled),
        previous_until=previous_until,
    )

"""Deliveries: what is to be told to a receiver, and the log of how that went. How one is made: `domain/attempts.py`.

The row is there first, by a trigger in the transaction that ends an execution (migration 0013); a message is a hint.
The sweeper sends what is due and has no message. A delivery keeps its id at every attempt; order is not promised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from psycopg.rows import TupleRow

from domain import audit, webhooks
from domain.db import Database
from domain.errors import Conflict, NotFound
from domain.gathering import gathered, scattered
from domain.ids import new_id
from domain.listing import Place
from domain.webhooks import Event

BATCH = 1000
"""How many rows of a kind one sweep takes; the next goes on."""
KEPT_DAYS = 30
"""How long the log is kept."""
REDELIVERED = "delivery_asked_for_again"
"""In the audit log."""


class DeliveryState(StrEnum):
    """Where a delivery is."""

    WAITING = "waiting"
    """For its first attempt, or for the next."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up, until somebody asks for it again."""


@dataclass(frozen=True)
class Attempt:
    """One attempt. Without a duration it is under way, or was lost with the process that made it."""

    number: int
    at: datetime
    duration_ms: int | None
    status: int | None
    """Of the answer; None where there was none."""
    error: str | None
    answer: str | None
    """The beginning of the answer's body."""


@dataclass(frozen=True)
class Delivery:
    """A delivery with its attempts, in order."""

    id: UUID
    event: Event
    state: DeliveryState
    webhook_id: UUID | None
    """None: it is for the submission's own callback."""
    submission_id: UUID | None
    execution_id: UUID | None
    created_at: datetime
    due_at: datetime | None
    """Of the next attempt; None where there will be none."""
    attempts: tuple[Attempt, ...] = ()

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return Place(self.created_at, self.id)


_ATTEMPT = ("number", "at", "duration_ms", "status", "error", "answer")
_ATTEMPTS = gathered(
    "tried", _ATTEMPT, f"SELECT {', '.join(_ATTEMPT)} FROM delivery_attempts WHERE delivery_id = d.id ORDER BY number"
)
_SHOWN = (
    "d.id, d.event, d.state, d.webhook_id, d.submission_id, d.execution_id, d.created_at,"
    " CASE WHEN d.state = 'waiting' THEN d.due_at END"
)
_SELECT = f"SELECT {_SHOWN}, tried.* FROM deliveries AS d, {_ATTEMPTS}"
_THEIRS = "(%(owner_id)s::uuid IS NULL OR d.owner_id = %(owner_id)s)"
_PAGE = f"""
    WHERE {{which}} AND {_THEIRS}
        AND (%(created_at)s::timestamptz IS NULL OR (d.created_at, d.id) < (%(created_at)s, %(before_id)s))
    ORDER BY d.created_at DESC, d.id DESC LIMIT %(limit)s
"""
_CHOSEN = (
    "(%(state)s::text IS NULL OR d.state = %(state)s)"
    " AND (%(webhook_id)s::uuid IS NULL OR d.webhook_id = %(webhook_id)s)"
)
_PING = f"""
    INSERT INTO deliveries AS d (id, owner_id, webhook_id, event, sent_at)
    SELECT %(id)s, owner_id, id, '{Event.PING.value}', now() FROM webhooks WHERE id = %(webhook_id)s
    RETURNING {_SHOWN}
"""
# Not while an attempt is made: it would be made twice at once.
_AGAIN = f"""
    UPDATE deliveries AS d
    SET state = 'waiting', due_at = now(), give_up_at = now() + interval '1 day', failures = 0, sent_at = now(),
        lease_until = NULL
    WHERE d.id = %(id)s AND {_THEIRS} AND (d.lease_until IS NULL OR d.lease_until < now())
"""
_ENABLED = (
    "SELECT disabled_at IS NULL FROM deliveries AS d JOIN webhooks AS w ON w.id = d.webhook_id WHERE d.id = %(id)s"
)
_NEW = """
    UPDATE deliveries SET sent_at = now()
    WHERE submission_id = %(submission_id)s AND execution_id = %(execution_id)s AND state = 'waiting'
        AND sent_at IS NULL
    RETURNING id
"""
# An attempt was lost with its process, and the day is over.
_GIVEN_UP = f"""
    WITH picked AS (
        SELECT id FROM deliveries WHERE state = 'waiting' AND due_at <= now()
            AND lease_until < now() AND give_up_at <= now()
        LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
    UPDATE deliveries AS d SET state = 'failed', lease_until = NULL FROM picked WHERE d.id = picked.id
"""
_DUE = f"""
    WITH picked AS (
        SELECT id FROM deliveries
        WHERE state = 'waiting' AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
            AND (sent_at IS NULL OR sent_at <= now() - make_interval(secs => %(message_lost_s)s))
        ORDER BY due_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
    UPDATE deliveries AS d SET sent_at = now() FROM picked WHERE d.id = picked.id RETURNING d.id
"""
_FORGET = f"""
    DELETE FROM deliveries WHERE id IN (
        SELECT id FROM deliveries
        WHERE created_at < now() - interval '{KEPT_DAYS} days' AND state <> 'waiting'
        ORDER BY created_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
"""


def get(db: Database, delivery_id: UUID, owner_id: UUID | None) -> Delivery:
    """Read a delivery of this owner (None: of anybody). Raises NotFound, Unavailable."""
    command = f"{_SELECT} WHERE d.id = %(id)s AND {_THEIRS}"
    with db.statement() as tx:
        row = tx.execute(command.encode(), {"id": delivery_id, "owner_id": owner_id}).fetchone()
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}; check the id, and that the key is its owner's")
    return _delivery(row)


def of_webhook(
    db: Database, webhook_id: UUID, owner_id: UUID | None, *, before: Place | None, limit: int
) -> list[Delivery]:
    """List what an endpoint was sent, newest first, made before a place. Raises NotFound, Unavailable."""
    with db.read() as tx:
        webhooks.require(tx, webhook_id, owner_id)
        values = _page(owner_id, before, limit) | {"webhook_id": webhook_id}
        command = _SELECT + _PAGE.format(which="d.webhook_id = %(webhook_id)s")
        return [_delivery(row) for row in tx.execute(command.encode(), values)]


def of_submission(
    db: Database, submission_id: UUID, owner_id: UUID | None, *, before: Place | None, limit: int
) -> list[Delivery]:
    """List what was sent of a submission, newest first, made before a place. Raises NotFound, Unavailable."""
    values = _page(owner_id, before, limit) | {"submission_id": submission_id}
    theirs = "SELECT FROM submissions AS d WHERE d.id = %(submission_id)s AND " + _THEIRS
    with db.read() as tx:
        if tx.execute(theirs.encode(), values).fetchone() is None:
            raise NotFound(f"there is no submission {submission_id}; check the id, and that the key is its sender's")
        command = _SELECT + _PAGE.format(which="d.submission_id = %(submission_id)s")
        return [_delivery(row) for row in tx.execute(command.encode(), values)]


def latest(
    db: Database, limit: int, *, only: DeliveryState | None = None, webhook_id: UUID | None = None
) -> list[Delivery]:
    """List the last deliveries of everybody, newest first, for operators. Raises Unavailable."""
    command = _SELECT + _PAGE.format(which=_CHOSEN)
    with db.statement() as tx:
        values = _page(None, None, limit) | {"state": only, "webhook_id": webhook_id}
        return [_delivery(row) for row in tx.execute(command.encode(), values)]


def ping(db: Database, webhook_id: UUID, owner_id: UUID | None) -> Delivery:
    """Have something sent to an endpoint that says nothing. Raises NotFound, Conflict where it is disabled."""
    if webhooks.get(db, webhook_id, owner_id).disabled is not None:
        raise Conflict(_DISABLED)
    with db.statement() as tx:
        row = tx.execute(_PING.encode(), {"id": new_id(), "webhook_id": webhook_id}).fetchone()
    if row is None:
        raise NotFound(f"there is no webhook {webhook_id} any more")
    return _delivery(row)


def redeliver(db: Database, delivery_id: UUID, owner_id: UUID | None) -> Delivery:
    """Have a delivery made again from now on, under its id. Raises NotFound, Conflict where that cannot be now."""
    values = {"id": delivery_id, "owner_id": owner_id}
    get(db, delivery_id, owner_id)
    with db.transaction() as tx:
        enabled = tx.execute(_ENABLED.encode(), values).fetchone()
        if enabled is not None and not enabled[0]:
            raise Conflict(_DISABLED)
        if tx.execute(_AGAIN.encode(), values).rowcount == 0:
            raise Conflict("an attempt at it is being made; look at its log in a few seconds")
        audit.done(tx, REDELIVERED, {"delivery_id": str(delivery_id)})
    return get(db, delivery_id, owner_id)


def announced(db: Database, submission_id: UUID, execution_id: UUID) -> list[UUID]:
    """List what is to be sent now that this execution is over, each once. Raises Unavailable."""
    values = {"submission_id": submission_id, "execution_id": execution_id}
    with db.statement() as tx:
        return [row[0] for row in tx.execute(_NEW.encode(), values)]


def sweep(db: Database, *, message_lost_s: int) -> Sequence[UUID]:
    """List what is due and has no message, or lost it; end and forget what is over. Raises Unavailable."""
    with db.transaction() as tx:
        tx.execute(_GIVEN_UP.encode())
        due = [row[0] for row in tx.execute(_DUE.encode(), {"message_lost_s": message_lost_s})]
        tx.execute(_FORGET.encode())
    return due


_DISABLED = 'the webhook is disabled; enable it first: PATCH it with {"enabled": true}'


def _page(owner_id: UUID | None, before: Place | None, limit: int) -> dict[str, object]:
    created_at, before_id = (before.created_at, before.id) if before else (None, None)
    return {"owner_id": owner_id, "created_at": created_at, "before_id": before_id, "limit": limit}


def _delivery(row: TupleRow) -> Delivery:
    own_id, event, state, webhook_id, submission_id, execution_id, created_at, due_at, *attempts = row
    return Delivery(
        id=own_id,
        event=Event(event),
        state=DeliveryState(state),
        webhook_id=webhook_id,
        submission_id=submission_id,
        execution_id=execution_id,
        created_at=created_at,
        due_at=due_at,
        attempts=tuple(Attempt(*values) for values in scattered(attempts)),
    )

"""Attempts at deliveries: claimed with a lease, each written before it is made.

A claim is a conditional UPDATE, so that a message that comes twice is harmless, and no two workers make the same
attempt. One whose worker was killed is made again when its lease is over: at least once, under the same id. Everything
is compared by PostgreSQL's clock.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain import storable, webhooks
from domain.db import Database
from domain.vault import Vault
from domain.webhook_url import host_of
from domain.webhooks import Event

LEASE_S = 30
"""Three times what an attempt may take: whoever made one that is over made none."""
BACKOFF_S = (10, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
"""How long to wait after each failure; the last counts for all that follow, up to the end of the day."""
JITTER = 0.2
"""Each wait is longer or shorter by this part at the most: who failed together need not come back together."""
MAX_ANSWER_CHARS = 1024
MAX_ERROR_CHARS = 300


@dataclass(frozen=True)
class Due:
    """A delivery that waits for an attempt: what must be known to take turns."""

    id: UUID
    owner_id: UUID
    host: str


@dataclass(frozen=True)
class Claimed:
    """The right to make one attempt, and what it takes. `disabled` means that nothing is to be sent any more."""

    delivery_id: UUID
    number: int
    failures: int
    """Those before this one, since the delivery was asked for."""
    event: Event
    webhook_id: UUID | None
    submission_id: UUID | None
    execution_id: UUID | None
    created_at: datetime
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    """All that sign: the newest first."""
    disabled: bool = False


@dataclass(frozen=True)
class Tried:
    """What came of an attempt. `ends` means that no other will be made, whatever the time."""

    duration_ms: int
    status: int | None = None
    error: str | None = None
    """None where it was taken."""
    answer: str | None = None
    ends: bool = False
    gone: bool = False
    """The receiver wants nothing any more."""


_DUE = "d.state = 'waiting' AND d.due_at <= now() AND (d.lease_until IS NULL OR d.lease_until < now())"
_FROM = "LEFT JOIN webhooks AS w ON w.id = d.webhook_id LEFT JOIN submissions AS s ON s.id = d.submission_id"
# An endpoint that was deleted took its deliveries along, so there is a URL.
_URL = "CASE WHEN d.webhook_id IS NULL THEN s.callback_url ELSE w.url END"
_LOOK = f"SELECT d.id, d.owner_id, {_URL} FROM deliveries AS d {_FROM} WHERE d.id = %(id)s AND {_DUE}"
_CLAIM = f"""
    WITH d AS (
        UPDATE deliveries AS d
        SET attempts = attempts + 1, failures = failures + 1, lease_until = now() + make_interval(secs => %(lease_s)s)
        WHERE d.id = %(id)s AND {_DUE}
        RETURNING *
    ), noted AS (
        INSERT INTO delivery_attempts (delivery_id, number) SELECT id, attempts FROM d
    )
    SELECT d.id, d.attempts, d.failures - 1, d.event, d.webhook_id, d.submission_id, d.execution_id,
        d.created_at, {_URL},
        CASE WHEN d.webhook_id IS NULL THEN s.callback_secret ELSE w.secret END,
        CASE WHEN w.previous_until > now() THEN w.previous_secret END,
        w.disabled_at IS NOT NULL
    FROM d {_FROM}
"""
# Whose lease was over may find that another made the next attempt: then it writes its own line of the log, no more.
_RECORD = """
    WITH noted AS (
        UPDATE delivery_attempts SET duration_ms = %(duration_ms)s, status = %(status)s, error = %(error)s,
            answer = %(answer)s
        WHERE delivery_id = %(id)s AND number = %(number)s
    ), gone AS (
        UPDATE webhooks SET disabled_at = now(), disabled_reason = 'gone'
        WHERE %(gone)s AND id = %(webhook_id)s AND disabled_at IS NULL
    )
    UPDATE deliveries SET
        state = CASE WHEN %(taken)s THEN 'delivered' WHEN %(ends)s OR give_up_at <= now() THEN 'failed'
            ELSE 'waiting' END,
        due_at = least(now() + make_interval(secs => %(again_in_s)s), give_up_at),
        lease_until = NULL, sent_at = NULL
    WHERE id = %(id)s AND attempts = %(number)s AND state = 'waiting'
    RETURNING state
"""


def look(db: Database, delivery_id: UUID) -> Due | None:
    """Say whose turn it would be; None where nothing is to be done now. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.execute(_LOOK.encode(), {"id": delivery_id}).fetchone()
    return None if row is None else Due(row[0], row[1], host_of(row[2]))


def claim(db: Database, vault: Vault, delivery_id: UUID) -> Claimed | None:
    """Take an attempt that is due, and write it down; None where it is not to be had. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.execute(_CLAIM.encode(), {"id": delivery_id, "lease_s": LEASE_S}).fetchone()
    if row is None:
        return None
    found_id, number, failures, event, webhook_id, submission_id, execution_id, created_at, *rest = row
    url, secret, previous, disabled = rest
    of = (webhooks.CALLBACK, submission_id) if webhook_id is None else (webhooks.PURPOSE, webhook_id)
    return Claimed(
        delivery_id=found_id,
        number=number,
        failures=failures,
        event=Event(event),
        webhook_id=webhook_id,
        submission_id=submission_id,
        execution_id=execution_id,
        created_at=created_at,
        url=url,
        secrets=tuple(vault.open(sealed, *of) for sealed in (secret, previous) if sealed is not None),
        disabled=disabled,
    )


def record(db: Database, claimed: Claimed, tried: Tried) -> str | None:
    """Write down what came of it, and when the next is due; gives the delivery's state, None where another goes on.

    Raises Unavailable.
    """
    values = {
        "id": claimed.delivery_id,
        "number": claimed.number,
        "webhook_id": claimed.webhook_id,
        "duration_ms": tried.duration_ms,
        "status": tried.status,
        "error": None if tried.error is None else storable.text(tried.error)[:MAX_ERROR_CHARS],
        "answer": None if tried.answer is None else storable.text(tried.answer)[:MAX_ANSWER_CHARS],
        "taken": tried.error is None,
        "ends": tried.ends or tried.gone,
        "gone": tried.gone,
        "again_in_s": backoff_s(claimed.failures),
    }
    with db.statement() as tx:
        row = tx.execute(_RECORD.encode(), values).fetchone()
    return None if row is None else str(row[0])


def backoff_s(failures: int) -> float:
    """Say how long to wait after so many earlier failures and one more, in seconds."""
    wait = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - a wait is no secret

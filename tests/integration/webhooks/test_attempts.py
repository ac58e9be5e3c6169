"""Attempts that fail, hang, are lost or come late: rows of PostgreSQL, a real receiver, no queue."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from domain import attempts, deliveries, webhooks
from domain.attempts import Tried
from domain.db import Database
from domain.deliveries import Delivery, DeliveryState
from domain.errors import Conflict
from domain.vault import Vault
from domain.webhooks import Disabled, Webhook
from tests.integration.webhooks.conftest import Finish, Rows, calling
from tests.integration.webhooks.receiving import Receiving
from tests.waiting import eventually
from workers.deliver import Deliverer
from workers.outgoing import Sender


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("fail", 500, "the receiver answered 500"),
        ("redirect?to=http://127.0.0.1:1/", 307, "redirects are not followed"),
        ("close", None, ""),
        ("hang", None, "no answer within"),
    ],
)
def test_a_failure_is_tried_again_later(
    deliverer: Deliverer,
    hurried: Sender,
    finish: Finish,
    receiver: Receiving,
    only: Callable[[], Delivery],
    path: str,
    status: int | None,
    error: str,
) -> None:
    finish(calling(receiver.url(path)))
    if path == "hang":
        deliverer = replace(deliverer, sender=hurried)
    deliverer.deliver(only().id)

    delivery = only()
    (attempt,) = delivery.attempts
    assert (delivery.state, attempt.status) == (DeliveryState.WAITING, status)
    assert attempt.error is not None
    assert error in attempt.error
    assert len(attempt.answer or "") <= attempts.MAX_ANSWER_CHARS
    assert delivery.due_at is not None
    assert 5 < waits_s(delivery) < 15
    deliverer.deliver(delivery.id)
    assert len(only().attempts) == 1  # it is not due


def waits_s(delivery: Delivery) -> float:
    """Tell how long it waits after its last attempt, and whatever was done beside that attempt."""
    last = delivery.attempts[-1]
    assert delivery.due_at is not None
    return (delivery.due_at - last.at).total_seconds() - (last.duration_ms or 0) / 1000


def test_waits_grow_and_the_day_ends(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, rows: Rows, only: Callable[[], Delivery]
) -> None:
    def deliver() -> float:
        """Make an attempt, and tell what else that took: from its claim to its record, none of which is waiting."""
        began = time.monotonic()
        deliverer.deliver(only().id)
        return time.monotonic() - began - (only().attempts[-1].duration_ms or 0) / 1000

    finish(calling(receiver.url("fail?day")))
    beside_s = [deliver()]
    waits = []
    while only().due_at is not None:
        waits.append(waits_s(only()))
        # The clock stands: what lies ahead comes nearer instead.
        rows("UPDATE deliveries SET give_up_at = give_up_at - (due_at - now()), due_at = now()")
        beside_s.append(deliver())

    for wait, meant, beside in zip(waits[:7], attempts.BACKOFF_S, beside_s, strict=False):
        assert meant * 0.79 < wait < meant * 1.2 + beside
    assert sum(waits) == pytest.approx(24 * 3600, abs=60)
    assert only().state is DeliveryState.FAILED
    requests = receiver.requests("fail?day")
    assert len(requests) == len(waits) + 1
    assert {request.id for request in requests} == {str(only().id)}


def test_gone_disables_an_endpoint(
    deliverer: Deliverer,
    register: Callable[..., Webhook],
    finish: Finish,
    receiver: Receiving,
    db: Database,
) -> None:
    webhook = register(receiver.url("gone?1"))
    finish()
    finish()
    second, first = deliveries.latest(db, 10)
    deliverer.deliver(first.id)
    assert webhooks.get(db, webhook.id, None).disabled is Disabled.GONE
    assert deliveries.get(db, first.id, None).state is DeliveryState.FAILED

    deliverer.deliver(second.id)

    ended = deliveries.get(db, second.id, None)
    assert (ended.state, ended.attempts[0].error) == (DeliveryState.FAILED, "the webhook is disabled")
    assert len(receiver.requests("gone?1")) == 1
    with pytest.raises(Conflict, match="disabled"):
        deliveries.redeliver(db, first.id, None)
    with pytest.raises(Conflict, match="disabled"):
        deliveries.ping(db, webhook.id, None)


def test_a_callback_that_is_gone_ends_and_may_be_asked_for_again(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, db: Database, only: Callable[[], Delivery]
) -> None:
    finish(calling(receiver.url("gone?callback")))
    deliverer.deliver(only().id)
    assert (only().state, only().due_at) == (DeliveryState.FAILED, None)
    assert deliveries.redeliver(db, only().id, None).due_at is not None


def test_of_many_at_once_one_makes_the_attempt(
    db: Database,
    vault: Vault,
    finish: Finish,
    receiver: Receiving,
    only: Callable[[], Delivery],
    at_once: Callable[..., list[object]],
) -> None:
    finish(calling(receiver.url("ok")))
    delivery_id = only().id
    claims = at_once(6, lambda _: attempts.claim(db, vault, delivery_id))
    assert len([claim for claim in claims if claim is not None]) == 1


def test_a_lost_attempt_is_made_again_and_its_maker_changes_nothing(
    deliverer: Deliverer,
    db: Database,
    vault: Vault,
    finish: Finish,
    receiver: Receiving,
    rows: Rows,
    only: Callable[[], Delivery],
) -> None:
    finish(calling(receiver.url("ok?lost")))
    lost = attempts.claim(db, vault, only().id)
    assert lost is not None
    deliverer.deliver(lost.delivery_id)
    assert receiver.requests("ok?lost") == []  # it is being made
    with pytest.raises(Conflict, match="being made"):
        deliveries.redeliver(db, lost.delivery_id, None)
    rows("UPDATE deliveries SET lease_until = now() - interval '1 s'")
    assert deliveries.sweep(db, message_lost_s=30) == [lost.delivery_id]
    deliverer.deliver(lost.delivery_id)

    assert attempts.record(db, lost, Tried(5, error="late")) is None

    first, second = only().attempts
    assert (first.error, second.status, only().state) == ("late", 200, DeliveryState.DELIVERED)
    assert [request.id for request in receiver.requests("ok?lost")] == [str(lost.delivery_id)]


def test_whoever_was_late_does_not_end_the_attempt_of_another(
    db: Database, vault: Vault, finish: Finish, receiver: Receiving, rows: Rows, only: Callable[[], Delivery]
) -> None:
    finish(calling(receiver.url("ok?late")))
    late = attempts.claim(db, vault, only().id)
    rows("UPDATE deliveries SET lease_until = now() - interval '1 s'")
    other = attempts.claim(db, vault, only().id)
    assert late is not None
    assert other is not None
    assert (late.number, other.number, late.failures, other.failures) == (1, 2, 0, 1)

    assert attempts.record(db, late, Tried(40_000, 200)) is None
    assert only().state is DeliveryState.WAITING
    assert attempts.claim(db, vault, only().id) is None
    assert attempts.record(db, other, Tried(5, 200)) == "delivered"


def test_attempts_that_are_lost_again_and_again_end_with_the_day(
    db: Database, vault: Vault, finish: Finish, receiver: Receiving, rows: Rows, only: Callable[[], Delivery]
) -> None:
    finish(calling(receiver.url("ok")))
    assert attempts.claim(db, vault, only().id) is not None
    rows("UPDATE deliveries SET lease_until = now() - interval '1 s', give_up_at = now() - interval '1 s'")
    assert deliveries.sweep(db, message_lost_s=30) == []
    assert only().state is DeliveryState.FAILED


def test_what_goes_over_its_turn_waits_for_one(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, db: Database, sent: list[UUID], tmp_path: Path
) -> None:
    may_answer = tmp_path / "may-answer"
    path = f"hold?until={may_answer}"
    for _ in range(4):
        finish(calling(receiver.url(path)))
    finish(calling(f"http://localhost:{receiver.port}/ok?other"))
    other, *slow = [delivery.id for delivery in deliveries.latest(db, 10)]
    threads = [threading.Thread(target=deliverer.deliver, args=(delivery_id,)) for delivery_id in slow]
    for thread in threads:
        thread.start()
    # Two are at it, and two were told that it is not their turn.
    eventually(lambda: (len(receiver.requests(path)), deliverer.turns._count) == (2, 2))
    may_answer.touch()
    for thread in threads:
        thread.join()
    deliverer.deliver(other)

    assert len(receiver.requests(path)) == 2
    made = {found.id for found in deliveries.latest(db, 10) if found.state is DeliveryState.DELIVERED}
    assert set(sent) == set(slow) - made
    for delivery_id in list(sent):
        deliverer.deliver(delivery_id)
    assert len(receiver.requests(path)) == 4

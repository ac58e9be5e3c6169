"""From the end of an execution to its receiver: rows of PostgreSQL, a real receiver, no queue."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from domain import attempts, deliveries, executions, signing, submissions, webhooks
from domain.attempts import Tried
from domain.blobs import BlobStore
from domain.db import Database
from domain.deliveries import Delivery, DeliveryState
from domain.errors import Conflict, NotFound, Unavailable
from domain.model import Callback, Claim, ExecutionTelemetry, Outcome, Submission, TestCase, TestResult, Usage
from domain.seals import Seals
from domain.verdict import Verdict
from domain.views import SubmissionView
from domain.webhooks import SUBSCRIBABLE, Change, Disabled, Event, Webhook
from tests.integration.conftest import HELLO
from tests.integration.webhooks.receiving import Receiving
from workers.deliver import Deliverer

SECRET = signing.new_secret()
Rows = Callable[..., list[Mapping[str, object]]]
Finish = Callable[..., Claim]


@pytest.fixture
def seals(db: Database) -> Seals:
    return Seals(db)


@pytest.fixture
def register(db: Database, seals: Seals, owner: UUID) -> Callable[..., Webhook]:
    def create(url: str, events: tuple[Event, ...] = SUBSCRIBABLE, secret: str = SECRET) -> Webhook:
        return webhooks.create(db, seals, owner, url=url, events=events, description="", secret=secret)

    return create


@pytest.fixture
def finish(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> Finish:
    """Submit something and end it, as a worker does."""

    def end(
        new: Submission = HELLO, verdict: Verdict = Verdict.AC, reason: str | None = None, **outcome: object
    ) -> Claim:
        view = submit(new)
        claim = executions.claim(db, blobs, view.execution.id, worker="here", lease_s=30)
        assert claim is not None
        ended = Outcome(verdict, reason, telemetry=ExecutionTelemetry(), **outcome)  # type: ignore[arg-type]
        assert executions.finish(db, blobs, claim, ended)
        return claim

    return end


def calling(url: str) -> Submission:
    return replace(HELLO, callback=Callback(url, SECRET))


@pytest.fixture
def only(db: Database) -> Callable[[], Delivery]:
    """Give the one delivery that there is."""

    def read() -> Delivery:
        (found,) = deliveries.latest(db, 10)
        return found

    return read


def test_it_works(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, only: Callable[[], Delivery], owner: UUID
) -> None:
    claim = finish(replace(calling(receiver.url("ok?works")), metadata={"course": "ä"}, user_id="u1"))
    delivery = only()
    assert (delivery.event, delivery.state, delivery.attempts) == (Event.DONE, DeliveryState.WAITING, ())

    deliverer.deliver(delivery.id)

    (request,) = receiver.requests("ok?works")
    told = Verifier(SECRET).verify(request.body, request.headers)
    assert request.id == str(delivery.id)
    assert (told["type"], told["data"]["id"]) == ("submission.done", str(claim.submission_id))
    assert told["data"]["links"] == {"self": f"/v1/submissions/{claim.submission_id}"}
    assert (told["data"]["metadata"], told["data"]["user_id"]) == ({"course": "ä"}, "u1")
    execution = told["data"]["execution"]
    assert (execution["id"], execution["state"], execution["verdict"]) == (str(claim.execution_id), "done", "AC")
    (attempt,) = only().attempts
    assert (attempt.number, attempt.status, attempt.error, attempt.answer) == (1, 200, None, "thank you")
    assert attempt.duration_ms is not None
    assert (only().state, only().due_at) == (DeliveryState.DELIVERED, None)


def test_nothing_is_written_where_nobody_listens(finish: Finish, db: Database, rows: Rows) -> None:
    finish()
    assert deliveries.latest(db, 10) == []
    assert rows("SELECT announced FROM executions") == [{"announced": False}]


def test_an_endpoint_hears_of_what_it_asked_for(
    register: Callable[..., Webhook], finish: Finish, receiver: Receiving, db: Database, rows: Rows
) -> None:
    done = register(receiver.url("ok"), (Event.DONE,))
    cancelled = register(receiver.url("ok"), (Event.CANCELLED,))
    off = register(receiver.url("ok"))
    webhooks.update(db, off.id, None, Change(enabled=False))
    finish()
    assert [delivery.webhook_id for delivery in deliveries.latest(db, 10)] == [done.id]

    rows("UPDATE executions SET state = 'queued', verdict = NULL, finished_at = NULL")
    rows("UPDATE executions SET state = 'cancelled', finished_at = now()")
    newest = deliveries.latest(db, 10)[0]
    assert (newest.webhook_id, newest.event) == (cancelled.id, Event.CANCELLED)


def test_another_senders_endpoint_hears_nothing(
    db: Database, seals: Seals, finish: Finish, receiver: Receiving
) -> None:
    webhooks.create(db, seals, UUID(int=7), url=receiver.url("ok"), events=SUBSCRIBABLE, description="", secret=SECRET)
    finish()
    assert deliveries.latest(db, 10) == []


def test_the_row_is_there_however_an_execution_ends(
    submit: Callable[..., SubmissionView], db: Database, blobs: BlobStore, rows: Rows, receiver: Receiving
) -> None:
    view = submit(calling(receiver.url("ok?swept")))
    assert executions.claim(db, blobs, view.execution.id, worker="dead", lease_s=30) is not None
    rows("UPDATE executions SET lease_until = now() - interval '1 s', attempt = 3")

    executions.sweep(db, message_lost_s=30, max_attempts=3, no_host_s=600)

    assert len(deliveries.sweep(db, message_lost_s=30)) == 1
    assert deliveries.sweep(db, message_lost_s=30) == []


def test_whoever_ends_it_knows_what_to_send_and_asks_once(
    finish: Finish, db: Database, receiver: Receiving, only: Callable[[], Delivery]
) -> None:
    claim = finish(calling(receiver.url("ok")))
    assert deliveries.announced(db, claim.submission_id, claim.execution_id) == [only().id]
    assert deliveries.announced(db, claim.submission_id, claim.execution_id) == []
    assert deliveries.sweep(db, message_lost_s=30) == []
    assert deliveries.sweep(db, message_lost_s=0) == [only().id]


def test_they_are_announced_after_the_commit(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView], receiver: Receiving
) -> None:
    for count in (1, 60):  # in one statement, and in several
        many = replace(calling(receiver.url("ok")), test_cases=tuple(TestCase(n, str(n)) for n in range(count)))
        view = submit(many)
        claim = executions.claim(db, blobs, view.execution.id, worker="here", lease_s=30)
        assert claim is not None
        told: list[list[UUID]] = []
        results = tuple(TestResult(n, Verdict.OK) for n in range(count))
        outcome = Outcome(Verdict.OK, None, telemetry=ExecutionTelemetry(), results=results)

        def announced(own: Claim = claim, found: list[list[UUID]] = told) -> None:
            found.append(deliveries.announced(db, own.submission_id, own.execution_id))

        assert executions.finish(db, blobs, claim, outcome, announced)
        assert [len(found) for found in told] == [1]


def test_nothing_of_a_hidden_case_is_told(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, only: Callable[[], Delivery]
) -> None:
    cases = (TestCase(0, "seen"), TestCase(1, "SECRET-NAME", stdin=b"SECRET-INPUT", is_hidden=True))
    results = (
        TestResult(0, Verdict.AC, exit_code=0, usage=Usage(11, 12, 1_000_000)),
        TestResult(
            1, Verdict.RTE, "signal:11", exit_signal=11, stdout=b"SECRET-OUTPUT", usage=Usage(113, 227, 5_000_001)
        ),
    )
    new = replace(calling(receiver.url("ok?hidden")), test_cases=cases)
    finish(new, Verdict.RTE, reason="signal:11", message="SECRET-MESSAGE", results=results)

    deliverer.deliver(only().id)

    (request,) = receiver.requests("ok?hidden")
    assert "SECRET" not in request.body
    execution = json.loads(request.body)["data"]["execution"]
    assert (execution["verdict"], execution["reason"]) == ("RTE", "runtime")
    assert execution["usage"] == {"cpu_time_ms": 121, "wall_time_ms": 242, "memory_bytes": 5 * 1024 * 1024}
    assert (execution["tests_run"], execution["tests_passed"], execution["all_tests_passed"]) == (2, 1, False)


def test_it_tells_what_a_get_tells(
    deliverer: Deliverer,
    finish: Finish,
    db: Database,
    blobs: BlobStore,
    receiver: Receiving,
    only: Callable[[], Delivery],
) -> None:
    from app.schemas.response import submission_json  # noqa: PLC0415 - to compare with, not to be tested here

    cases = (TestCase(0, "a", points=3), TestCase(1, "b", is_hidden=True, points=4))
    results = (
        TestResult(0, Verdict.WA, "stdout", exit_code=0, usage=Usage(11, 12, None, "sampled"), points=0),
        TestResult(1, Verdict.AC, exit_code=0, usage=Usage(113, 227, 5), points=4),
    )
    new = replace(calling(receiver.url("ok?same")), test_cases=cases, metadata={"a": [1, None]}, problem_id="p")
    claim = finish(new, Verdict.WA, reason="stdout", results=results)
    shown = submission_json(submissions.get(db, blobs, claim.submission_id, None))

    deliverer.deliver(only().id)

    told = json.loads(receiver.requests("ok?same")[0].body)["data"]
    execution, whole = told.pop("execution"), shown.pop("execution")
    assert isinstance(whole, dict)
    assert execution == {name: whole[name] for name in execution}
    assert told == {name: shown[name] for name in told}


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
    finish: Finish,
    receiver: Receiving,
    only: Callable[[], Delivery],
    path: str,
    status: int | None,
    error: str,
) -> None:
    finish(calling(receiver.url(path)))
    deliverer.deliver(only().id)

    delivery = only()
    (attempt,) = delivery.attempts
    assert (delivery.state, attempt.status) == (DeliveryState.WAITING, status)
    assert attempt.error is not None
    assert error in attempt.error
    assert len(attempt.answer or "") <= attempts.MAX_ANSWER_CHARS
    assert delivery.due_at is not None
    assert 5 < (delivery.due_at - attempt.at).total_seconds() < 15
    deliverer.deliver(delivery.id)
    assert len(only().attempts) == 1  # it is not due


def test_waits_grow_and_the_day_ends(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, rows: Rows, only: Callable[[], Delivery]
) -> None:
    finish(calling(receiver.url("fail?day")))
    deliverer.deliver(only().id)
    waits = []
    while (due_at := only().due_at) is not None:
        waits.append((due_at - only().attempts[-1].at).total_seconds())
        # The clock stands: what lies ahead comes nearer instead.
        rows("UPDATE deliveries SET give_up_at = give_up_at - (due_at - now()), due_at = now()")
        deliverer.deliver(only().id)

    for wait, meant in zip(waits[:7], attempts.BACKOFF_S, strict=False):
        assert meant * 0.79 < wait < meant * 1.21
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


def test_what_is_asked_for_again_goes_out_under_its_id(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, db: Database, only: Callable[[], Delivery]
) -> None:
    finish(calling(receiver.url("ok?again")))
    deliverer.deliver(only().id)

    assert deliveries.redeliver(db, only().id, None).state is DeliveryState.WAITING
    deliverer.deliver(only().id)

    assert [request.id for request in receiver.requests("ok?again")] == [str(only().id)] * 2
    assert [attempt.number for attempt in only().attempts] == [1, 2]
    with pytest.raises(NotFound):
        deliveries.redeliver(db, only().id, UUID(int=7))


def test_a_ping_says_nothing(
    deliverer: Deliverer, register: Callable[..., Webhook], receiver: Receiving, db: Database
) -> None:
    webhook = register(receiver.url("ok?ping"))
    delivery = deliveries.ping(db, webhook.id, None)
    deliverer.deliver(delivery.id)
    (request,) = receiver.requests("ok?ping")
    told = Verifier(SECRET).verify(request.body, request.headers)
    assert (told["type"], told["data"]) == ("webhook.ping", {"webhook_id": str(webhook.id)})


def test_while_a_secret_is_replaced_both_sign(
    deliverer: Deliverer, register: Callable[..., Webhook], receiver: Receiving, db: Database, seals: Seals, rows: Rows
) -> None:
    webhook = register(receiver.url("ok?rotated"))
    other = signing.new_secret()
    assert webhooks.rotate(db, seals, webhook.id, None, other).previous_until is not None
    deliverer.deliver(deliveries.ping(db, webhook.id, None).id)
    rows("UPDATE webhooks SET previous_until = now() - interval '1 s'")
    deliverer.deliver(deliveries.ping(db, webhook.id, None).id)

    during, after = receiver.requests("ok?rotated")
    for secret in (SECRET, other):
        assert Verifier(secret).verify(during.body, during.headers)
    assert Verifier(other).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(after.body, after.headers)
    assert webhooks.get(db, webhook.id, None).previous_until is None


def test_a_url_that_settings_no_longer_allow_is_not_called(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, only: Callable[[], Delivery]
) -> None:
    finish(calling(receiver.url("ok?https")))
    strict = replace(deliverer, settings=replace(deliverer.settings, http=False))
    strict.deliver(only().id)
    (attempt,) = only().attempts
    assert attempt.error == "not called: it must start with https://"
    assert receiver.requests("ok?https") == []


def test_of_many_at_once_one_makes_the_attempt(
    db: Database,
    seals: Seals,
    finish: Finish,
    receiver: Receiving,
    only: Callable[[], Delivery],
    at_once: Callable[..., list[object]],
) -> None:
    finish(calling(receiver.url("ok")))
    delivery_id = only().id
    claims = at_once(6, lambda _: attempts.claim(db, seals, delivery_id))
    assert len([claim for claim in claims if claim is not None]) == 1


def test_a_lost_attempt_is_made_again_and_its_maker_changes_nothing(
    deliverer: Deliverer,
    db: Database,
    seals: Seals,
    finish: Finish,
    receiver: Receiving,
    rows: Rows,
    only: Callable[[], Delivery],
) -> None:
    finish(calling(receiver.url("ok?lost")))
    lost = attempts.claim(db, seals, only().id)
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
    db: Database, seals: Seals, finish: Finish, receiver: Receiving, rows: Rows, only: Callable[[], Delivery]
) -> None:
    finish(calling(receiver.url("ok?late")))
    late = attempts.claim(db, seals, only().id)
    rows("UPDATE deliveries SET lease_until = now() - interval '1 s'")
    other = attempts.claim(db, seals, only().id)
    assert late is not None
    assert other is not None
    assert (late.number, other.number, late.failures, other.failures) == (1, 2, 0, 1)

    assert attempts.record(db, late, Tried(40_000, 200)) is None
    assert only().state is DeliveryState.WAITING
    assert attempts.claim(db, seals, only().id) is None
    assert attempts.record(db, other, Tried(5, 200)) == "delivered"


def test_attempts_that_are_lost_again_and_again_end_with_the_day(
    db: Database, seals: Seals, finish: Finish, receiver: Receiving, rows: Rows, only: Callable[[], Delivery]
) -> None:
    finish(calling(receiver.url("ok")))
    assert attempts.claim(db, seals, only().id) is not None
    rows("UPDATE deliveries SET lease_until = now() - interval '1 s', give_up_at = now() - interval '1 s'")
    assert deliveries.sweep(db, message_lost_s=30) == []
    assert only().state is DeliveryState.FAILED


def test_secrets_are_sealed_each_for_its_row(
    register: Callable[..., Webhook],
    finish: Finish,
    receiver: Receiving,
    db: Database,
    seals: Seals,
    rows: Rows,
    only: Callable[[], Delivery],
) -> None:
    first, second = register(receiver.url("ok")), register(receiver.url("ok"))
    finish(calling(receiver.url("ok")))
    stored = rows("SELECT secret FROM webhooks UNION ALL SELECT callback_secret FROM submissions")
    for row in stored:
        assert isinstance(row["secret"], bytes)
        assert SECRET.encode() not in row["secret"]
    rows("UPDATE webhooks SET secret = (SELECT secret FROM webhooks WHERE id = %s) WHERE id = %s", first.id, second.id)
    ping = deliveries.ping(db, second.id, None)
    with pytest.raises(Unavailable, match="does not open"):
        attempts.claim(db, seals, ping.id)


def test_what_goes_over_its_turn_waits_for_one(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, db: Database, sent: list[UUID]
) -> None:
    for _ in range(4):
        finish(calling(receiver.url("slow?s=0.3")))
    finish(calling(f"http://localhost:{receiver.port}/ok?other"))
    other, *slow = [delivery.id for delivery in deliveries.latest(db, 10)]
    threads = [threading.Thread(target=deliverer.deliver, args=(delivery_id,)) for delivery_id in slow]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliverer.deliver(other)

    assert len(receiver.requests("slow?s=0.3")) == 2
    made = {found.id for found in deliveries.latest(db, 10) if found.state is DeliveryState.DELIVERED}
    assert set(sent) == set(slow) - made
    for delivery_id in list(sent):
        deliverer.deliver(delivery_id)
    assert len(receiver.requests("slow?s=0.3")) == 4


def test_the_log_is_forgotten_after_a_month(
    deliverer: Deliverer, finish: Finish, receiver: Receiving, db: Database, rows: Rows, only: Callable[[], Delivery]
) -> None:
    finish(calling(receiver.url("ok")))
    rows("UPDATE deliveries SET created_at = now() - interval '31 days'")
    deliveries.sweep(db, message_lost_s=30)
    assert only().state is DeliveryState.WAITING
    deliverer.deliver(only().id)
    deliveries.sweep(db, message_lost_s=30)
    assert deliveries.latest(db, 10) == []


def test_lists_are_read_page_by_page(
    register: Callable[..., Webhook], finish: Finish, receiver: Receiving, db: Database, owner: UUID
) -> None:
    webhook = register(receiver.url("ok"))
    claims = [finish() for _ in range(3)]
    whole = deliveries.of_webhook(db, webhook.id, owner, before=None, limit=10)
    assert [found.submission_id for found in whole] == [claim.submission_id for claim in reversed(claims)]
    pages = deliveries.of_webhook(db, webhook.id, owner, before=whole[0].place, limit=1)
    assert [found.id for found in pages] == [whole[1].id]
    (own,) = deliveries.of_submission(db, claims[0].submission_id, owner, before=None, limit=10)
    assert own.id == whole[2].id
    with pytest.raises(NotFound):
        deliveries.of_webhook(db, webhook.id, UUID(int=7), before=None, limit=10)
    with pytest.raises(NotFound):
        deliveries.of_submission(db, claims[0].submission_id, UUID(int=7), before=None, limit=10)

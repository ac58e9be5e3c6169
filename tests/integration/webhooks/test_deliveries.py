"""From the end of an execution to its receiver: what comes, who signed it, and the log."""

import json
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from domain import attempts, deliveries, signing, spans, submissions, webhooks
from domain.blobs import BlobStore
from domain.db import Database
from domain.deliveries import Delivery, DeliveryState
from domain.errors import NotFound, Unavailable
from domain.model import TestCase, TestResult, Usage
from domain.vault import Vault
from domain.verdict import Verdict
from domain.webhooks import Event, Webhook
from tests.integration.webhooks.conftest import SECRET, Finish, Rows, calling
from tests.integration.webhooks.receiving import Receiving
from tests.recording import Recorder
from workers.deliver import Deliverer


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


def test_its_span_names_no_host_that_somebody_chose(
    deliverer: Deliverer,
    finish: Finish,
    receiver: Receiving,
    only: Callable[[], Delivery],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(spans, "_recorder", recorder)
    finish(calling(receiver.url("ok?traced")))

    deliverer.deliver(only().id)

    (span,) = (one for one in recorder.kept if one.name == "POST")
    assert span.attributes == {"http.request.method": "POST", "http.response.status_code": 200, "shipd.attempt": 1}


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
    deliverer: Deliverer, register: Callable[..., Webhook], receiver: Receiving, db: Database, vault: Vault, rows: Rows
) -> None:
    webhook = register(receiver.url("ok?rotated"))
    other = signing.new_secret()
    assert webhooks.rotate(db, vault, webhook.id, None, other).previous_until is not None
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


def test_secrets_are_sealed_each_for_its_row(
    register: Callable[..., Webhook],
    finish: Finish,
    receiver: Receiving,
    db: Database,
    vault: Vault,
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
        attempts.claim(db, vault, ping.id)


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

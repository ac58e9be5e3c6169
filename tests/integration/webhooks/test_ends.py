"""What is to be delivered is written with the end of an execution, and by nothing else."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from uuid import UUID

from domain import deliveries, executions, notices, queue, regrade_end, regrade_start, webhooks
from domain.announce import announce
from domain.blobs import BlobStore
from domain.db import Database
from domain.deliveries import Delivery
from domain.model import Claim, ExecutionTelemetry, Outcome, TestCase, TestResult
from domain.regrade import Options
from domain.regrade_selection import Selection
from domain.settings import Settings
from domain.vault import Vault
from domain.verdict import Verdict
from domain.views import SubmissionView
from domain.webhooks import SUBSCRIBABLE, Change, Event, Webhook
from standalone import ports
from tests.integration.domain.regrading import PASSED, WRONG, Hands
from tests.integration.webhooks.conftest import SECRET, Finish, Rows, calling
from tests.integration.webhooks.receiving import Receiving


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
    db: Database, vault: Vault, finish: Finish, receiver: Receiving
) -> None:
    webhooks.create(db, vault, UUID(int=7), url=receiver.url("ok"), events=SUBSCRIBABLE, description="", secret=SECRET)
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


def test_what_could_not_be_sent_goes_out_with_the_next_sweep(
    finish: Finish, db: Database, receiver: Receiving, only: Callable[[], Delivery]
) -> None:
    claim = finish(calling(receiver.url("ok")))
    nowhere = f"redis://127.0.0.1:{ports.choose(1)[0]}/0"
    with closing(queue.make_celery(Settings("postgresql://unused", nowhere, nowhere))) as celery:
        announce(celery, db, claim.submission_id, claim.execution_id)
    assert deliveries.sweep(db, message_lost_s=3600) == [only().id]
    assert deliveries.sweep(db, message_lost_s=3600) == []


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

        assert executions.finish(db, blobs, claim, outcome, announced=announced)
        assert [len(found) for found in told] == [1]


def test_a_regrade_is_told_where_it_is_applied_and_the_verdict_is_another_one(
    register: Callable[..., Webhook],
    submit: Callable[..., SubmissionView],
    receiver: Receiving,
    db: Database,
    blobs: BlobStore,
) -> None:
    listening = register(receiver.url("ok"), (Event.REGRADED,))
    register(receiver.url("ok"), (Event.CANCELLED,))
    hands = Hands(db, blobs, submit)
    first, _ = hands.many([PASSED, PASSED])
    made = regrade_start.start(db, Selection(verdicts=(Verdict.AC,)), Options(), "tests")
    hands.regrade({first: WRONG})
    assert deliveries.latest(db, 10) == []

    regrade_end.apply(db, made.id, "tests")

    (delivery,) = deliveries.latest(db, 10)
    assert (delivery.webhook_id, delivery.submission_id, delivery.event) == (listening.id, first, Event.REGRADED)
    assert delivery.execution_id is not None
    ended = notices.read(db, delivery.execution_id)
    assert ended is not None
    told = json.loads(notices.of_execution(delivery.event, ended))
    assert (told["type"], told["data"]["execution"]["verdict"]) == ("execution.regraded", "WA")
    assert deliveries.sweep(db, message_lost_s=30) == [delivery.id]

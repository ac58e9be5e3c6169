"""Webhooks through the queue: a worker, a sweeper, a process that delivers, and a receiver; some of them killed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from standardwebhooks import Webhook as Verifier

from domain import deliveries, queue, signing, submissions, webhooks
from domain.db import Database
from domain.deliveries import Delivery, DeliveryState
from domain.model import Callback, File, Submission, TestCase
from domain.vault import Vault
from domain.webhooks import SUBSCRIBABLE
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet
from tests.integration.webhooks.receiving import Receiving, receiving
from tests.waiting import eventually

SECRET = signing.new_secret()
Start = Callable[..., ProcessContainer]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    with receiving(tmp_path_factory.mktemp("receiver")) as running:
        yield running


@pytest.fixture(scope="module")
def delivering(host: Start, receiver: Receiving) -> Iterator[ProcessContainer]:
    """The process that delivers: two at a time to one host, four in all."""
    settings = {
        "SHIPD_WEBHOOK_HTTP": "on",
        "SHIPD_WEBHOOK_PORTS": str(receiver.port),
        "SHIPD_WEBHOOK_ALLOW": "127.0.0.1/32",
        "SHIPD_WEBHOOK_THREADS": "4",
        "SHIPD_WEBHOOK_PER_HOST": "2",
    }
    container = host("deliver", "deliver", **settings)
    yield container
    container.teardown()


@pytest.fixture
def deliver(delivering: ProcessContainer) -> ProcessContainer:
    """The same, up and ready, whatever an earlier test did to it."""
    if delivering.status != "running":
        delivering.start()
    assert delivering.ready()
    return delivering


def submit(fleet: Fleet, url: str) -> UUID:
    new = Submission(
        language="python",
        sources=(File("main.py", b"print(1)"),),
        entry_point="main.py",
        test_cases=(TestCase(0, "only"),),
        callback=Callback(url, SECRET),
    )
    view = submissions.create(
        fleet.db,
        fleet.blobs,
        new,
        owner_id=fleet.owner,
        submission_id=None,
        body_sha256=bytes(32),
        enqueue=fleet.send,
    )
    return view.id


def only(fleet: Fleet, submission_id: UUID) -> Delivery | None:
    found = deliveries.of_submission(fleet.db, submission_id, None, before=None, limit=2)
    assert len(found) < 2
    return found[0] if found else None


def in_state(fleet: Fleet, submission_id: UUID, state: DeliveryState) -> Delivery:
    def look() -> Delivery | None:
        found = only(fleet, submission_id)
        return found if found is not None and found.state is state else None

    return eventually(look)


def test_the_end_of_a_submission_is_told(fleet: Fleet, deliver: ProcessContainer, receiver: Receiving) -> None:
    submission_id = submit(fleet, receiver.url("ok?told"))
    delivery = in_state(fleet, submission_id, DeliveryState.DELIVERED)
    (request,) = receiver.requests("ok?told")
    told = Verifier(SECRET).verify(request.body, request.headers)
    assert (told["data"]["id"], told["data"]["execution"]["verdict"]) == (str(submission_id), "OK")
    assert request.id == str(delivery.id)
    assert SECRET not in deliver.logs()


def test_a_killed_process_delivers_again_under_the_same_id(
    fleet: Fleet, deliver: ProcessContainer, receiver: Receiving, rows: Callable[..., object], tmp_path: Path
) -> None:
    may_answer = tmp_path / "may-answer"
    path = f"hold?until={may_answer}"
    submission_id = submit(fleet, receiver.url(path))
    eventually(lambda: receiver.requests(path))
    deliver.kill()
    may_answer.touch()
    lost = only(fleet, submission_id)
    assert lost is not None
    assert (lost.state, [one.duration_ms for one in lost.attempts]) == (DeliveryState.WAITING, [None])

    deliver.start()
    # Its lease, and the time after which a message counts as lost, are over: as if half a minute had passed.
    rows("UPDATE deliveries SET lease_until = now() - interval '1 s', sent_at = now() - interval '1 minute'")

    made = in_state(fleet, submission_id, DeliveryState.DELIVERED)
    assert [(one.number, one.status) for one in made.attempts] == [(1, None), (2, 200)]
    assert [request.id for request in receiver.requests(path)] == [str(made.id)] * 2


def test_what_is_due_without_a_message_is_swept(
    fleet: Fleet, deliver: ProcessContainer, receiver: Receiving, rows: Callable[..., object]
) -> None:
    submission_id = submit(fleet, receiver.url("flaky?times=2"))
    for number in (1, 2):
        eventually(lambda number=number: len(_ended(fleet, submission_id)) == number)  # type: ignore[misc] # of this turn
        waiting = only(fleet, submission_id)
        assert waiting is not None
        assert waiting.state is DeliveryState.WAITING
        rows("UPDATE deliveries SET due_at = now()")

    made = in_state(fleet, submission_id, DeliveryState.DELIVERED)

    assert [one.status for one in made.attempts] == [503, 503, 204]


def _ended(fleet: Fleet, submission_id: UUID) -> list[object]:
    found = only(fleet, submission_id)
    return [one for one in found.attempts if one.duration_ms is not None] if found is not None else []


def test_it_stops_in_order(deliver: ProcessContainer) -> None:
    deliver.kill("SIGTERM")
    assert deliver.wait(20) == 0


def test_a_receiver_that_hangs_holds_up_no_other(
    fleet: Fleet, deliver: ProcessContainer, receiver: Receiving, db: Database
) -> None:
    hanging = _register(db, UUID(int=1), receiver.url("hang"))
    # `localhost` is another host to whoever takes turns; its address may be ::1, which is refused: answered at once.
    other = _register(db, UUID(int=2), receiver.url("ok?quick").replace("127.0.0.1", "localhost"))
    for _ in range(6):
        queue.deliver(fleet.celery, deliveries.ping(db, hanging, None).id)
    eventually(lambda: len(receiver.requests("hang")) == 2)

    ping = deliveries.ping(db, other, None)
    queue.deliver(fleet.celery, ping.id)

    eventually(lambda: deliveries.get(db, ping.id, None).attempts)
    assert len(receiver.requests("hang")) == 2
    deliver.kill()  # it would wait for what hangs


def _register(db: Database, owner: UUID, url: str) -> UUID:
    made = webhooks.create(db, Vault(db), owner, url=url, events=SUBSCRIBABLE, description="", secret=SECRET)
    return made.id


def test_it_needs_an_address_for_all_that_is_the_platforms(host: Start) -> None:
    lost = host("lost", "deliver", SHIPD_NETWORK_DENY="nothing.invalid")
    assert lost.wait(60) == 1
    assert "deliverer_unfit" in lost.logs()

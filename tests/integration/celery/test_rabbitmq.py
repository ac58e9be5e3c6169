"""The same platform over RabbitMQ: one broker, one sweeper and one worker of one slot for all tests of this file."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from uuid import UUID

import amqp
import pytest
from celery import Celery
from click.testing import CliRunner
from pytest_celery import CeleryTestWorker

from app.cli import main
from domain import queue
from domain.blobs import BlobStore
from domain.db import Database
from domain.model import Priority
from domain.settings import Settings
from domain.verdict import State, Verdict
from standalone import ports
from tests.integration.celery.conftest import StandIns, Start, end_worker
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, empty, sleeping
from tests.rabbitmq import RabbitMQ
from tests.waiting import eventually

Shipd = Callable[..., str]


@pytest.fixture(scope="module")
def rabbit(folder: Path) -> Iterator[RabbitMQ]:
    server = RabbitMQ(folder / "rabbitmq", ports.choose(1)[0])
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def rabbit_environ(environ: Mapping[str, str], rabbit: RabbitMQ) -> Mapping[str, str]:
    return {**environ, "BROKER_URL": rabbit.url}


@pytest.fixture(scope="module")
def app(rabbit_environ: Mapping[str, str]) -> Iterator[Celery]:
    """What the API sends with."""
    made = queue.make_celery(Settings.from_environment(rabbit_environ))
    yield made
    made.close()


@pytest.fixture(scope="module")
def nobody_else(sweeper: ProcessContainer, celery_worker: CeleryTestWorker, stand_ins: StandIns) -> None:
    """Those who listen to Redis would send there what is swept here."""
    stand_ins.end()
    for container in (sweeper, celery_worker.container):
        end_worker(container)


@pytest.fixture(scope="module")
def rabbit_sweeper(nobody_else: None, host: Start, rabbit: RabbitMQ) -> Iterator[ProcessContainer]:
    del nobody_else
    # Nothing is sent a second time: what the broker loses is lost.
    container = host("rabbit-sweeper", "beat", BROKER_URL=rabbit.url, SHIPD_MESSAGE_LOST_S="3600")
    yield container
    container.teardown()


@pytest.fixture(scope="module")
def worker(rabbit_sweeper: ProcessContainer, host: Start, rabbit: RabbitMQ) -> Iterator[ProcessContainer]:
    del rabbit_sweeper
    container = host("rabbit-worker", BROKER_URL=rabbit.url, SHIPD_HELP="on")
    yield container
    container.teardown()


@pytest.fixture
def fleet(app: Celery, db: Database, blobs: BlobStore, owner: UUID, worker: ProcessContainer) -> Fleet:
    empty(db)
    if worker.status != "running":
        worker.start()
    worker.ready()
    return Fleet(app, db, blobs, owner)


@pytest.fixture
def shipd(rabbit_environ: Mapping[str, str]) -> Shipd:
    """Run the operator's command."""

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, arguments, env={**rabbit_environ, "COLUMNS": "300"}, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return run


def there(app: Celery, name: str) -> bool:
    """Whether RabbitMQ has a queue of this name."""
    with app.connection_for_read() as connection:
        try:
            connection.default_channel.queue_declare(queue=name, passive=True)
        except amqp.NotFound:
            return False
    return True


def test_it_works(fleet: Fleet, app: Celery) -> None:
    execution = fleet.done(fleet.submit(sleeping(0)))

    assert (execution.verdict, execution.attempt) == (Verdict.AC, 1)
    assert set(queue.lengths(app)) == {*queue.QUEUES, queue.WEBHOOKS}


def test_what_is_urgent_goes_first_though_it_came_last(fleet: Fleet, worker: ProcessContainer) -> None:
    held = fleet.submit(sleeping(60))
    fleet.running(held, worker)
    ids = {one: fleet.submit(sleeping(0), one) for one in reversed(Priority)}
    fleet.cancel(held)

    begun = {one: fleet.done(submission).started_at for one, submission in ids.items()}

    assert sorted(begun, key=lambda one: str(begun[one])) == list(Priority)


def test_what_a_killed_worker_held_is_graded_once(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(5))
    fleet.running(submission, worker)
    worker.kill_all()
    worker.start()

    execution = fleet.done(submission)

    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 2, 1)
    worker.ready()


def test_a_restarted_broker_has_lost_nothing_and_nobody(
    fleet: Fleet, worker: ProcessContainer, rabbit: RabbitMQ
) -> None:
    held = fleet.submit(sleeping(5))
    fleet.running(held, worker)
    queued = [fleet.submit(sleeping(0), Priority.BULK) for _ in range(3)]

    rabbit.kill()
    rabbit.start()

    executions = [fleet.done(submission) for submission in (held, *queued)]
    assert [(execution.verdict, execution.attempt) for execution in executions] == [(Verdict.AC, 1)] * 4


def test_an_operator_sees_and_pauses_queues(fleet: Fleet, worker: ProcessContainer, shipd: Shipd) -> None:
    eventually(lambda: "1 workers know" in shipd("queues", "pause", "normal"))
    eventually(lambda: "queue_paused" in worker.logs())
    eventually(lambda: fleet.takes_from("rabbit-worker", "normal") is False)
    waiting = fleet.submit(sleeping(0))
    urgent = fleet.submit(sleeping(0), Priority.INTERACTIVE)
    assert fleet.done(urgent).verdict is Verdict.AC
    assert fleet.execution(waiting).state is State.QUEUED
    eventually(lambda: '"normal": 1' in shipd("queues", "list", "--json") or None)

    eventually(lambda: "1 workers know" in shipd("queues", "resume", "normal"))

    assert fleet.done(waiting).verdict is Verdict.AC
    # Copies of what was sent again while the broker was away are taken, and refused, after a moment.
    eventually(lambda: '"bulk": 0' in shipd("queues", "list", "--json") or None)
    assert "0 messages thrown away" in shipd("queues", "purge", "bulk", "--yes")


def test_flower_is_told(fleet: Fleet, app: Celery) -> None:
    told: list[str] = []
    assert there(app, "help.rabbit-worker")
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": lambda event: told.append(event["type"])})
        eventually(lambda: app.control.enable_events(reply=True, timeout=3, limit=1))
        with receiver.consumer_context() as (own, *_):
            fleet.submit(sleeping(0))

            def has_succeeded() -> bool:
                with contextlib.suppress(TimeoutError):  # nothing was told for a while
                    own.drain_events(timeout=3)
                return "task-succeeded" in told

            eventually(has_succeeded)
    assert {"task-received", "task-started"} <= set(told)

    assert there(app, "normal")
    assert not there(app, "celery_delayed_0")

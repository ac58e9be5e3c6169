import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from structlog.testing import capture_logs

from domain import absence, queue, queue_names, rabbitmq
from domain import broker as broker_module
from domain.ids import new_id
from domain.model import Priority
from domain.settings import Settings
from standalone import ports
from standalone.servers import Valkey


def _celery(url: str) -> Celery:
    return queue.make_celery(Settings(database_url="postgresql://unused", redis_url=url, broker_url=url))


@pytest.fixture
def broker(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def celery(broker: redis.Redis, redis_url: str) -> Iterator[Celery]:
    app = _celery(redis_url)
    yield app
    app.close()


@pytest.mark.parametrize("priority", list(Priority))
def test_it_works(celery: Celery, broker: redis.Redis, priority: Priority) -> None:
    execution_id = new_id()

    queue.enqueue(celery, execution_id, priority)

    message = json.loads(str(broker.lindex(priority.value, 0)))
    assert message["headers"]["task"] == queue.TASK_GRADE
    assert str(execution_id) in message["headers"]["argsrepr"]
    assert message["headers"]["ignore_result"]


def test_many_are_sent_in_one_go(celery: Celery, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    executions = [(new_id(), (Priority.BULK, Priority.NORMAL)[n % 2]) for n in range(1000)]
    queue.enqueue_all(celery, executions[:2])  # connected now
    broker.flushall()
    monkeypatch.setattr(redis.Redis, "execute_command", _never)

    queue.enqueue_all(celery, executions)

    monkeypatch.undo()
    for priority in (Priority.BULK, Priority.NORMAL):
        messages = [json.loads(text) for text in reversed(broker.lrange(priority.value, 0, -1))]
        asked = [str(execution_id) for execution_id, of in executions if of is priority]
        assert [re.search(r"'(.*)'", message["headers"]["argsrepr"])[1] for message in messages] == asked  # type: ignore[index]


def _never(*_: object, **__: object) -> None:
    raise AssertionError("a command was sent by itself")


def test_a_delivery_has_a_queue_of_its_own(celery: Celery, broker: redis.Redis) -> None:
    delivery_id = new_id()

    queue.deliver(celery, delivery_id)

    message = json.loads(str(broker.lindex(queue.WEBHOOKS, 0)))
    assert message["headers"]["task"] == queue.TASK_DELIVER
    assert str(delivery_id) in message["headers"]["argsrepr"]


def test_the_most_urgent_queue_is_read_first(celery: Celery, broker: redis.Redis) -> None:
    for priority in (Priority.BULK, Priority.NORMAL, Priority.INTERACTIVE):
        for _ in range(2):
            queue.enqueue(celery, new_id(), priority)
    received: list[str] = []

    with celery.connection_for_read() as connection:
        consumer = celery.amqp.TaskConsumer(connection.default_channel, on_message=lambda m: _take(m, received))
        consumer.qos(prefetch_count=1)
        with consumer:
            for _ in range(6):
                connection.drain_events(timeout=10)

    assert received == ["interactive", "interactive", "normal", "normal", "bulk", "bulk"]


def _take(message: object, received: list[str]) -> None:
    received.append(message.delivery_info["routing_key"])  # type: ignore[attr-defined]
    message.ack()  # type: ignore[attr-defined]


def test_a_broker_that_is_away_is_logged_and_does_not_fail_the_sender() -> None:
    app = _celery(f"redis://127.0.0.1:{ports.choose(1)[0]}/0")
    execution_id = new_id()

    with capture_logs() as logs:
        queue.enqueue(app, execution_id, Priority.NORMAL)

    assert [(line["event"], line["execution_id"]) for line in logs] == [("enqueue_failed", str(execution_id))]
    app.close()


def test_many_for_a_broker_that_is_away_are_logged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "SLOW_S", 60)  # else a slow machine's server that is back is left alone for a moment
    server = Valkey(tmp_path, ports.choose(1)[0])
    app = _celery(server.url)
    executions = [(new_id(), Priority.NORMAL)] * 3
    with capture_logs() as logs:
        queue.enqueue_all(app, executions)
        with server:
            queue.enqueue_all(app, executions)
        queue.enqueue_all(app, executions)  # a connection that was there is not any more
        with server, redis.Redis.from_url(server.url) as client:
            client.delete("normal")
            queue.enqueue_all(app, executions)
            assert client.llen("normal") == 3

    assert [(line["event"], line["executions"]) for line in logs] == [("enqueue_failed", 3)] * 2
    app.close()


def test_it_sends_again_once_the_broker_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "SLOW_S", 60)
    server = Valkey(tmp_path, ports.choose(1)[0])
    app = _celery(server.url)
    with server:
        queue.enqueue(app, new_id(), Priority.NORMAL)
    with capture_logs() as logs:
        queue.enqueue(app, new_id(), Priority.NORMAL)
    with server, redis.Redis.from_url(server.url) as client:
        client.delete("normal")
        queue.enqueue(app, new_id(), Priority.NORMAL)
        assert client.llen("normal") == 1

    assert [line["event"] for line in logs] == ["enqueue_failed"]
    app.close()


def test_workers_take_one_message_at_a_time_and_acknowledge_late(celery: Celery) -> None:
    assert celery.conf.task_acks_late
    assert celery.conf.task_reject_on_worker_lost
    assert celery.conf.worker_prefetch_multiplier == 1
    assert celery.conf.broker_transport_options["visibility_timeout"] == 7200
    assert celery.conf.accept_content == ["json"]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_hangs_is_logged_and_holds_one_sender_for_a_moment_and_no_other(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr(queue, "ANSWER_S", 0.5)
    monkeypatch.setattr(absence, "PAUSE_S", 60)
    with socket.create_server(("127.0.0.1", 0)) as hung, capture_logs() as logs:
        app = _celery(f"{scheme}://127.0.0.1:{hung.getsockname()[1]}/0")
        for _ in range(3):
            queue.enqueue(app, new_id(), Priority.NORMAL)
        queue.enqueue_all(app, [(new_id(), Priority.NORMAL)])
        app.close()

    assert [line["event"] for line in logs] == ["enqueue_failed"] * 4
    assert ["a moment ago" in line["error"] for line in logs] == [False, True, True, True]


def test_of_rabbitmq_queues_are_quorum_queues_and_those_of_a_host_go_with_it() -> None:
    app = _celery("amqp://127.0.0.1:1//")
    made = {name: found.queue_arguments or {} for name, found in app.amqp.queues.items()}

    kinds = {name: arguments.get("x-queue-type") for name, arguments in made.items()}
    [own] = [name for name in kinds if name.startswith("help.")]
    taken = queue_names.taken_by(own.removeprefix("help."), "default")
    assert kinds == dict.fromkeys((*taken, queue.WEBHOOKS), "quorum") | {own: None}
    assert app.amqp.queues[own].expires == rabbitmq.DESERTED_S
    assert "visibility_timeout" not in app.conf.broker_transport_options
    assert app.conf.broker_transport_options["confirm_publish"]
    app.close()


def test_a_channel_makes_one_client_for_all_its_messages(celery: Celery) -> None:
    with celery.connection_for_write() as connection:
        channel = connection.default_channel
        assert isinstance(connection.transport, broker_module.Transport)
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second
        channel._disconnect_pools()
        with channel.conn_or_acquire() as anew:
            assert anew is not first
            assert anew.ping()

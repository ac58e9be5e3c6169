"""The queue: Celery's configuration, the names of tasks and queues, and how an execution is sent.

A message carries an execution's id, and as a header the trace of who sent it, and is a hint only: PostgreSQL knows what
is queued, and the sweeper sends again what was lost. Which queue an execution goes to says `domain/router.py`; workers
take from those of their region and of their host (`domain/queue_names.py`), most urgent first, and last from one where
other hosts ask for help. Deliveries of webhooks go the same way, to WEBHOOKS. What is sent without a row that says so
would be lost: whoever sends does it by `domain/outbox.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import BatchPublishError, KombuError, OperationalError

from domain import absence, broker, broker_tls, counted, queue_names, rabbitmq, spans, tracing
from domain.errors import Unavailable
from domain.limits import VISIBILITY_TIMEOUT_S
from domain.logging import logger
from domain.model import Priority
from domain.queue_order import UrgentFirst
from domain.settings import Settings
from domain.spans import Attributes, Kind, Span

TASK_GRADE = "shipd.grade"
TASK_HELP = "shipd.help"
TASK_DELIVER = "shipd.deliver"
TASK_CHECK_PROBLEM = "shipd.check_problem"
WEBHOOKS = "webhooks"
"""Deliveries, which have a process of their own: a receiver that hangs must not hold up grading."""
QUEUES = (Priority.INTERACTIVE.value, Priority.NORMAL.value, Priority.BULK.value)
"""Those of the default region, most urgent first: a later one waits while an earlier one holds anything."""
LOOK_AGAIN = "shipd_look_again"
"""Tells workers that PostgreSQL says something new of what they may take: a queue is paused, a host drains."""

CONNECT_S = 1.0
"""How long a POST waits for a broker that does not take connections."""
ANSWER_S = 3.0
"""How long one that takes connections may take to answer; a worker's longest question to it lasts 1 s."""

log = logger(__name__)


def make_celery(settings: Settings) -> Celery:
    """Make the Celery application that API (sending), workers and beat share."""
    broker.use()
    celery = Celery("shipd", broker=settings.broker_url, set_as_current=False)
    if rabbitmq.named(settings.broker_url):
        celery.conf.update(rabbitmq.LASTING)
    celery.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_serializer="json",
        task_ignore_result=True,
        enable_utc=True,
        timezone="UTC",
        task_queues=_queues(settings),
        task_default_queue=Priority.NORMAL.value,
        task_create_missing_queues=False,
        # A message is acknowledged when its work is done; if its worker is killed it is delivered again.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=True,
        worker_prefetch_multiplier=1,
        # How long a result is awaited from a pool process that died: there are none, and the slot is idle meanwhile.
        worker_lost_wait=1.0,
        worker_hijack_root_logger=False,
        broker_use_ssl=broker_tls.of(settings.broker_url),
        # A worker outlives its broker: it waits for it at start, and keeps what it is grading when it goes away.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_timeout=CONNECT_S,
        broker_heartbeat=rabbitmq.HEARTBEAT_S,
        broker_transport_options=_transport_options(settings.broker_url),
    )
    return celery


def enqueue(celery: Celery, execution_id: UUID, name: str) -> bool:
    """Send an execution to a queue; False, and logged, where the broker is away."""
    try:
        with _sending(TASK_GRADE, str(name), {"shipd.execution_id": str(execution_id)}), _asked(celery):
            _send(celery, execution_id, name)
    except OperationalError as error:
        log.warning("enqueue_failed", execution_id=str(execution_id), queue=str(name), error=str(error))
        return False
    return True


def enqueue_all(celery: Celery, executions: Sequence[tuple[UUID, str]]) -> bool:
    """Send many executions in one go, as `enqueue` sends one; where it fails, some may have been sent."""
    try:
        many: Attributes = {"messaging.batch.message_count": len(executions)}
        sending = _sending(TASK_GRADE, None, many) if executions else nullcontext()
        with sending, _asked(celery), celery.producer_or_acquire() as producer, producer.batch():
            for execution_id, name in executions:
                _send(celery, execution_id, name, producer=producer)
    except (OperationalError, BatchPublishError) as error:
        log.warning("enqueue_failed", executions=len(executions), error=str(error))
        return False
    return True


def _send(celery: Celery, execution_id: UUID, name: str, **options: object) -> None:
    celery.send_task(
        TASK_GRADE,
        args=[str(execution_id)],
        queue=_queue(celery.conf.broker_url, str(name)),
        ignore_result=True,
        headers=tracing.headers(),
        **_how(celery),
        **options,
    )


def _sending(task: str, queue: str | None, attributes: Attributes) -> AbstractContextManager[Span]:
    """Record that something is sent: what is done because of it belongs to this span."""
    known: Attributes = {
        "messaging.system": "celery",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": queue,
        "shipd.task": task,
        **attributes,
    }
    return spans.span("enqueue", known, Kind.PRODUCER)


def lengths(celery: Celery, names: Iterable[str] = QUEUES) -> Mapping[str, int]:
    """Count the messages that no worker has taken, by queue: of these and of WEBHOOKS. Raises Unavailable."""
    with told_away(celery), celery.connection_for_read() as connection:
        channel = connection.default_channel
        asked = dict.fromkeys((*names, WEBHOOKS))
        return {name: _length(celery, channel, name) for name in asked}


def _length(celery: Celery, channel: Any, name: str) -> int:
    if not rabbitmq.named(celery.conf.broker_url):
        return int(channel.queue_declare(queue=name).message_count)
    # Without its arguments it would be made as a queue of another kind.
    rabbitmq.queue(name)(channel).declare()  # type: ignore[no-untyped-call] # kombu types only some
    return int(channel.queue_declare(queue=name, passive=True).message_count)


def ask(celery: Celery) -> None:
    """Connect to the broker. Raises Unavailable."""
    with told_away(celery), celery.connection_for_write() as connection:
        connection.connect()


def discard(celery: Celery, names: Iterable[str]) -> int:
    """Throw away all messages of queues, and give how many. Raises Unavailable."""
    with told_away(celery), celery.connection_for_write() as connection:
        return sum(int(connection.default_channel.queue_purge(queue=name)) for name in names)


def tell_to_look(celery: Celery, hosts: Sequence[str]) -> int:
    """Tell workers to look at what they may take, and give how many answer; others look within a heartbeat.

    Raises Unavailable.
    """
    workers = [worker_of(host) for host in hosts]
    if not workers:
        return 0
    # A connection of its own: one that was kept may be from before a restart of the broker.
    with told_away(celery), celery.connection_for_write() as connection:
        waiting = {"reply": True, "timeout": ANSWER_S, "limit": len(workers), "connection": connection}
        return len(celery.control.broadcast(LOOK_AGAIN, destination=workers, **waiting) or ())


@contextmanager
def _asked(celery: Celery) -> Iterator[None]:
    """Send something, unless the broker did not answer a moment ago. Raises OperationalError."""
    known = absence.of(celery.conf.broker_url)
    if not known.may_ask():
        raise OperationalError("the broker did not answer a moment ago, and is asked again in a second")
    try:
        with counted.BROKER.timed(), known.asked():
            yield
    except Exception:
        counted.BROKER_AWAY.add()
        raise


@contextmanager
def told_away(celery: Celery) -> Iterator[None]:
    """Tell of a broker that does not answer. Raises Unavailable."""
    away = (KombuError, redis.RedisError, OSError, *celery.connection_for_write().connection_errors)
    try:
        yield
    except away as error:
        raise Unavailable(f"the broker does not answer: {error}; check BROKER_URL and that it runs") from error


def worker_of(host: str) -> str:
    """Name a host's worker as Celery knows it."""
    return f"shipd@{host}"


def help_queue(host: str) -> str:
    """Name the queue of offers to help another host, for this one alone."""
    return f"help.{host}"


def ask_for_help(celery: Celery, host: str, execution_id: UUID, attempt: int, *words: str) -> bool:
    """Ask a host to help with an execution that is being graded; False where the broker is away."""
    try:
        with _sending(TASK_HELP, help_queue(host), {"shipd.execution_id": str(execution_id)}), _asked(celery):
            celery.send_task(
                TASK_HELP,
                args=[str(execution_id), attempt, *words],
                queue=_of_host(celery.conf.broker_url, host),
                ignore_result=True,
                headers=tracing.headers(),
                **{**_how(celery), "declare": ()},  # where it is not there, neither is the host
            )
    except OperationalError as error:
        log.warning("help_not_asked_for", host=host, error=str(error))
        return False
    return True


def _queues(settings: Settings) -> list[Queue]:
    """List what a process of these settings may take from."""
    own = queue_names.taken_by(settings.host_name, settings.region)
    shared = [_queue(settings.broker_url, name) for name in dict.fromkeys((*QUEUES, *own, WEBHOOKS))]
    return [*shared, _of_host(settings.broker_url, settings.host_name)]


@lru_cache(4096)
def _queue(broker_url: str, name: str) -> Queue:
    if rabbitmq.named(broker_url):
        return rabbitmq.queue(name)
    return Queue(name, routing_key=name)  # type: ignore[no-untyped-call]


def _of_host(broker_url: str, host: str) -> Queue:
    name = help_queue(host)
    return rabbitmq.hosts_own(name) if rabbitmq.named(broker_url) else _queue(broker_url, name)


def _how(celery: Celery) -> Mapping[str, object]:
    """Say how a message is sent. Redis needs no queue to be declared, and to make one ready is a quarter of sending."""
    if rabbitmq.named(celery.conf.broker_url):
        return rabbitmq.sending(answer_s=ANSWER_S)
    return {"retry": False, "declare": ()}


def deliver(celery: Celery, delivery_id: UUID) -> bool:
    """Send a delivery to the queue; False, and logged, where the broker is away."""
    try:
        with _sending(TASK_DELIVER, WEBHOOKS, {"shipd.delivery_id": str(delivery_id)}), _asked(celery):
            celery.send_task(
                TASK_DELIVER,
                args=[str(delivery_id)],
                queue=WEBHOOKS,
                ignore_result=True,
                headers=tracing.headers(),
                **_how(celery),
            )
    except OperationalError as error:
        log.warning("deliver_not_sent", delivery_id=str(delivery_id), error=str(error))
        return False
    return True


def check_problem(celery: Celery, version_id: UUID, name: str = Priority.NORMAL.value) -> bool:
    """Send a version of a problem to a queue, to be checked; False, and logged, where the broker is away."""
    try:
        with _sending(TASK_CHECK_PROBLEM, str(name), {"shipd.problem_version_id": str(version_id)}), _asked(celery):
            celery.send_task(
                TASK_CHECK_PROBLEM,
                args=[str(version_id)],
                queue=_queue(celery.conf.broker_url, name),
                ignore_result=True,
                headers=tracing.headers(),
                **_how(celery),
            )
    except OperationalError as error:
        log.warning("check_problem_not_sent", version_id=str(version_id), error=str(error))
        return False
    return True


def _transport_options(broker_url: str) -> dict[str, object]:
    if rabbitmq.named(broker_url):
        own = rabbitmq.options(answer_s=ANSWER_S)
    else:
        own = {
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "queue_order_strategy": f"{UrgentFirst.__module__}:{UrgentFirst.__name__}",
            "socket_connect_timeout": CONNECT_S,
            "socket_timeout": ANSWER_S,
        }
    return {
        **own,
        # What connecting to send may take in all; without it kombu would try for ever.
        "max_retries": 0,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
        "connect_retries_timeout": CONNECT_S,
    }

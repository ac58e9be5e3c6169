"""The queue: Celery's configuration, the names of tasks and queues, and how an execution is sent.

A message carries an execution's id, and as a header the trace of who sent it, and is a hint only: PostgreSQL knows what
is queued, and the sweeper sends again what was lost. Workers listen to all of QUEUES, in this order:
`-Q control,interactive,normal,bulk`, and last to one of their host's, where other hosts ask for help. Deliveries of
webhooks go the same way, to WEBHOOKS.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from uuid import UUID

import redis
from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import BatchPublishError, OperationalError

from domain import broker, spans, tracing
from domain.errors import Unavailable
from domain.limits import VISIBILITY_TIMEOUT_S
from domain.logging import logger
from domain.model import Priority
from domain.settings import Settings
from domain.spans import Attributes, Kind, Span

TASK_GRADE = "shipd.grade"
TASK_SWEEP = "shipd.sweep"
TASK_REGRADE = "shipd.regrade"
TASK_HELP = "shipd.help"
TASK_DELIVER = "shipd.deliver"
TASK_CHECK_PROBLEM = "shipd.check_problem"
CONTROL = "control"
WEBHOOKS = "webhooks"
"""Deliveries, which have a process of their own: a receiver that hangs must not hold up grading."""
QUEUES = (CONTROL, Priority.INTERACTIVE.value, Priority.NORMAL.value, Priority.BULK.value)
"""Most urgent first: Redis is asked in this order, and a later queue waits while an earlier one holds anything."""

REGRADE_S = 1.0
"""How often regrades are looked at besides; while one runs, workers that end its executions look too."""

CONNECT_S = 1.0
"""How long a POST waits for a broker that does not take connections."""
ANSWER_S = 3.0
"""How long one that takes connections may take to answer; a worker's longest question to it lasts 1 s."""

log = logger(__name__)


def make_celery(settings: Settings) -> Celery:
    """Make the Celery application that API (sending), workers and beat share."""
    broker.use()
    celery = Celery("shipd", broker=settings.broker_url, set_as_current=False)
    celery.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_serializer="json",
        task_ignore_result=True,
        enable_utc=True,
        timezone="UTC",
        task_queues=[_queue(name) for name in (*QUEUES, WEBHOOKS, help_queue(settings.host_name))],
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
        # A worker outlives its broker: it waits for it at start, and keeps what it is grading when it goes away.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_timeout=CONNECT_S,
        broker_transport_options=_transport_options(),
        beat_schedule={
            "sweep": {
                "task": TASK_SWEEP,
                "schedule": float(settings.sweep_s),
                # Sweeps do not pile up while no worker listens.
                "options": {"queue": CONTROL, "expires": float(settings.sweep_s)},
            },
            "regrade": {
                "task": TASK_REGRADE,
                "schedule": REGRADE_S,
                "options": {"queue": CONTROL, "expires": REGRADE_S},
            },
        },
    )
    return celery


def enqueue(celery: Celery, execution_id: UUID, priority: Priority) -> None:
    """Send an execution to the queue of its priority. A broker that is away is logged: the sweeper sends it later."""
    try:
        with _sending(TASK_GRADE, priority.value, {"shipd.execution_id": str(execution_id)}):
            _send(celery, execution_id, priority)
    except OperationalError as error:
        log.warning("enqueue_failed", execution_id=str(execution_id), priority=priority.value, error=str(error))


def enqueue_all(celery: Celery, executions: Sequence[tuple[UUID, Priority]]) -> None:
    """Send many executions in one go, as `enqueue` sends one; where it fails, some may have been sent."""
    try:
        many: Attributes = {"messaging.batch.message_count": len(executions)}
        sending = _sending(TASK_GRADE, None, many) if executions else nullcontext()
        with sending, celery.producer_or_acquire() as producer, producer.batch():
            for execution_id, priority in executions:
                _send(celery, execution_id, priority, producer=producer)
    except (OperationalError, BatchPublishError) as error:
        log.warning("enqueue_failed", executions=len(executions), error=str(error))


def _send(celery: Celery, execution_id: UUID, priority: Priority, **options: object) -> None:
    celery.send_task(
        TASK_GRADE,
        args=[str(execution_id)],
        queue=priority.value,
        retry=False,
        ignore_result=True,
        headers=tracing.headers(),
        declare=(),  # Redis needs none, and to make a queue ready to be declared is a quarter of sending
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


def lengths(celery: Celery) -> Mapping[str, int]:
    """Count the messages that no worker has taken, by queue. Raises Unavailable."""
    with _told_away(), celery.connection_for_read() as connection:
        channel = connection.default_channel
        return {name: channel.queue_declare(queue=name).message_count for name in (*QUEUES, WEBHOOKS)}


def discard(celery: Celery, priority: Priority) -> int:
    """Throw away all messages of a queue, and give how many. Raises Unavailable."""
    with _told_away(), celery.connection_for_write() as connection:
        return int(connection.default_channel.queue_purge(queue=priority.value))


def tell_taking(celery: Celery, hosts: Sequence[str], priority: Priority, *, taking: bool) -> int:
    """Tell workers to take from a queue or not to, and give how many did; the others learn it from PostgreSQL."""
    workers = [worker_of(host) for host in hosts]
    if not workers:
        return 0
    change = celery.control.add_consumer if taking else celery.control.cancel_consumer
    with _told_away():
        return len(change(priority.value, destination=workers, reply=True, timeout=ANSWER_S, limit=len(workers)))


@contextmanager
def _told_away() -> Iterator[None]:
    try:
        yield
    except (OperationalError, redis.RedisError, OSError) as error:
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
        with _sending(TASK_HELP, help_queue(host), {"shipd.execution_id": str(execution_id)}):
            celery.send_task(
                TASK_HELP,
                args=[str(execution_id), attempt, *words],
                queue=_queue(help_queue(host)),
                retry=False,
                ignore_result=True,
                headers=tracing.headers(),
                declare=(),
            )
    except OperationalError as error:
        log.warning("help_not_asked_for", host=host, error=str(error))
        return False
    return True


def _queue(name: str) -> Queue:
    return Queue(name, routing_key=name)  # type: ignore[no-untyped-call]


def deliver(celery: Celery, delivery_id: UUID) -> None:
    """Send a delivery to the queue. A broker that is away is logged: the sweeper sends it later."""
    try:
        with _sending(TASK_DELIVER, WEBHOOKS, {"shipd.delivery_id": str(delivery_id)}):
            celery.send_task(
                TASK_DELIVER,
                args=[str(delivery_id)],
                queue=WEBHOOKS,
                retry=False,
                ignore_result=True,
                headers=tracing.headers(),
                declare=(),
            )
    except OperationalError as error:
        log.warning("deliver_not_sent", delivery_id=str(delivery_id), error=str(error))


def check_problem(celery: Celery, version_id: UUID) -> None:
    """Send a version of a problem to be checked. A broker that is away is logged: the sweeper sends it later."""
    try:
        with _sending(TASK_CHECK_PROBLEM, Priority.NORMAL.value, {"shipd.problem_version_id": str(version_id)}):
            celery.send_task(
                TASK_CHECK_PROBLEM,
                args=[str(version_id)],
                queue=Priority.NORMAL.value,
                retry=False,
                ignore_result=True,
                headers=tracing.headers(),
                declare=(),
            )
    except OperationalError as error:
        log.warning("check_problem_not_sent", version_id=str(version_id), error=str(error))


def _transport_options() -> dict[str, object]:
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "queue_order_strategy": "priority",
        "socket_connect_timeout": CONNECT_S,
        "socket_timeout": ANSWER_S,
        # What connecting to send may take in all; without it kombu would try for ever.
        "max_retries": 0,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
        "connect_retries_timeout": CONNECT_S,
    }

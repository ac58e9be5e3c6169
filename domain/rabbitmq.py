"""RabbitMQ as the broker, where BROKER_URL names one: what it is told that Redis is not.

Queues are quorum queues, which keep their messages over a restart and the loss of a node, and messages are confirmed.
A queue must be there before anything is sent to it, so senders declare it, once for each connection. What workers give
each other (offers of help, control, events) is worth nothing later: those queues go when nobody listens any more.
"""

from collections.abc import Mapping

from kombu.entity import Queue

from domain.limits import VISIBILITY_TIMEOUT_S

SCHEMES = ("amqp://", "amqps://")
HEARTBEAT_S = 30.0
"""A worker tells that it lives, and looks whether the broker does; whoever was silent for twice as long is cut off."""
DELIVERIES = 20
"""So often a message is given out whose worker is lost; then it is dropped, and the sweeper knows what it was about."""
DESERTED_S = 60.0
"""So long a queue stays that nobody listens to, if it is one host's."""


def named(url: str) -> bool:
    """Say whether a BROKER_URL is of RabbitMQ."""
    return url.startswith(SCHEMES)


def queue(name: str) -> Queue:
    """Make a queue that loses nothing."""
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERIES,
        # An execution is acknowledged when it is done. Before RabbitMQ 3.12 the server's own setting counts alone.
        "x-consumer-timeout": VISIBILITY_TIMEOUT_S * 1000,
    }
    return Queue(name, routing_key=name, durable=True, queue_arguments=arguments)  # type: ignore[no-untyped-call]


def hosts_own(name: str) -> Queue:
    """Make the queue of offers to one host: it goes a while after the host."""
    return Queue(name, routing_key=name, durable=True, auto_delete=True, expires=DESERTED_S)  # type: ignore[no-untyped-call]


LASTING: Mapping[str, object] = {
    "control_queue_exclusive": False,
    "control_queue_durable": True,
    "event_queue_exclusive": False,
    "event_queue_durable": True,
}
"""Celery's settings of the queues by which workers and Flower are told things: each expires when it is deserted.

One that is exclusive belongs to a connection, and a worker whose connection broke cannot have it again before RabbitMQ
has noticed; one that is neither that nor durable is not to be had in RabbitMQ 4 for long.
"""


def options(*, answer_s: float) -> Mapping[str, object]:
    """Give py-amqp's options of a connection."""
    return {"confirm_publish": True, "read_timeout": answer_s, "write_timeout": answer_s}


def sending(*, answer_s: float) -> Mapping[str, object]:
    """Give Celery's options of one message: confirmed in time, or sent once more over a new connection.

    One that was kept from before a restart of the broker fails once.
    """
    once_more = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    return {"confirm_timeout": answer_s, "retry": True, "retry_policy": once_more}

"""The part of a worker that takes messages; with it, what is told of tasks is told a few times a second.

Celery tells Flower of each task's steps as they come: of a short task that is a tenth of all that a worker's main
process does, and as much again in Flower, which reads each message by itself.
"""

import random
from functools import partial
from typing import ClassVar, cast

from celery.worker.consumer import Consumer
from kombu.connection import Connection

from workers import urgency

FLUSH_S = 0.25
"""How long an event may wait for others to go along with; two dozen of them go at once."""
BACK_S, LONGEST_BACK_S = 1.0, 10.0
"""How long the first pause is while the broker is away, by how much each is longer than the one before; the longest."""
DELAYED = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class PatientConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """Celery's consumer, but events of tasks wait a moment for those that follow, and urgent tasks for nothing."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # as above
        """Celery's steps without one: on RabbitMQ it makes 28 queues for tasks with a time to start, which none has."""

        default_steps: ClassVar[list[str]] = [step for step in Consumer.Blueprint.default_steps if step != DELAYED]

    _waits = False

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        slots = getattr(self.controller, "semaphore", None)
        if slots is not None:  # a pool of processes has one
            urgency.order(slots)

    def ensure_connected(self, conn: Connection) -> Connection:
        """Connect, again and again while the broker is away; not when all other workers do."""
        chance = random.uniform(0.5, 1.5)  # noqa: S311 - a wait is no secret
        conn.ensure_connection = partial(  # type: ignore[method-assign] # Celery passes no intervals of its own
            conn.ensure_connection,
            interval_start=BACK_S * chance,
            interval_step=BACK_S * chance,
            interval_max=LONGEST_BACK_S * chance,
        )
        return cast("Connection", super().ensure_connected(conn))

    def on_send_event_buffered(self) -> None:
        """Have what is buffered sent in a moment, if it is not to be already."""
        if self.hub and not self._waits:
            self._waits = True
            self.hub.call_later(FLUSH_S, self._flush_waiting)

    def _flush_waiting(self) -> None:
        self._waits = False
        self._flush_events()

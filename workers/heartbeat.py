"""What the main process of a worker does every few seconds, whatever its pool is doing.

It tells that its host is there, and takes from the queues from which it may: an operator pauses some
(`domain/queues.py`), and a word to the worker may be lost, or the worker be started meanwhile.
"""

import os
import signal
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from domain import hosts, queue_names, queues
from domain.backoff import spread
from domain.db import Database
from domain.errors import Unavailable
from domain.host import HEARTBEAT_S, HostReport
from domain.hosts import StoreDiffers
from domain.logging import logger
from domain.model import Priority

log = logger(__name__)


class Consuming(Protocol):
    """What Celery takes from."""

    def consuming_from(self, queue: str) -> bool:
        """Whether messages of this queue come."""


class Consumer(Protocol):
    """Celery's consumer. Its thread is another: it is asked to do what is to be done."""

    @property
    def task_consumer(self) -> Consuming | None:
        """None while there is no broker."""

    def call_soon(self, action: Callable[[str], object], queue: str, /) -> object:
        """Have something done by its own thread."""

    def add_task_queue(self, queue: str) -> object:
        """Take from a queue."""

    def cancel_task_queue(self, queue: str) -> object:
        """Take nothing more from a queue."""


@dataclass(frozen=True)
class Heartbeat:
    """Of one host."""

    db: Database
    report: Callable[[], HostReport]
    every_s: float = HEARTBEAT_S

    def start(self, consumer: Consumer) -> None:
        """Begin, in a thread that ends with the process."""
        threading.Thread(target=self._beat_on, args=(consumer,), name="heartbeat", daemon=True).start()

    def _beat_on(self, consumer: Consumer) -> None:
        pause, known = threading.Event(), False
        while True:
            try:
                known = self.beat(consumer, known=known)
            except Unavailable as error:
                log.warning("heartbeat_failed", error=str(error))
            except StoreDiffers as error:
                log.critical("host_unfit", error=str(error))
                os.kill(os.getpid(), signal.SIGTERM)
                return
            # Hosts that were started together, or waited for PostgreSQL together, do not beat together.
            pause.wait(spread(self.every_s))

    def beat(self, consumer: Consumer, *, known: bool) -> bool:
        """Tell that this host is there, all it has to offer where it is not `known` yet; gives whether it is now.

        Raises StoreDiffers where live hosts have another blob store, Unavailable.
        """
        said = self.report()
        if not known:
            hosts.report(self.db, said)
        known = hosts.heartbeat(self.db, said.name)
        settle(consumer, queues.paused(self.db), said)
        return known


def leave(db: Database, name: str) -> None:
    """Say that this host ends; where that cannot be said it counts as alive for a while."""
    try:
        hosts.leave(db, name)
    except Unavailable as error:
        log.warning("end_not_told", error=str(error))


def settle(consumer: Consumer, paused: Collection[str], said: HostReport) -> None:
    """Take from every queue of executions of this host that is not paused, and from no other."""
    for priority in Priority:
        switch(consumer, said.name, said.region, priority, taking=priority not in paused)


def switch(consumer: Consumer, host: str, region: str, priority: Priority, *, taking: bool) -> None:
    """Take from the queues of a priority that are for this host, or take nothing more from them."""
    now = consumer.task_consumer
    if now is None:
        return  # it begins anew when the broker is back, and is looked at again
    for queue in queue_names.taken_by(host, region, [priority]):
        if taking != now.consuming_from(queue):
            log.info("queue_taken_from" if taking else "queue_paused", queue=queue)
            consumer.call_soon(consumer.add_task_queue if taking else consumer.cancel_task_queue, queue)


def not_paused(db: Database, host: str, region: str) -> list[str]:
    """List the queues to take from at the start: all of them while PostgreSQL does not answer."""
    try:
        paused = queues.paused(db)
    except Unavailable as error:
        log.warning("paused_queues_unknown", error=str(error))
        paused = frozenset()
    return queue_names.taken_by(host, region, [one for one in Priority if one not in paused])

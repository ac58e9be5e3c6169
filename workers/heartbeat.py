"""What the main process of a worker does every few seconds, whatever its pool is doing.

It tells that its host is there and how it is, and takes from the queues from which it may: an operator pauses some
(`domain/queues.py`), or drains the host (`domain/draining.py`), and a word to the worker may be lost, or the worker be
started meanwhile. It runs in a thread of its own, which no execution and no message holds up.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from celery.worker import state
from celery.worker.control import control_command

from domain import hosts, queue_names, queues
from domain.backoff import spread
from domain.db import Database
from domain.errors import Unavailable
from domain.host import HEARTBEAT_S, HostLoad, HostReport
from domain.hosts import Heard, StoreDiffers
from domain.logging import logger
from domain.model import Priority
from domain.queue import LOOK_AGAIN, help_queue
from workers.taking import Taking

SOON_S = 1.0
"""When the next is due while something is about to be told: that a draining host holds nothing more."""
AGAIN_S = (1.0, 3.0)
"""How soon one that failed is tried again, from and to: a second failure must not make the host count as gone."""

log = logger(__name__)


class Named(Protocol):
    """A queue of Celery's."""

    @property
    def name(self) -> str:
        """As the broker knows it."""


class Consuming(Protocol):
    """What Celery takes from."""

    @property
    def queues(self) -> Collection[Named]:
        """All that messages come from."""

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


def held() -> int:
    """Count the messages that this worker has and that are not done with."""
    return len(state.reserved_requests)


@dataclass(frozen=True)
class Heartbeat:
    """Of one host."""

    db: Database
    name: str
    region: str
    report: Callable[[], HostReport]
    load: Callable[[], HostLoad]
    taking: Taking
    every_s: float = HEARTBEAT_S
    held: Callable[[], int] = held
    wake: threading.Event = field(default_factory=threading.Event)
    """Set by whoever wants it to beat at once."""

    def start(self, consumer: Consumer) -> None:
        """Begin, in a thread that ends with the process."""
        _obey(self.wake)
        threading.Thread(target=self._beat_on, args=(consumer,), name="heartbeat", daemon=True).start()

    def _beat_on(self, consumer: Consumer) -> None:
        known = False
        while True:
            began = time.monotonic()
            try:
                heard = self.beat(consumer, known=known)
                known, pause_s = heard is not None, self._pause(consumer, heard)
            except (Unavailable, OSError) as error:
                log.warning("heartbeat_failed", error=str(error))
                pause_s = random.uniform(*AGAIN_S)  # noqa: S311 - nobody must not guess it
            except StoreDiffers as error:
                log.critical("host_unfit", error=str(error))
                os.kill(os.getpid(), signal.SIGTERM)
                return
            self.wake.wait(max(0.0, began + pause_s - time.monotonic()))
            self.wake.clear()

    def _pause(self, consumer: Consumer, heard: Heard | None) -> float:
        if heard is None or (heard.draining and not self.idle(consumer, heard)):
            return SOON_S
        # Hosts that were started together, or waited for PostgreSQL together, do not beat together.
        return spread(self.every_s)

    def beat(self, consumer: Consumer, *, known: bool) -> Heard | None:
        """Tell that this host is there and how it is, all it has to offer where it is not `known` yet; None: it is not.

        Raises StoreDiffers where live hosts have another blob store, Unavailable, OSError.
        """
        if not known:
            hosts.report(self.db, self.report())
        drains = Heard(draining=self.taking.stopped)
        heard = hosts.heartbeat(self.db, self.name, self.load(), idle=self.idle(consumer, drains))
        draining = heard is not None and heard.draining
        if draining != self.taking.stopped:
            log.info("host_drains" if draining else "host_takes_work")
            self.taking.stop(stopped=draining)  # before the queues are left: what comes meanwhile goes back
        paused = frozenset(Priority) if draining else queues.paused(self.db)
        settle(consumer, paused, self.name, self.region)
        return heard

    def idle(self, consumer: Consumer, heard: Heard) -> bool:
        """Whether this worker, which drains, takes nothing and holds nothing: so it will, whatever comes."""
        taking = consumer.task_consumer
        left = set() if taking is None else {queue.name for queue in taking.queues} - {help_queue(self.name)}
        return heard.draining and self.taking.stopped and not left and self.held() == 0


def _obey(wake: threading.Event) -> None:
    """Have an operator's word, that there is something to look at, wake the heartbeat."""

    def look_again(_state: object) -> dict[str, str]:
        wake.set()
        return {"ok": "it is looked at"}

    control_command(name=LOOK_AGAIN)(look_again)


def leave(db: Database, name: str) -> None:
    """Say that this host ends; where that cannot be said it counts as alive for a while."""
    try:
        hosts.leave(db, name)
    except Unavailable as error:
        log.warning("end_not_told", error=str(error))


def settle(consumer: Consumer, paused: Collection[str], host: str, region: str) -> None:
    """Take from every queue of executions of this host that is not paused, and from no other."""
    taking = consumer.task_consumer
    if taking is None:
        return  # it begins anew when the broker is back, and is looked at again
    for priority in Priority:
        wanted = priority not in paused
        for queue in queue_names.taken_by(host, region, [priority]):
            if wanted != taking.consuming_from(queue):
                log.info("queue_taken_from" if wanted else "queue_paused", queue=queue)
                consumer.call_soon(consumer.add_task_queue if wanted else consumer.cancel_task_queue, queue)


def taken(db: Database, host: str, region: str, taking: Taking) -> list[str]:
    """List the queues to take from at the start: none where the host drains, all while PostgreSQL does not answer."""
    try:
        taking.stop(stopped=hosts.draining(db, host))
        paused = frozenset(Priority) if taking.stopped else queues.paused(db)
    except Unavailable as error:
        log.warning("paused_queues_unknown", error=str(error))
        paused = frozenset()
    return queue_names.taken_by(host, region, [one for one in Priority if one not in paused])

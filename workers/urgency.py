"""What a worker was given beyond its free slots: the most urgent goes first, whenever it came.

Redis is asked for one message at a time, from the most urgent queue that holds any, so nothing waits here. RabbitMQ
pushes: up to a slot's worth from every queue, and an interactive execution must not wait behind bulk that came before.
"""

import heapq
import itertools
from collections.abc import Callable

from kombu.asynchronous.semaphore import LaxBoundedSemaphore

from domain import queue_names

Waiter = tuple[Callable[..., object], tuple[object, ...], dict[str, object]]
"""What is to be called when a slot is free, with what."""


def order(slots: LaxBoundedSemaphore) -> None:
    """Have those who wait for one of Celery's slots come in the order of their queues."""
    waiting = MostUrgentFirst()
    # kombu's semaphore has no other way to say who is next; it needs of a deque what this one has.
    slots._waiting = waiting  # type: ignore[assignment] # noqa: SLF001
    slots._add_waiter = waiting.append  # noqa: SLF001
    slots._pop_waiter = waiting.popleft  # noqa: SLF001


class MostUrgentFirst:
    """A queue as `collections.deque` is one for the semaphore; who came first is first among equals."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Waiter]] = []
        self._came = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting)

    def append(self, waiter: Waiter) -> None:
        """Have one wait."""
        heapq.heappush(self._waiting, (urgency(waiter[1]), next(self._came), waiter))

    def popleft(self) -> Waiter:
        """Give the next. Raises IndexError where nobody waits."""
        return heapq.heappop(self._waiting)[2]

    def clear(self) -> None:
        """Forget all of them."""
        self._waiting.clear()


def urgency(arguments: tuple[object, ...]) -> int:
    """Say how urgent a request is by its queue, the least number being the most urgent; an offer of help comes last."""
    told = getattr(arguments[0], "delivery_info", None) if arguments else None
    return queue_names.urgency(str((told or {}).get("routing_key", "")))

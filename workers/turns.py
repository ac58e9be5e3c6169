"""Turns: only so many deliveries at a time go to one host, or for one sender.

A receiver that hangs leaves threads for the others that way. Whoever has no turn does not wait in a thread: the
delivery is remembered, and sent to the queue again, behind what waits there, when one of those in its way is over. What
is forgotten with the process the sweeper sends again.
"""

import threading
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from domain.attempts import Due

MOST_WAITING = 10_000
"""Remembered in all; the sweeper sends the others again."""

Key = tuple[str, object]


@dataclass(frozen=True)
class Limits:
    """At a time, of one process."""

    per_host: int
    per_owner: int


class Turns:
    """Who may go now; safe to share between threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = {"host": limits.per_host, "owner": limits.per_owner}
        self._going: Counter[Key] = Counter()
        self._waiting: dict[Key, dict[UUID, None]] = {}
        self._count = 0
        self._lock = threading.Lock()

    def begin(self, due: Due) -> bool:
        """Take a turn; False: there is none, and the delivery is remembered."""
        with self._lock:
            full = next((key for key in _keys(due) if self._going[key] >= self._limits[key[0]]), None)
            if full is None:
                self._going.update(_keys(due))
                return True
            self._remember(full, due.id)
            return False

    def end(self, due: Due) -> list[UUID]:
        """Give a turn back, and say which deliveries may try again because of it."""
        with self._lock:
            self._going.subtract(_keys(due))
            self._going += Counter()  # keeps those above nothing
            return [found for key in _keys(due) if (found := self._next(key)) is not None]

    def _remember(self, key: Key, delivery_id: UUID) -> None:
        line = self._waiting.setdefault(key, {})
        if delivery_id not in line and self._count < MOST_WAITING:
            line[delivery_id] = None
            self._count += 1

    def _next(self, key: Key) -> UUID | None:
        line = self._waiting.get(key)
        if not line:
            return None
        first = next(iter(line))
        del line[first]
        self._count -= 1
        if not line:
            del self._waiting[key]
        return first


def _keys(due: Due) -> tuple[Key, Key]:
    return ("host", due.host), ("owner", due.owner_id)

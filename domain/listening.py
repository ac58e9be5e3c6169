"""Listening: one reader of everybody's events in a process, and in memory all who listen to some execution.

A listener costs a queue, no connection. What reaches it comes in order, and may be twice or have a gap: `following`
makes of it a sequence without either. Threads and queues are Python's own: under gevent they are greenlets.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from queue import Empty, SimpleQueue
from uuid import UUID

import redis

from domain import live
from domain.backoff import Backoff, spread
from domain.errors import Unavailable
from domain.live import Event, Live, Place
from domain.logging import logger
from domain.standing import Standing

BACKLOG_BYTES = 1024 * 1024
"""Whoever has not taken this much is dropped; it may come back and go on where it was."""
DOUBT_S = 3.0
"""How often PostgreSQL is asked although Redis answers: an event may be lost, or its sender killed after the commit."""
AWAY_S = 0.5
"""How often it is asked while Redis is away; and the first pause before Redis is tried again."""
LONGEST_AWAY_S = 5.0
"""The longest of those pauses."""

log = logger(__name__)


class Signal(Enum):
    """What is told to listeners beside events."""

    RESUME = auto()
    """Some may have been missed: read on from the execution's own stream."""
    OVER = auto()
    """PostgreSQL has its end, and no event told of it."""
    STOP = auto()
    """This process ends, or the execution is gone."""
    DROPPED = auto()
    """This listener was too slow."""


class Listener:
    """One who listens to one execution."""

    __slots__ = ("_backlog", "_on_drop", "_queue", "_taken", "dropped", "execution_id")

    def __init__(self, execution_id: UUID, on_drop: Callable[[], None]) -> None:
        self.execution_id = execution_id
        self.dropped = False
        self._on_drop = on_drop
        self._queue: SimpleQueue[Event | Signal] = SimpleQueue()
        self._backlog = 0
        self._taken = 0

    def offer(self, told: Event | Signal) -> None:
        """Tell something; whoever left too much untaken is dropped instead, and told that alone."""
        if self.dropped:
            return
        if isinstance(told, Event):
            self._backlog += told.size_bytes
            if self._backlog > BACKLOG_BYTES:
                self._drop()
                return
        self._queue.put(told)

    def next(self, timeout_s: float) -> Event | Signal | None:
        """Take what was told next, None if nothing was within the time. What was taken before counts as done with."""
        self._backlog -= self._taken
        self._taken = 0
        try:
            told = self._queue.get(timeout=max(0.0, timeout_s))
        except Empty:
            return None
        if isinstance(told, Event):
            self._taken = told.size_bytes
        return told

    def _drop(self) -> None:
        log.info("slow_listener_dropped", execution_id=str(self.execution_id), backlog_bytes=self._backlog)
        self.dropped = True
        self._queue = SimpleQueue()  # what it would not take in time need not be kept
        self._queue.put(Signal.DROPPED)
        self._on_drop()


class Listening:
    """All listeners of this process. `standing_of` asks PostgreSQL where executions stand; it may raise Unavailable.

    The reader and whoever asks PostgreSQL begin with the first listener.
    """

    def __init__(self, own: Live, standing_of: Callable[[Sequence[UUID]], Mapping[UUID, Standing]]) -> None:
        self._live = own
        self._standing_of = standing_of
        self._listeners: dict[UUID, set[Listener]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._away = False
        self._threads: list[threading.Thread] = []

    def join(self, execution_id: UUID, on_drop: Callable[[], None]) -> Listener:
        """Have all that is told of an execution from now on. To be left."""
        listener = Listener(execution_id, on_drop)
        with self._lock:
            self._listeners.setdefault(execution_id, set()).add(listener)
            if not self._threads:
                self._threads = [threading.Thread(target=run, daemon=True) for run in (self._read, self._doubt)]
                for thread in self._threads:
                    thread.start()
        if self._stopped.is_set():
            listener.offer(Signal.STOP)
        return listener

    def leave(self, listener: Listener) -> None:
        """Have nothing more; to leave twice is harmless."""
        with self._lock:
            others = self._listeners.get(listener.execution_id, set())
            others.discard(listener)
            if not others:
                self._listeners.pop(listener.execution_id, None)

    def count(self) -> int:
        """Say how many listen."""
        with self._lock:
            return sum(map(len, self._listeners.values()))

    def stop(self) -> None:
        """End: all who listen are told, and whoever comes later is told at once."""
        self._stopped.set()
        self._tell_all(Signal.STOP)

    def _read(self) -> None:
        """Hand on everybody's events, for as long as the process lives."""
        after: Place | None = None
        backoff = Backoff(AWAY_S, LONGEST_AWAY_S)
        while not self._stopped.is_set():
            try:
                if after is None or self._away:
                    after = after or self._live.newest()
                    self._back()
                after = self._hand_on(after)
                backoff.worked()
            except (redis.RedisError, OSError) as error:
                self._lost(error)
                self._stopped.wait(backoff.pause_s())

    def _hand_on(self, after: Place) -> Place:
        """Wait for the next events, and give the place of the last one."""
        found = self._live.following(after)
        for execution_id, event in found.events:
            self._tell(execution_id, event)
            # Its listeners take it before the next comes: or many at once would look like their being slow.
            time.sleep(0)
        if found.entries == live.AT_ONCE and self._live.oldest() > after:
            # Others wrote more than is kept before we read it.
            self._tell_all(Signal.RESUME)
        return found.last

    def _back(self) -> None:
        self._live.newest()  # raises where it is still away
        self._away = False
        self._tell_all(Signal.RESUME)

    def _lost(self, error: Exception) -> None:
        if not self._away:
            log.warning("live_events_unavailable", error=str(error))
        self._away = True

    def _doubt(self) -> None:
        """Ask PostgreSQL now and then, so that every listener comes to its end."""
        told: Mapping[UUID, Standing] = {}
        while not self._stopped.wait(spread(AWAY_S if self._away else DOUBT_S)):
            with self._lock:
                listened = list(self._listeners)
            if not listened:
                told = {}
                continue
            try:
                found = self._standing_of(listened)
            except Unavailable as error:
                log.warning("listeners_wait_for_postgresql", error=str(error))
                continue
            for execution_id in listened:
                self._compare(execution_id, told.get(execution_id), found.get(execution_id))
            told = found

    def _compare(self, execution_id: UUID, before: Standing | None, now: Standing | None) -> None:
        if now is None:
            self._tell(execution_id, Signal.STOP)
        elif now.state.final:
            # Its event may be on the way; the second time it is not.
            if self._away or before == now:
                self._tell(execution_id, Signal.OVER)
        elif self._away and before != now:
            self._tell(execution_id, live.event(live.STATE, now.data))

    def _tell(self, execution_id: UUID, told: Event | Signal) -> None:
        with self._lock:
            listeners = tuple(self._listeners.get(execution_id, ()))
        for listener in listeners:
            listener.offer(told)

    def _tell_all(self, told: Signal) -> None:
        with self._lock:
            listeners = [one for those in self._listeners.values() for one in those]
        for listener in listeners:
            listener.offer(told)

"""The ends of many executions, told as they come, to whoever waits for a batch.

It listens to the very events that are published of every execution, on one connection for all of them: who finishes one
need not know of batches, and pays nothing for them. As ever an event is a hint, and the database is asked now and then.
"""

import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from uuid import UUID

import redis
from redis.client import PubSub

from domain import events as events_module
from domain.events import ASK_S, FINAL, Events, channel
from domain.logging import logger
from domain.redis_client import TIMEOUT_S

Ask = Callable[[set[UUID]], set[UUID]]
"""Asks the database which of these executions have ended."""

log = logger(__name__)


def endings(events: Events, execution_ids: AbstractSet[UUID], ask: Ask, timeout_s: float) -> Iterator[set[UUID]]:
    """Give the executions that have ended, then those that end, until all have or `timeout_s` is over.

    Each is given once; to close the iterator ends the listening. Raises what `ask` raises.
    """
    left, deadline = set(execution_ids), time.monotonic() + timeout_s
    # Subscribed before the first question: what ends in between would be missed.
    ears = _Ears(events, left if timeout_s > 0 else set())
    try:
        doubt_at = time.monotonic()
        while left:
            now = time.monotonic()
            if now >= doubt_at:
                found = ask(left)
                doubt_at = now + ears.doubt_s
            elif now >= deadline:
                return
            else:
                found = ears.next(min(deadline, doubt_at) - now) & left
            left -= found
            if found:
                yield found
    finally:
        ears.close()


class _Ears:
    """What is heard of some executions; without Redis nothing is, and the database is asked more often."""

    def __init__(self, events: Events, execution_ids: AbstractSet[UUID]) -> None:
        self._by_channel = {channel(one): one for one in execution_ids}
        self._listener: PubSub | None = events.listener() if execution_ids else None
        self._guard(self._subscribe)

    @property
    def doubt_s(self) -> float:
        """How long the database need not be asked."""
        return ASK_S if self._listener is None else events_module.DOUBT_S

    def next(self, timeout_s: float) -> set[UUID]:
        """Wait for an end, and give it with all that came at the same time."""
        found: set[UUID] = set()
        if self._listener is None:
            time.sleep(timeout_s)
        self._guard(lambda listener: found.update(self._heard(listener, timeout_s)))
        return found

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _guard(self, action: Callable[[PubSub], None]) -> None:
        if self._listener is None:
            return
        try:
            action(self._listener)
        except (redis.RedisError, OSError) as error:
            log.warning("events_unavailable", executions=len(self._by_channel), error=str(error))
            self.close()

    def _subscribe(self, listener: PubSub) -> None:
        """Subscribe to all in one go, and read all answers. Raises redis.TimeoutError."""
        listener.subscribe(*self._by_channel)
        until = time.monotonic() + TIMEOUT_S
        missing = set(self._by_channel)
        while missing:
            message = listener.get_message(timeout=max(0.0, until - time.monotonic()))
            if message is None:
                raise redis.TimeoutError("the subscriptions were not confirmed")
            if message["type"] == "subscribe":
                missing.discard(message["channel"])

    def _heard(self, listener: PubSub, timeout_s: float) -> Iterator[UUID]:
        message = listener.get_message(timeout=timeout_s)
        while message is not None:
            if message["type"] == "message" and message["data"] in FINAL:
                yield self._by_channel[message["channel"]]
            message = listener.get_message(timeout=0)

"""Events: an execution's states on Redis, for whoever waits. Hints like messages: PostgreSQL has the truth.

An event is published after the row it tells of is committed, and may be lost; a waiter therefore asks the database
too, now and then while Redis answers, and often while it does not. Connections that were listened on are kept for the
next waiter: to connect costs more than all the rest.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import redis
from redis.client import PubSub

from domain import absence, redis_client
from domain.backoff import spread
from domain.logging import logger
from domain.redis_client import LEFT_ALONE, TIMEOUT_S
from domain.verdict import State

ASK_S = 0.5
"""How often the database is asked while Redis is away."""
DOUBT_S = 2.0
"""How often it is asked although Redis answers: an event may have been lost, or its sender killed after the commit."""

FINAL = {State.DONE.value, State.CANCELLED.value}

log = logger(__name__)


class Events:
    """Publishes and awaits states of executions; safe to share between threads."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis_client.client(redis_url, TIMEOUT_S, decode_responses=True)
        self._absence = absence.of(redis_url)
        self._listeners: deque[PubSub] = deque()
        """Those that nobody uses at the moment."""

    def publish(self, execution_id: UUID, state: str) -> None:
        """Tell that an execution is in `state`. Never raises: what cannot be told is logged."""
        try:
            self._redis.publish(channel(execution_id), state)
        except (redis.RedisError, OSError) as error:
            log.warning("event_not_published", execution_id=str(execution_id), state=state, error=str(error))

    def expect(self, execution_id: UUID) -> "Expectation":
        """Listen for the end of an execution from now on. Never raises: without Redis the database is asked instead."""
        try:
            return Expectation(execution_id, self._listeners, self._subscribe(channel(execution_id)))
        except (redis.RedisError, OSError) as error:
            log.warning("events_unavailable", execution_id=str(execution_id), error=str(error))
        return Expectation(execution_id, self._listeners, None)

    def wait_final(self, execution_id: UUID, is_final: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until an execution is done or cancelled; False after `timeout_s`. `is_final` asks the database."""
        # Subscribed, and known to be, before the first question: what becomes final in between would be missed.
        return self.expect(execution_id).wait(is_final, timeout_s, may_be_final=True)

    def listener(self) -> PubSub:
        """Give a connection to listen with, which whoever asks for it closes."""
        return PubSub(self._redis.connection_pool)

    def close(self) -> None:
        """Close all connections."""
        while self._listeners:
            self._listeners.popleft().close()
        self._redis.close()

    def _subscribe(self, channel: str) -> "_Messages":
        if not self._absence.may_ask():
            raise redis.ConnectionError(LEFT_ALONE)
        listener = self._listeners.pop() if self._listeners else self.listener()
        messages = _Messages(listener, channel)
        try:
            with self._absence.asked():
                listener.subscribe(channel)
                messages.await_subscription()
        except BaseException:
            listener.close()
            raise
        return messages


@dataclass(frozen=True)
class Expectation:
    """One who waits for the end of an execution; to be waited with once."""

    execution_id: UUID
    listeners: deque[PubSub]
    messages: "_Messages | None"

    def wait(self, is_final: Callable[[], bool], timeout_s: float, *, may_be_final: bool = False) -> bool:
        """Wait for the end; False after `timeout_s`. The database is asked at once where it `may_be_final` already."""
        deadline = time.monotonic() + timeout_s
        if self.messages is not None:
            try:
                return self._listen(self.messages, is_final, deadline, may_be_final=may_be_final)
            except (redis.RedisError, OSError) as error:
                log.warning("events_unavailable", execution_id=str(self.execution_id), error=str(error))
        return _ask(is_final, deadline)

    def _listen(
        self, messages: "_Messages", is_final: Callable[[], bool], deadline: float, *, may_be_final: bool
    ) -> bool:
        try:
            found = _heard(messages, is_final, deadline, may_be_final=may_be_final)
            # Not waited for: whoever listens next passes over what is not of its own channel.
            messages.listener.unsubscribe(messages.channel)  # type: ignore[no-untyped-call] # redis types only some
        except BaseException:
            messages.listener.close()
            raise
        self.listeners.append(messages.listener)
        return found


def _heard(messages: "_Messages", is_final: Callable[[], bool], deadline: float, *, may_be_final: bool) -> bool:
    doubt_at = time.monotonic() + (0 if may_be_final else DOUBT_S)
    while True:
        now = time.monotonic()
        if now >= doubt_at:
            if is_final():
                return True
            doubt_at = now + DOUBT_S
        if now >= deadline:
            return False
        if messages.next(max(0.0, min(deadline, doubt_at) - now)) in FINAL:
            return True


@dataclass(frozen=True)
class _Messages:
    """What comes on one channel of a connection that others listened on before."""

    listener: PubSub
    channel: str

    def await_subscription(self) -> None:
        """Read up to the answer to our own subscription. Raises redis.TimeoutError."""
        until = time.monotonic() + TIMEOUT_S
        while (left := until - time.monotonic()) > 0:
            message = self.listener.get_message(timeout=left)
            if message is not None and (message["type"], message["channel"]) == ("subscribe", self.channel):
                return
        raise redis.TimeoutError("the subscription was not confirmed")

    def next(self, timeout_s: float) -> str | None:
        """Give the next state that is told, if any comes within the time."""
        message = self.listener.get_message(timeout=timeout_s)
        if message is None or (message["type"], message["channel"]) != ("message", self.channel):
            return None
        return str(message["data"])


def _ask(is_final: Callable[[], bool], deadline: float) -> bool:
    while not is_final():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(spread(ASK_S), left))
    return True


def channel(execution_id: UUID) -> str:
    """Name where the states of an execution are told."""
    return f"shipd:execution:{execution_id}"

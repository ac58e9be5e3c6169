"""Events: an execution's states on Redis, for whoever waits. Hints like messages: PostgreSQL has the truth.

An event is published after the row it tells of is committed, and may be lost; a waiter therefore asks the database
too, now and then while Redis answers, and often while it does not. Connections that were listened on are kept for the
next waiter: to connect costs more than all the rest.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from domain.logging import logger
from domain.verdict import State

TIMEOUT_S = 1.0
"""How long Redis may take to connect or to answer."""
ASK_S = 0.5
"""How often the database is asked while Redis is away."""
DOUBT_S = 2.0
"""How often it is asked although Redis answers: an event may have been lost, or its sender killed after the commit."""

_FINAL = {State.DONE.value, State.CANCELLED.value}

log = logger(__name__)


class Events:
    """Publishes and awaits states of executions; safe to share between threads."""

    def __init__(self, redis_url: str) -> None:
        # One more try at once: a connection kept from before a restart of Redis fails once.
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
            decode_responses=True,
        )
        self._listeners: deque[PubSub] = deque()
        """Those that nobody uses at the moment."""

    def publish(self, execution_id: UUID, state: str) -> None:
        """Tell that an execution is in `state`. Never raises: what cannot be told is logged."""
        try:
            self._redis.publish(_channel(execution_id), state)
        except (redis.RedisError, OSError) as error:
            log.warning("event_not_published", execution_id=str(execution_id), state=state, error=str(error))

    def wait_final(self, execution_id: UUID, is_final: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until an execution is done or cancelled; False after `timeout_s`. `is_final` asks the database."""
        deadline = time.monotonic() + timeout_s
        try:
            with self._subscribed(execution_id) as messages:
                return self._listen(messages, is_final, deadline)
        except (redis.RedisError, OSError) as error:
            log.warning("events_unavailable", execution_id=str(execution_id), error=str(error))
        return _ask(is_final, deadline)

    def close(self) -> None:
        """Close all connections."""
        while self._listeners:
            self._listeners.popleft().close()
        self._redis.close()

    @contextmanager
    def _subscribed(self, execution_id: UUID) -> Iterator["_Messages"]:
        listener = self._listeners.pop() if self._listeners else PubSub(self._redis.connection_pool)
        try:
            channel = _channel(execution_id)
            messages = _Messages(listener, channel)
            # Subscribed, and known to be, before the first question: what becomes final in between would be missed.
            listener.subscribe(channel)
            messages.await_subscription()
            yield messages
            # Not waited for: whoever listens next passes over what is not of its own channel.
            listener.unsubscribe(channel)  # type: ignore[no-untyped-call] # redis types only some
        except BaseException:
            listener.close()
            raise
        self._listeners.append(listener)

    def _listen(self, messages: "_Messages", is_final: Callable[[], bool], deadline: float) -> bool:
        doubt_at = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= doubt_at:
                if is_final():
                    return True
                doubt_at = now + DOUBT_S
            if now >= deadline:
                return False
            state = messages.next(max(0.0, min(deadline, doubt_at) - now))
            if state in _FINAL:
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
        time.sleep(min(ASK_S, left))
    return True


def _channel(execution_id: UUID) -> str:
    return f"shipd:execution:{execution_id}"

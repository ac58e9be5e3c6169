"""Events: an execution's states on Redis, for whoever waits. Hints like messages: PostgreSQL has the truth.

An event is published after the row it tells of is committed, and may be lost; a waiter therefore asks the database
too, now and then while Redis answers, and often while it does not.
"""

import time
from collections.abc import Callable
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
            with PubSub(self._redis.connection_pool) as channel:
                self._subscribe(channel, execution_id)
                return self._listen(channel, is_final, deadline)
        except (redis.RedisError, OSError) as error:
            log.warning("events_unavailable", execution_id=str(execution_id), error=str(error))
        return _ask(is_final, deadline)

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _subscribe(self, channel: PubSub, execution_id: UUID) -> None:
        # Subscribed, and known to be, before the first question: what becomes final in between would be missed.
        channel.subscribe(_channel(execution_id))
        if channel.get_message(timeout=TIMEOUT_S) is None:
            raise redis.TimeoutError("the subscription was not confirmed")

    def _listen(self, channel: PubSub, is_final: Callable[[], bool], deadline: float) -> bool:
        doubt_at = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= doubt_at:
                if is_final():
                    return True
                doubt_at = now + DOUBT_S
            if now >= deadline:
                return False
            message = channel.get_message(timeout=max(0.0, min(deadline, doubt_at) - now))
            if message is not None and _tells_final(message["data"]):
                return True


def _ask(is_final: Callable[[], bool], deadline: float) -> bool:
    while not is_final():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(ASK_S, left))
    return True


def _tells_final(state: object) -> bool:
    return state in {State.DONE.value, State.CANCELLED.value}


def _channel(execution_id: UUID) -> str:
    return f"shipd:execution:{execution_id}"

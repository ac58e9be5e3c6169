"""The word to a worker that an execution it holds was cancelled, over Redis: a hint, as messages and events are.

It is said after the row is changed, on a channel of the worker's own. Whoever hears it asks PostgreSQL, so that a word
that nobody had the right to say does nothing. What is not heard (Redis is away) is found at the next write or renewal.
"""

import threading
from collections.abc import Callable
from contextlib import closing
from uuid import UUID

import redis
from redis.client import PubSub

from domain import redis_client
from domain.backoff import Backoff
from domain.logging import logger
from domain.redis_client import TIMEOUT_S

PAUSE_S, LONGEST_PAUSE_S = 1.0, 10.0
"""How long a Redis that is away is left alone at first, and at the most."""
LISTEN_S = 5.0
"""How often a listener looks up to see whether it is to end."""

log = logger(__name__)


class Cancellations:
    """Tells workers and listens for them; safe to share between threads, not to carry over a fork."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis_client.client(redis_url, TIMEOUT_S, socket_keepalive=True)

    def tell(self, worker: str, execution_id: UUID) -> None:
        """Tell the worker that held an execution. Never raises: what cannot be told is logged."""
        try:
            self._redis.publish(_channel(worker), str(execution_id))
        except (redis.RedisError, OSError) as error:
            log.warning("cancellation_not_told", execution_id=str(execution_id), worker=worker, error=str(error))

    def listen(self, worker: str, look: Callable[[UUID | None], object], ended: threading.Event) -> None:
        """Call `look` with each execution that this worker is told of, until `ended` is set.

        Called with None it is to look at all: some may have been told while nobody listened. Never raises for a Redis
        that is away: it is asked again.
        """
        backoff = Backoff(PAUSE_S, LONGEST_PAUSE_S)
        while not ended.is_set():
            try:
                with closing(PubSub(self._redis.connection_pool)) as listener:
                    listener.subscribe(_channel(worker))
                    backoff.worked()
                    _hear(listener, look, ended)
            except (redis.RedisError, OSError) as error:
                log.warning("cancellations_unheard", worker=worker, error=str(error))
                ended.wait(backoff.pause_s())

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()


def _hear(listener: PubSub, look: Callable[[UUID | None], object], ended: threading.Event) -> None:
    while not ended.is_set():
        message = listener.get_message(timeout=LISTEN_S)
        if message is None:
            continue
        if message["type"] == "subscribe":  # after every new connection too
            look(None)
        elif message["type"] == "message":
            told = _told(message["data"])
            if told is not None:
                look(told)


def _told(data: bytes) -> UUID | None:
    try:
        return UUID(data.decode())
    except ValueError:  # whoever can write to Redis can say anything
        log.warning("cancellation_unread")
        return None


def _channel(worker: str) -> str:
    return f"shipd:worker:{worker}:cancelled"

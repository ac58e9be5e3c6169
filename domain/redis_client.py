"""The one way to make a client of Redis. It gives up soon: what is asked there is a hint that others can do without."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S = 1.0
"""How long Redis may take to connect or to answer, where nothing else is said."""


def client(url: str, timeout_s: float, **others: object) -> "redis.Redis":
    """Make a client with our options and others of redis-py's, which go first; nothing is connected yet."""
    return redis.Redis.from_url(url, **(options(timeout_s) | others))


def options(timeout_s: float) -> dict[str, object]:
    """Give redis-py's options of a client that waits so long for a connection, and so long for an answer."""
    return {
        "socket_connect_timeout": timeout_s,
        "socket_timeout": timeout_s,
        # One more try at once: a connection kept from before a restart of Redis fails once.
        "retry": Retry(NoBackoff(), 1),
    }

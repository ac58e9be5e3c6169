"""The one way to make a client of Redis. It gives up soon: what is asked there is a hint that others can do without.

All clients of a process know together that Redis does not answer (`domain/absence.py`): while that is so, one in a
second finds out whether it does again, and everybody else is told at once.
"""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from domain import absence
from domain.absence import Absence

TIMEOUT_S = 1.0
"""How long Redis may take to connect or to answer, where nothing else is said."""

LEFT_ALONE = "Redis did not answer a moment ago, and is asked again in a second"


def client(url: str, timeout_s: float, **others: object) -> "redis.Redis":
    """Make a client with our options and others of redis-py's, which go first; nothing is connected yet."""
    pool = _Pool.from_url(url, **(options(timeout_s) | others))
    pool.absence = absence.of(url)
    return _Redis.from_pool(pool)


def options(timeout_s: float) -> dict[str, object]:
    """Give redis-py's options of a client that waits so long for a connection, and so long for an answer."""
    return {
        "socket_connect_timeout": timeout_s,
        "socket_timeout": timeout_s,
        # One more try at once: a connection kept from before a restart of Redis fails once. None after a time-out: what
        # was told then would be told twice, and whoever asks would wait twice.
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    }


class _Pool(redis.ConnectionPool):
    """Connections, none of which is to be had while Redis is known not to answer."""

    absence: Absence

    def get_connection(self, *arguments: Any, **named: Any) -> Any:
        if not self.absence.may_ask():
            raise redis.ConnectionError(LEFT_ALONE)
        try:
            connection = super().get_connection(*arguments, **named)
        except redis.TimeoutError:
            self.lost()
            raise
        self.absence.answered()
        return connection

    def lost(self) -> None:
        """Note that it did not answer. What is kept is closed: to make a connection tells whether it does again."""
        self.absence.failed()
        self.disconnect(inuse_connections=False)


class _Redis(redis.Redis):
    """A client that notes what was not answered."""

    def execute_command(self, *arguments: Any, **named: Any) -> Any:
        try:
            return super().execute_command(*arguments, **named)  # type: ignore[no-untyped-call] # redis types only some
        except redis.TimeoutError:
            pool = self.connection_pool
            if isinstance(pool, _Pool):
                pool.lost()
            raise

"""kombu's transport over Redis, with one client a channel.

kombu makes a new `redis.Redis` for every message that is sent or acknowledged; each fills a table of a hundred
commands, which is a tenth of what Celery costs. A client is a mere front of its pool of connections, so one will do.
"""

from collections.abc import Callable
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

SCHEMES = ("redis", "rediss")


class Channel(redis.Channel):
    """A channel that keeps its client for as long as it keeps its pool."""

    _kept: tuple[object, Any] = (None, None)

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return self._make_client(asynchronous=True)
        pool, client = self._kept
        if pool is not self.pool:
            client = self._make_client(asynchronous=False)
            self._kept = (self.pool, client)
        return client

    _make_client: Callable[..., Any] = redis.Channel._create_client  # noqa: SLF001 - kombu's hook for it


class Transport(redis.Transport):
    """The transport whose channels these are."""

    Channel = Channel


def use() -> None:
    """Have kombu take this transport for URLs of Redis."""
    for scheme in SCHEMES:
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"

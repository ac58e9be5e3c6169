"""A line between two workers, over Redis: what each says to the other, in order, sealed.

    shipd:line:TOKEN:0, :1          what was said by the end of this number, and not yet heard
    shipd:line:TOKEN:0:here, :1:here   there while this end is; gone when it said nothing for ALIVE_S

A line is a hint like every message: where Redis goes away the line is dead, and each end goes on without the other.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from domain import redis_client
from domain.db import Database
from domain.errors import Unavailable
from domain.seals import Seals

ALIVE_S = 3
LEFT_S = 60
"""How long what nobody hears is kept."""
TIMEOUT_S = 2.0
"""How long Redis may take to connect or to answer; nobody listens as long at a time."""
MAX_BYTES = 64 * 1024 * 1024


class LineDead(Exception):  # noqa: N818 - it says what is the case
    """The other end is gone, or Redis is, or somebody else speaks on the line."""


class Lines:
    """Makes lines; safe to share between threads, not to carry over a fork."""

    def __init__(self, db: Database, redis_url: str) -> None:
        self._seals = Seals(db)
        self._redis = redis_client.client(redis_url, TIMEOUT_S)

    def end(self, token: str, number: int) -> "Line":
        """Give end 0 or 1 of a line. Raises LineDead."""
        return Line(self._redis, self._seals, token, number)

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()


class Line:
    """One end of a line. One thread says, one hears."""

    def __init__(self, client: "redis.Redis", seals: Seals, token: str, number: int) -> None:
        self._redis = client
        self._seals = seals
        self._out, self._in = (f"shipd:line:{token}:{one}" for one in (number, 1 - number))
        self._said = self._heard = 0
        self.keep()

    def keep(self) -> None:
        """Tell that this end is still there. Raises LineDead."""
        with _alive():
            self._redis.set(f"{self._out}:here", 1, ex=ALIVE_S)

    def say(self, data: bytes) -> None:
        """Say something to the other end. Raises LineDead; ValueError where it is too long."""
        if len(data) > MAX_BYTES:
            raise ValueError(f"{len(data)} bytes are too much for a line")
        with _alive(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.rpush(self._out, self._seals.sealed(_name(self._out, self._said), data))
            pipeline.expire(self._out, LEFT_S)
            pipeline.set(f"{self._out}:here", 1, ex=ALIVE_S)
            pipeline.execute()
        self._said += 1

    def hear(self, wait_s: float, *, alone: bool = False) -> bytes | None:
        """Wait for what the other end says next; None where it says nothing for a while. Raises LineDead.

        It is no fault that the other end is not there where we are `alone` yet.
        """
        self.keep()
        with _alive():
            said = self._redis.blpop([self._in], min(wait_s, TIMEOUT_S / 2))
        if said is None or not isinstance(said[1], bytes):
            if not alone and not self.connected():
                raise LineDead("the other end is gone")
            return None
        data = self._seals.opened(_name(self._in, self._heard), said[1])
        if data is None:
            raise LineDead("what was said was not sealed by the other end")
        self._heard += 1
        return data

    def connected(self) -> bool:
        """Whether the other end is there. Raises LineDead where Redis is not."""
        with _alive():
            return bool(self._redis.exists(f"{self._in}:here"))

    def close(self) -> None:
        """Leave; nobody needs what was not heard. Raises LineDead."""
        with _alive():
            self._redis.delete(self._in, f"{self._out}:here")


def _name(key: str, count: int) -> bytes:
    return f"{key}:{count}".encode()


@contextmanager
def _alive() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise LineDead(f"Redis does not answer: {error}") from error
    except Unavailable as error:
        raise LineDead(str(error)) from error

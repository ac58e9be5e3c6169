"""What is typed for an interactive run, on its way to the program: a Redis stream for each execution.

    shipd:stdin:EXECUTION    fields `data`, any bytes, and `eof`, which ends it

It is read from its beginning, so that an execution whose worker died is given all of it again, and removed with the
execution's end. Whoever writes there says how long it lives and how much it may hold.
"""

from dataclasses import dataclass
from typing import cast
from uuid import UUID

import redis

from domain import redis_client
from domain.errors import Unavailable
from domain.logging import logger
from domain.redis_client import TIMEOUT_S

BEGINNING = b"0"

log = logger(__name__)


@dataclass(frozen=True)
class Piece:
    """One entry; `place` is where the next one is looked for."""

    place: bytes
    data: bytes
    is_end: bool


class TypedInput:
    """Reads what is typed; safe to share between threads, not to carry over a fork."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis_client.client(redis_url, TIMEOUT_S)

    def next(self, execution_id: UUID, place: bytes, wait_ms: int) -> Piece | None:
        """Give the entry after `place`, waiting for one up to `wait_ms` (below a second). Raises Unavailable."""
        try:
            answer = self._redis.xread({stream_of(execution_id): place}, count=1, block=wait_ms)
        except (redis.RedisError, OSError) as error:
            raise Unavailable(f"Redis does not answer: {error}") from error
        # redis-py does not say that this is a list of streams, each with its entries.
        for _, entries in cast("list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]", answer or []):
            for entry, fields in entries:
                return Piece(entry, fields.get(b"data", b""), fields.get(b"eof") == b"1")
        return None

    def forget(self, execution_id: UUID) -> None:
        """Remove what was typed. Never raises: what cannot be removed ends by itself."""
        try:
            self._redis.delete(stream_of(execution_id))
        except (redis.RedisError, OSError) as error:
            log.warning("typed_input_left", execution_id=str(execution_id), error=str(error))

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()


def stream_of(execution_id: UUID) -> str:
    """Name the stream of one execution."""
    return f"shipd:stdin:{execution_id}"

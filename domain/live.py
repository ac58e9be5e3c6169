"""Live events of executions: what happens while one is graded, in Redis streams, for whoever looks on.

    shipd:live             of all executions, for those who hand events on; the newest ten thousand or so
    shipd:live:EXECUTION   of one, under the same ids, for those who come later or again; gone some time after its end

Hints like all that is in Redis: what cannot be told is lost, and PostgreSQL has the truth. Events and their data:

    state        {state, verdict, reason}
    test_result  {ordinal, name, is_hidden, verdict, reason, points, usage}
    output       {ordinal, stream, offset, data}, data as text or {"base64"}; {..., truncated: true} where there is more
    done         {state, verdict, reason}: the last one
"""

import time
from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from domain.logging import logger

TIMEOUT_S = 1.0
"""How long Redis may take to connect or to answer."""
PAUSE_S = 5.0
"""So long nothing more is told to a Redis that did not answer: grading must not wait for it again and again."""
ALL_EVENTS = "shipd:live"
MOST_EVENTS = 10_000
MOST_OF_ONE = 2_000
TTL_S = 3_600
DONE_TTL_S = 60
"""Of an execution that is over: then PostgreSQL tells all of it, and each stream takes Redis 4 KiB at least."""

Event = tuple[str, Mapping[str, object]]

_APPEND = """
for at = 3, #ARGV, 2 do
    local fields = {'execution', ARGV[1], 'event', ARGV[at], 'data', ARGV[at + 1]}
    local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', MOST_EVENTS, '*', unpack(fields))
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', MOST_OF_ONE, id, unpack(fields))
end
redis.call('EXPIRE', KEYS[2], ARGV[2])
""".replace("MOST_EVENTS", str(MOST_EVENTS)).replace("MOST_OF_ONE", str(MOST_OF_ONE))

log = logger(__name__)


class Live:
    """Tells events; safe to share between threads, not to carry over a fork."""

    def __init__(self, redis_url: str) -> None:
        # One more try at once: a connection kept from before a restart of Redis fails once.
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
        )
        self._append = self._redis.register_script(_APPEND)
        self._away_until = 0.0

    def append(self, execution_id: UUID, event: str, data: Mapping[str, object]) -> None:
        """Tell one event. Never raises: what cannot be told is logged."""
        self.append_all(execution_id, [(event, data)])

    def append_all(self, execution_id: UUID, events: Sequence[Event]) -> None:
        """Tell several events of one execution, in order, in one go. Never raises: what cannot be told is logged."""
        if not events or time.monotonic() < self._away_until:
            return
        ttl_s = DONE_TTL_S if events[-1][0] == "done" else TTL_S
        arguments: list[str | int | bytes] = [str(execution_id), ttl_s]
        for event, data in events:
            arguments += [event, orjson.dumps(data)]
        try:
            self._append([ALL_EVENTS, stream_of(execution_id)], arguments)
        except (redis.RedisError, OSError) as error:
            self._away_until = time.monotonic() + PAUSE_S
            log.warning("events_not_told", execution_id=str(execution_id), pause_s=PAUSE_S, error=str(error))

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()


def stream_of(execution_id: UUID) -> str:
    """Name the stream of one execution."""
    return f"{ALL_EVENTS}:{execution_id}"

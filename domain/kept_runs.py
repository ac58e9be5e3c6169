"""Results of runs in Redis for a while, sealed: who can write to Redis but not to PostgreSQL cannot forge one.

    shipd:run:HEX          an entry: its seal, then what was kept; gone when its time is over
    shipd:runs             what there is, by when it ends
    shipd:runs:bytes       what all of it takes

Redis is also the broker, so what is kept has a bound: for what comes, what would end first goes. A lost entry costs a
run, and every failure here is one of Redis or PostgreSQL being away: Unavailable.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import redis

from domain import redis_client
from domain.db import Database
from domain.errors import Unavailable
from domain.redis_client import TIMEOUT_S
from domain.seals import Seals

AT_ONCE = 16
"""As many entries are asked for in one go."""
_PREFIX = "shipd:run:"
_INDEX, _TOTAL = "shipd:runs", "shipd:runs:bytes"

# The clock is Redis's own. A member of the index is the entry's name and what it takes: with the names around it.
_KEEP = """
local entry, index, total = KEYS[1], KEYS[2], KEYS[3]
local data, ttl_ms, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local size = #data + 400

local function forget(member)
    local name, bytes = string.match(member, '^(.*) (%d+)$')
    redis.call('ZREM', index, member)
    redis.call('DEL', name)
    redis.call('DECRBY', total, bytes)
end

if size > most or redis.call('EXISTS', entry) == 1 then
    return 0
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, 1000)) do
    forget(member)
end
while tonumber(redis.call('GET', total) or '0') + size > most do
    local oldest = redis.call('ZRANGE', index, 0, 0)[1]
    if not oldest then
        redis.call('DEL', total)
        break
    end
    forget(oldest)
end
redis.call('SET', entry, data, 'PX', ttl_ms)
if redis.call('ZADD', index, now + ttl_ms, entry .. ' ' .. size) == 1 then
    redis.call('INCRBY', total, size)
end
redis.call('PEXPIRE', index, 2 * ttl_ms)
redis.call('PEXPIRE', total, 2 * ttl_ms)
return 1
"""


class KeptRuns:
    """What one instance keeps; safe to share between threads, not to carry over a fork."""

    def __init__(self, db: Database, redis_url: str, *, max_bytes: int, ttl_s: int) -> None:
        self._redis = redis_client.client(redis_url, TIMEOUT_S)
        self._keep = self._redis.register_script(_KEEP)
        self._seals = Seals(db)
        self.max_bytes = max_bytes
        self.ttl_s = ttl_s

    def find(self, keys: Sequence[bytes], most_bytes: int) -> Mapping[bytes, bytes]:
        """Give what is there under these keys and was sealed by us, the first of them until it is `most_bytes`.

        Raises Unavailable.
        """
        found: dict[bytes, bytes] = {}
        held = 0
        for start in range(0, len(keys), AT_ONCE):
            for key, entry in self._entries(keys[start : start + AT_ONCE]):
                held += len(entry)
                if held > most_bytes:
                    return found
                if (data := self._seals.opened(key, entry)) is not None:
                    found[key] = data
        return found

    def keep(self, entries: Mapping[bytes, bytes]) -> None:
        """Keep these by their keys, for as long as the setting says. The first of two stays. Raises Unavailable."""
        with _available(), self._redis.pipeline(transaction=False) as pipeline:
            for key, data in entries.items():
                arguments: list[bytes | int] = [self._seals.sealed(key, data), self.ttl_s * 1000, self.max_bytes]
                self._keep([_name(key), _INDEX, _TOTAL], arguments, pipeline)
            pipeline.execute()

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _entries(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        with _available():
            entries = self._redis.mget([_name(key) for key in keys])
        for key, entry in zip(keys, entries, strict=True):
            if isinstance(entry, bytes):
                yield key, entry


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise Unavailable(f"Redis does not answer: {error}; try again") from error


def _name(key: bytes) -> str:
    return _PREFIX + key.hex()

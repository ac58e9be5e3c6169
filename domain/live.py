"""Live events: what happens to an execution while it happens, on Redis streams. Hints: PostgreSQL has the truth.

    shipd:live                  everybody's events, for the processes that fan them out (domain/listening)
    shipd:live:<execution>      one execution's, under the same ids, for whoever comes later or comes back
    shipd:stdin:<execution>     what is typed into an interactive run, for the worker that runs it

An event's id is its place in both streams, and what `Last-Event-ID` names. Events and their data:

    state        {state, verdict, reason}
    test_result  {ordinal, name, is_hidden, verdict, reason, points, usage}
    output       {ordinal, stream, offset, data}, data as text or {"base64"}; {..., truncated: true} where there is more
    done         {state, verdict, reason}: the last one
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import orjson
import redis

from domain import redis_client, typed
from domain.errors import Unavailable
from domain.logging import logger
from domain.redis_client import TIMEOUT_S

BLOCK_S = 5.0
"""How long it may say nothing because there is nothing to say."""
GLOBAL = "shipd:live"
GLOBAL_MOST = 10_000
OWN_MOST = 2_000
"""About as many events are kept of everybody's, and of one execution's."""
TTL_S = 3600
"""So long after its last event an execution's are kept."""
DONE_TTL_S = 60
"""And so long after its end: then PostgreSQL tells all of it, and each stream takes Redis 4 KiB at least."""
PAUSE_S = 5.0
"""So long nothing more is told to a Redis that did not answer: grading must not wait for it again and again."""
TYPED_MOST = 5_000
TYPED_MOST_BYTES = 16 * 1024 * 1024
"""As many messages of stdin are taken for one execution, and as much of Redis's memory, however many type."""
AT_ONCE = 1_000
"""As many events are read in one go."""

DONE = "done"
STATE = "state"
START = (0, 0)

_ID = re.compile(r"([0-9]{1,19})-([0-9]{1,19})", re.ASCII)

_APPEND = """
for at = 5, #ARGV, 2 do
    local fields = {'execution', ARGV[1], 'event', ARGV[at], 'data', ARGV[at + 1]}
    local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', unpack(fields))
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], id, unpack(fields))
end
redis.call('EXPIRE', KEYS[2], ARGV[4])
"""
_TYPE = """
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
if (redis.call('MEMORY', 'USAGE', KEYS[1]) or 0) >= tonumber(ARGV[5]) then return 0 end
redis.call('XADD', KEYS[1], '*', ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""

Entries = list[tuple[str, dict[str, str]]]
"""What Redis gives of a stream; redis-py types only some of it."""
Place = tuple[int, int]
"""An event's id, so that later ones compare greater."""
Telling = tuple[str, Mapping[str, object]]
"""Name and data of an event that is to be told."""

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `data` is a JSON object, on one line; one that is on no stream has no `place`."""

    name: str
    data: str
    place: Place | None = None

    @property
    def id(self) -> str | None:
        """The id as Redis and clients write it."""
        return None if self.place is None else written(self.place)

    @property
    def size_bytes(self) -> int:
        """About what it takes to tell it, for those who count what is not told yet."""
        return len(self.data) + 100


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read of everybody's events in one go."""

    last: Place
    """From where to read on."""
    entries: int
    events: list[tuple[UUID, Event]]
    """Each with its execution's id."""


def event(name: str, data: Mapping[str, object], place: Place | None = None) -> Event:
    """Make an event of what it says."""
    return Event(name, orjson.dumps(data).decode(), place)


def place(text: str) -> Place | None:
    """Read an id; None where it is none."""
    found = _ID.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]))


def written(where: Place) -> str:
    """Write an id."""
    return f"{where[0]}-{where[1]}"


class Live:
    """The streams; safe to share between threads, and nothing is connected before it is used."""

    def __init__(self, redis_url: str) -> None:
        self._redis = _client(redis_url)
        self._patient = _client(redis_url, socket_timeout=BLOCK_S + TIMEOUT_S)
        self._append = self._redis.register_script(_APPEND)
        self._type = self._redis.register_script(_TYPE)
        self._away_until = 0.0

    def append(self, execution_id: UUID, event: str, data: Mapping[str, object]) -> None:
        """Tell what happened to an execution. Never raises: what cannot be told is logged."""
        self.append_all(execution_id, [(event, data)])

    def append_all(self, execution_id: UUID, events: Sequence[Telling]) -> None:
        """Tell several events of one execution, in order, in one go. Never raises: what cannot be told is logged."""
        if not events or time.monotonic() < self._away_until:
            return
        ttl_s = DONE_TTL_S if events[-1][0] == DONE else TTL_S
        arguments: list[str | int | bytes] = [str(execution_id), GLOBAL_MOST, OWN_MOST, ttl_s]
        for event, data in events:
            arguments += [event, orjson.dumps(data)]
        try:
            self._append([GLOBAL, stream_of(execution_id)], arguments)
        except (redis.RedisError, OSError) as error:
            self._away_until = time.monotonic() + PAUSE_S
            log.warning("events_not_told", execution_id=str(execution_id), pause_s=PAUSE_S, error=str(error))

    def past(self, execution_id: UUID, after: Place) -> list[Event]:
        """Give an execution's events that are kept, later than `after`. Raises redis.RedisError, OSError."""
        found: list[Event] = []
        while True:
            entries = self._range(stream_of(execution_id), f"({written(after)}", AT_ONCE)
            found += [_event(entry_id, fields) for entry_id, fields in entries]
            if len(entries) < AT_ONCE:
                return found
            after = _place(entries[-1][0])

    def last(self, execution_id: UUID) -> Event | None:
        """Give an execution's last event, if any is kept. Raises redis.RedisError, OSError."""
        entries = cast("Entries", self._redis.xrevrange(stream_of(execution_id), count=1))
        return _event(*entries[0]) if entries else None

    def newest(self) -> Place:
        """Give the place of the last event of anybody's. Raises redis.RedisError, OSError."""
        entries = cast("Entries", self._redis.xrevrange(GLOBAL, count=1))
        return _place(entries[0][0]) if entries else START

    def oldest(self) -> Place:
        """Give the place of the first event that is kept of everybody's. Raises redis.RedisError, OSError."""
        entries = self._range(GLOBAL, "-", 1)
        return _place(entries[0][0]) if entries else START

    def following(self, after: Place) -> "Batch":
        """Wait for everybody's next events; none came where it has no entries. Raises redis.RedisError, OSError."""
        answer = self._patient.xread({GLOBAL: written(after)}, count=AT_ONCE, block=int(BLOCK_S * 1000))
        entries = _entries(answer)
        return Batch(_place(entries[-1][0]) if entries else after, len(entries), list(_understood(entries)))

    def type(self, execution_id: UUID, data: bytes | None) -> bool:
        """Pass on what was typed, None for its end; False where that is too much already. Raises Unavailable."""
        field, value = ("eof", b"1") if data is None else ("data", data)
        arguments: list[str | int | bytes] = [TYPED_MOST, field, value, TTL_S, TYPED_MOST_BYTES]
        try:
            return bool(self._type([typed.stream_of(execution_id)], arguments))
        except (redis.RedisError, OSError) as error:
            raise Unavailable(f"Redis does not take what was typed: {error}; try again") from error

    def _range(self, stream: str, first: str, most: int) -> "Entries":
        return cast("Entries", self._redis.xrange(stream, min=first, count=most))

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()
        self._patient.close()


def _client(url: str, **options: object) -> "redis.Redis":
    return redis_client.client(url, TIMEOUT_S, decode_responses=True, **options)


def stream_of(execution_id: UUID) -> str:
    """Name the stream of one execution."""
    return f"{GLOBAL}:{execution_id}"


def _place(entry_id: str) -> Place:
    found = place(entry_id)
    if found is None:
        raise ValueError(f"Redis gave {entry_id!r} for the id of an event")
    return found


def _event(entry_id: str, fields: Mapping[str, str]) -> Event:
    return Event(fields["event"], fields["data"], _place(entry_id))


def _understood(entries: Entries) -> Iterator[tuple[UUID, Event]]:
    """Pass over what another release, or somebody else, left there: nobody must be kept from what comes next."""
    for entry_id, fields in entries:
        try:
            yield UUID(fields["execution"]), _event(entry_id, fields)
        except (KeyError, ValueError) as error:
            log.warning("live_event_not_understood", id=entry_id, error=str(error))


def _entries(answer: object) -> Entries:
    """Read what XREAD gave: by streams as pairs or, in the third version of Redis's protocol, as an object."""
    streams = list(answer.values()) if isinstance(answer, Mapping) else [found for _, found in cast("Pairs", answer)]
    return [entry for entries in streams for entry in entries]


Pairs = list[tuple[str, Entries]]

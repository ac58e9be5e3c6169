"""Kept runs in a real Redis, sealed with a secret in a real PostgreSQL: what was kept comes back, or nothing does."""

import time
from collections.abc import Callable, Iterator, Mapping

import pytest
import redis

from domain.db import Database
from domain.errors import Unavailable
from domain.kept_runs import KeptRuns
from domain.seals import SEAL_BYTES
from standalone import ports
from tests.waiting import eventually

KEYS = [bytes([number]) * 32 for number in range(40)]
ONE, OTHER, *_ = KEYS
MIB = 1 << 20
COST = 400
"""What an entry takes beside its data."""
GONE = -2
"""What Redis gives as the time that is left of what is there no more."""
SEAL = SEAL_BYTES
Rows = Callable[..., list[Mapping[str, object]]]
Open = Callable[..., KeptRuns]


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    """A Redis that holds nothing of ours, before and after."""
    with redis.Redis.from_url(redis_url) as made:
        names = [*made.scan_iter("shipd:run*")]
        assert names == []
        yield made
        if names := [*made.scan_iter("shipd:run*")]:
            made.delete(*names)


@pytest.fixture
def kept(db: Database, redis_url: str, client: "redis.Redis") -> Iterator[Open]:
    assert client.ping()
    made: list[KeptRuns] = []

    def open_(max_bytes: int = MIB, ttl_s: int = 60, url: str = redis_url, db: Database = db) -> KeptRuns:
        made.append(KeptRuns(db, url, max_bytes=max_bytes, ttl_s=ttl_s))
        return made[-1]

    yield open_
    for one in made:
        one.close()


def name(key: bytes) -> str:
    return f"shipd:run:{key.hex()}"


def total(client: "redis.Redis") -> int:
    return int(client.get("shipd:runs:bytes") or 0)


def test_it_gives_back_what_was_kept(kept: Open) -> None:
    runs = kept()
    assert runs.find([ONE, OTHER], MIB) == {}
    runs.keep({ONE: b"\0data", OTHER: b""})
    assert runs.find([OTHER, KEYS[2], ONE], MIB) == {ONE: b"\0data", OTHER: b""}
    assert kept().find([ONE], MIB) == {ONE: b"\0data"}


def test_many_are_asked_for_in_parts(kept: Open) -> None:
    entries = {key: key[:1] for key in KEYS}
    kept().keep(entries)
    assert kept().find(KEYS, MIB) == entries


def test_no_more_is_read_than_was_asked_for(kept: Open) -> None:
    kept().keep(dict.fromkeys(KEYS, b"x" * 100))
    assert list(kept().find(KEYS, 3 * (100 + SEAL))) == KEYS[:3]
    assert list(kept().find(KEYS, 3 * (100 + SEAL) - 1)) == KEYS[:2]


def test_the_first_of_two_stays(kept: Open) -> None:
    kept().keep({ONE: b"first"})
    kept().keep({ONE: b"second"})
    assert kept().find([ONE], MIB) == {ONE: b"first"}


def test_its_time_ends(kept: Open, client: "redis.Redis") -> None:
    kept(ttl_s=1).keep({ONE: b"data"})
    kept(ttl_s=60).keep({OTHER: b"data"})
    left_ms = client.pttl(name(ONE))
    assert left_ms == GONE or 0 < left_ms <= 1000
    eventually(lambda: not kept().find([ONE], MIB))
    kept().keep({KEYS[2]: b"data"})
    assert total(client) == 2 * (SEAL + 4 + COST)
    assert set(kept().find(KEYS, MIB)) == {OTHER, KEYS[2]}


def test_for_what_comes_the_oldest_goes(kept: Open, client: "redis.Redis") -> None:
    size = SEAL + 100 + COST
    for key in KEYS[:5]:
        kept(max_bytes=3 * size).keep({key: b"x" * 100})
        time.sleep(0.002)  # Redis tells the time by the millisecond, and the oldest is to be known
    assert list(kept().find(KEYS, MIB)) == KEYS[2:5]
    assert (total(client), client.zcard("shipd:runs")) == (3 * size, 3)
    assert len([*client.scan_iter("shipd:run:*")]) == 3


def test_what_is_too_large_pushes_nothing_out(kept: Open) -> None:
    kept(max_bytes=1000).keep({ONE: b"x"})
    kept(max_bytes=1000).keep({OTHER: b"x" * 1000})
    assert kept().find([ONE, OTHER], MIB) == {ONE: b"x"}


@pytest.mark.parametrize("lost", ["shipd:runs", "shipd:runs:bytes"])
def test_it_goes_on_where_a_part_of_the_books_is_lost(kept: Open, client: "redis.Redis", lost: str) -> None:
    limit = 3 * (SEAL + 100 + COST)
    kept(max_bytes=limit).keep(dict.fromkeys(KEYS[:3], b"x" * 100))
    client.delete(lost)
    for key in KEYS[3:10]:
        kept(max_bytes=limit).keep({key: b"x" * 100})
    assert KEYS[9] in kept().find(KEYS, MIB)
    assert 0 < total(client) <= limit
    assert client.zcard("shipd:runs") <= 6


def test_a_flushed_redis_is_an_empty_one(kept: Open, client: "redis.Redis") -> None:
    runs = kept()
    runs.keep({ONE: b"data"})
    client.flushdb()
    client.script_flush()
    assert runs.find([ONE], MIB) == {}
    runs.keep({ONE: b"data"})
    assert runs.find([ONE], MIB) == {ONE: b"data"}


@pytest.mark.parametrize(
    "forge",
    [
        lambda entry: entry[:-1],
        lambda entry: entry[:-1] + b"X",
        lambda entry: b"\0" + entry[1:],
        lambda entry: entry[: SEAL - 1],
        lambda entry: entry[SEAL:],
        lambda _: b"",
    ],
    ids=["cut", "changed", "seal changed", "half a seal", "no seal", "empty"],
)
def test_what_was_not_sealed_by_us_is_not_there(
    kept: Open, client: "redis.Redis", forge: Callable[[bytes], bytes]
) -> None:
    kept().keep({ONE: b"data", OTHER: b"other"})
    entry = client.get(name(ONE))
    assert isinstance(entry, bytes)
    client.set(name(ONE), forge(entry))
    assert kept().find([ONE, OTHER], MIB) == {OTHER: b"other"}


def test_what_was_sealed_under_another_key_is_not_there(kept: Open, client: "redis.Redis") -> None:
    kept().keep({ONE: b"data"})
    client.copy(name(ONE), name(OTHER))
    assert kept().find([OTHER], MIB) == {}


def test_what_is_no_string_is_not_there(kept: Open, client: "redis.Redis") -> None:
    client.rpush(name(ONE), "a list")
    kept().keep({OTHER: b"data"})
    assert kept().find([ONE, OTHER], MIB) == {OTHER: b"data"}


def test_books_that_are_somebody_elses_are_no_failure_of_ours(kept: Open, client: "redis.Redis") -> None:
    client.set("shipd:runs", "no sorted set")
    with pytest.raises(Unavailable, match="Redis"):
        kept().keep({ONE: b"data"})


def test_another_database_has_another_secret(kept: Open, rows: Rows) -> None:
    kept().keep({ONE: b"data"})
    rows("UPDATE secrets SET value = decode(repeat('ab', 32), 'hex')")
    assert kept().find([ONE], MIB) == {}
    rows("DELETE FROM secrets")
    with pytest.raises(Unavailable, match="secret"):
        kept().find([ONE], MIB)


def test_the_secret_is_made_for_each_installation(rows: Rows) -> None:
    [row] = rows("SELECT value FROM secrets WHERE name = 'execution_cache'")
    assert isinstance(row["value"], bytes)
    assert len(row["value"]) == 32
    assert len(set(row["value"])) > 10


def test_a_redis_that_is_away_says_so(kept: Open) -> None:
    away = kept(url=f"redis://127.0.0.1:{ports.choose(1)[0]}/0")
    with pytest.raises(Unavailable, match="Redis"):
        away.find([ONE], MIB)
    with pytest.raises(Unavailable, match="Redis"):
        away.keep({ONE: b"data"})

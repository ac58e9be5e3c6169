"""A line between two workers in a real Redis: what is said is heard, in order, from the other end and nobody else."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import redis

from domain import line
from domain.db import Database
from domain.line import MAX_BYTES, Line, LineDead, Lines
from standalone import ports

SHORT_S = 0.05
Ends = tuple[Line, Line]


@pytest.fixture(autouse=True)
def long_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is to be gone is gone by what a test does: nobody is because the machine stood still."""
    monkeypatch.setattr(line, "ALIVE_S", 60)


@pytest.fixture
def lines(db: Database, redis_url: str) -> Iterator[Lines]:
    with closing(Lines(db, redis_url)) as made:
        yield made


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url) as made:
        yield made


@pytest.fixture
def token() -> str:
    return secrets.token_hex(16)


@pytest.fixture
def ends(lines: Lines, token: str) -> Iterator[Ends]:
    first, second = lines.end(token, 0), lines.end(token, 1)
    yield first, second
    first.close()
    second.close()


def test_what_is_said_is_heard_in_order_at_the_other_end(ends: Ends) -> None:
    first, second = ends
    for word in (b"one", b"", b"\x00\xff" * 100_000):
        first.say(word)
    second.say(b"mine")
    assert [second.hear(1) for _ in range(3)] == [b"one", b"", b"\x00\xff" * 100_000]
    assert first.hear(1) == b"mine"


def test_who_says_nothing_is_not_waited_for_long(ends: Ends) -> None:
    assert ends[0].hear(SHORT_S) is None


def test_an_end_that_is_not_there_yet_is_waited_for_by_who_is_alone(lines: Lines, token: str) -> None:
    with closing(lines.end(token, 0)) as first:
        assert first.hear(SHORT_S, alone=True) is None
        with pytest.raises(LineDead, match="gone"):
            first.hear(SHORT_S)
        with closing(lines.end(token, 1)) as second:
            assert second.connected()
            assert first.hear(SHORT_S) is None
        with pytest.raises(LineDead, match="gone"):
            first.hear(SHORT_S)


def test_an_end_that_shows_no_sign_of_life_is_gone(ends: Ends, client: "redis.Redis", token: str) -> None:
    left = client.pttl(f"shipd:line:{token}:1:here")
    assert isinstance(left, int)
    assert 0 < left <= line.ALIVE_S * 1000
    client.delete(f"shipd:line:{token}:1:here")  # as when that time is over
    with pytest.raises(LineDead, match="gone"):
        ends[0].hear(SHORT_S)


def forged(client: "redis.Redis", key: str) -> None:
    client.lpush(key, bytes(32) + b"AC")


def said_again(client: "redis.Redis", key: str) -> None:
    client.rpush(key, *client.lrange(key, 0, -1))


def cut(client: "redis.Redis", key: str) -> None:
    [entry] = client.lrange(key, 0, -1)
    client.delete(key)
    client.rpush(key, entry[:-1])


@pytest.mark.parametrize("meddle", [forged, said_again, cut])
def test_what_the_other_end_did_not_say_kills_the_line(
    ends: Ends, client: "redis.Redis", token: str, meddle: Callable[["redis.Redis", str], None]
) -> None:
    ends[1].say(b"WA")
    meddle(client, f"shipd:line:{token}:1")
    with pytest.raises(LineDead, match="sealed"):
        for _ in range(2):
            ends[0].hear(1)


def test_what_one_said_itself_is_not_taken_for_the_other_ends_words(
    ends: Ends, client: "redis.Redis", token: str
) -> None:
    ends[0].say(b"mine")
    client.rename(f"shipd:line:{token}:0", f"shipd:line:{token}:1")
    with pytest.raises(LineDead, match="sealed"):
        ends[0].hear(1)


def test_too_much_at_a_time_is_refused(ends: Ends) -> None:
    with pytest.raises(ValueError, match="too much"):
        ends[0].say(bytes(MAX_BYTES + 1))


def test_nothing_is_left_of_a_line(ends: Ends, client: "redis.Redis", token: str) -> None:
    for end in ends:
        end.say(b"nobody hears this")
    for end in ends:
        end.close()
    assert client.keys(f"shipd:line:{token}:*") == []


def test_without_redis_a_line_is_dead(db: Database) -> None:
    [port] = ports.choose(1)
    with closing(Lines(db, f"redis://127.0.0.1:{port}/0")) as lines, pytest.raises(LineDead, match="Redis"):
        lines.end("0", 0)

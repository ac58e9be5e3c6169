"""Live events in a real Redis: streams, ids, bounds, and a Redis that is away or slow."""

import socket
from collections.abc import Iterator, MutableMapping
from contextlib import closing
from typing import cast
from uuid import UUID

import pytest
import redis
import structlog

from domain import live as module
from domain.ids import new_id
from domain.live import DONE_TTL_S, GLOBAL, OWN_MOST, TTL_S, Live, stream_of
from standalone import ports

RUNNING = {"state": "running", "verdict": None, "reason": None}


@pytest.fixture
def live(redis_url: str) -> Iterator[Live]:
    with closing(Live(redis_url)) as made:
        yield made


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with closing(redis.Redis.from_url(redis_url)) as made:
        yield made


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, object]]]:
    with structlog.testing.capture_logs() as events:
        yield events


def entries(client: "redis.Redis", name: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    return cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(name))


def test_it_works(live: Live, client: "redis.Redis") -> None:
    own = new_id()
    live.append(own, "state", RUNNING)
    [(place, fields)] = entries(client, stream_of(own))
    assert fields == {
        b"execution": str(own).encode(),
        b"event": b"state",
        b"data": b'{"state":"running","verdict":null,"reason":null}',
    }
    assert dict(entries(client, GLOBAL))[place] == fields
    assert 0 < client.ttl(stream_of(own)) <= TTL_S


def test_several_are_in_order_and_the_end_is_soon_forgotten(live: Live, client: "redis.Redis") -> None:
    own = new_id()
    live.append_all(own, [("state", RUNNING), ("output", {"data": "ünï"}), ("done", {"state": "done"})])
    found = entries(client, stream_of(own))
    assert [fields[b"event"] for _, fields in found] == [b"state", b"output", b"done"]
    assert [place for place, _ in found] == sorted(place for place, _ in found)
    assert 0 < client.ttl(stream_of(own)) <= DONE_TTL_S


def test_nothing_is_told_of_nothing(live: Live, client: "redis.Redis") -> None:
    own = new_id()
    live.append_all(own, [])
    assert not client.exists(stream_of(own))


def test_one_execution_has_a_bound(live: Live, client: "redis.Redis") -> None:
    own = new_id()
    live.append_all(own, [("state", RUNNING)] * (2 * OWN_MOST))
    assert client.xlen(stream_of(own)) < 1.2 * OWN_MOST
    client.delete(GLOBAL)


def test_without_redis_it_does_not_raise_and_says_so_once(logged: list[MutableMapping[str, object]]) -> None:
    with closing(Live(f"redis://127.0.0.1:{ports.choose(1)[0]}/0")) as away:
        for _ in range(3):
            away.append(UUID(int=1), "state", RUNNING)
    assert [entry["event"] for entry in logged] == ["events_not_told"]


def test_a_redis_that_hangs_is_not_waited_for_again(
    monkeypatch: pytest.MonkeyPatch, logged: list[MutableMapping[str, object]]
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.05)
    hung = socket.create_server(("127.0.0.1", 0))
    with hung, closing(Live(f"redis://127.0.0.1:{hung.getsockname()[1]}/0")) as live:
        for _ in range(100):
            live.append(UUID(int=1), "state", RUNNING)
    assert len(logged) == 1


def test_it_tells_again_after_a_while(monkeypatch: pytest.MonkeyPatch, redis_url: str, client: "redis.Redis") -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    own = new_id()
    with closing(Live(redis_url)) as live:
        monkeypatch.setattr(live, "_append", _failing_once(live))
        live.append(own, "state", RUNNING)
        live.append(own, "state", RUNNING)
    assert client.xlen(stream_of(own)) == 1


def _failing_once(live: Live) -> object:
    works, failures = live._append, [redis.ConnectionError("away")]

    def append(*arguments: object) -> object:
        if failures:
            raise failures.pop()
        return works(*arguments)  # type: ignore[arg-type]

    return append

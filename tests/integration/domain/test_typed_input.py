"""What is typed for an interactive run, in a real Redis."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from domain.errors import Unavailable
from domain.ids import new_id
from domain.typed import BEGINNING, TypedInput, stream_of
from standalone import ports


@pytest.fixture
def typed(redis_url: str) -> Iterator[TypedInput]:
    with closing(TypedInput(redis_url)) as made:
        yield made


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with closing(redis.Redis.from_url(redis_url)) as made:
        yield made


def test_it_is_read_in_order_and_can_be_read_again(typed: TypedInput, client: "redis.Redis") -> None:
    own = new_id()
    for fields in ({"data": b"\xff\x00"}, {"data": "two\n"}, {"eof": "1"}):
        client.xadd(stream_of(own), fields)  # type: ignore[arg-type]
    for _ in range(2):
        place, found = BEGINNING, []
        while (piece := typed.next(own, place, 10)) is not None:
            place = piece.place
            found.append((piece.data, piece.is_end))
        assert found == [(b"\xff\x00", False), (b"two\n", False), (b"", True)]


def test_what_stands_there_is_data_and_no_more(typed: TypedInput, client: "redis.Redis") -> None:
    own = new_id()
    client.xadd(stream_of(own), {"other": "x", "eof": "yes"})
    piece = typed.next(own, BEGINNING, 10)
    assert piece is not None
    assert (piece.data, piece.is_end) == (b"", False)


def test_nothing_typed_is_nothing(typed: TypedInput) -> None:
    assert typed.next(new_id(), BEGINNING, 10) is None


def test_it_is_forgotten(typed: TypedInput, client: "redis.Redis") -> None:
    own = new_id()
    client.xadd(stream_of(own), {"data": "x"})
    typed.forget(own)
    assert not client.exists(stream_of(own))


def test_redis_away_is_said() -> None:
    with closing(TypedInput(f"redis://127.0.0.1:{ports.choose(1)[0]}/0")) as away:
        with pytest.raises(Unavailable, match="Redis does not answer"):
            away.next(new_id(), BEGINNING, 10)
        away.forget(new_id())

"""A listener is told of what is written, once a run has lasted for a while; no jail is needed to see it."""

import math
import os
from collections.abc import Callable, Iterator

import pytest

from sandbox.streams import CHUNK_BYTES, Feed, Streams
from sandbox.telling import QUIET_S, Telling

Piece = tuple[str, int, bytes]


@pytest.fixture
def streams() -> Iterator[Streams]:
    made = Streams.open(10, None)
    yield made
    made.close()


def collecting(found: list[Piece], *, wants: bool = True) -> Callable[[str, int, bytes], bool]:
    def hear(name: str, offset: int, data: bytes) -> bool:
        found.append((name, offset, data))
        return wants

    return hear


def write(streams: Streams, data: bytes, stream: int = 1) -> None:
    os.write(streams.theirs[stream], data)
    (streams.stdout if stream == 1 else streams.stderr).drain()


def test_it_tells_what_is_new_of_each_stream(streams: Streams) -> None:
    found: list[Piece] = []
    telling = Telling(collecting(found), streams)
    write(streams, b"one")
    telling.tell(QUIET_S)
    write(streams, b"two")
    write(streams, b"oh", stream=2)
    telling.tell(QUIET_S)
    telling.tell(QUIET_S)
    assert found == [("stdout", 0, b"one"), ("stdout", 3, b"two"), ("stderr", 0, b"oh")]


def test_a_short_run_is_not_told_of(streams: Streams) -> None:
    found: list[Piece] = []
    telling = Telling(collecting(found), streams)
    assert telling.patience_s(0.0) == math.inf
    write(streams, b"one")
    telling.tell(QUIET_S / 2)
    assert found == []
    assert telling.patience_s(QUIET_S / 4) == pytest.approx(QUIET_S * 3 / 4)
    telling.tell(QUIET_S)
    assert (found, telling.patience_s(QUIET_S)) == ([("stdout", 0, b"one")], math.inf)


def test_nothing_past_the_cap_is_told(streams: Streams) -> None:
    found: list[Piece] = []
    telling = Telling(collecting(found), streams)
    write(streams, b"twelve bytes")
    telling.tell(QUIET_S)
    assert found == [("stdout", 0, b"twelve byt")]
    assert streams.stdout.overflow


def test_who_wants_no_more_of_a_stream_is_left_alone(streams: Streams) -> None:
    found: list[Piece] = []
    telling = Telling(collecting(found, wants=False), streams)
    write(streams, b"one")
    telling.tell(QUIET_S)
    write(streams, b"two")
    write(streams, b"oh", stream=2)
    telling.tell(QUIET_S)
    assert found == [("stdout", 0, b"one"), ("stderr", 0, b"oh")]
    assert streams.stdout.data == b"onetwo"


def test_stdin_is_handed_over_once_everything_is_in() -> None:
    reader, writer = os.pipe()
    taken: list[int] = []
    feed = Feed(writer)
    feed.taker = taken.append
    assert feed.give(bytes(2 * CHUNK_BYTES)) is True
    assert taken == []
    while feed.feed():
        os.read(reader, CHUNK_BYTES)
    assert (taken, feed.fileno()) == ([writer], -1)
    feed.close()
    os.read(reader, CHUNK_BYTES)
    assert not os.get_blocking(writer)
    assert os.write(writer, b"more") == 4
    os.close(reader)
    os.close(writer)


def test_nobody_is_given_the_stdin_of_a_program_that_reads_no_more() -> None:
    reader, writer = os.pipe()
    taken: list[int] = []
    feed = Feed(writer)
    feed.taker = taken.append
    os.close(reader)
    assert feed.give(b"order") is False
    assert (taken, feed.fileno()) == ([], -1)

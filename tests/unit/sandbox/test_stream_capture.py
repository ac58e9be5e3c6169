import os
import select
import threading
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.streams import CHUNK_BYTES, CHUNKS_AT_ONCE, Capture, Feed, Streams

# Sizes around a chunk's border, by a short piece that is repeated and a tail.
AROUND_A_CHUNK = st.builds(
    lambda piece, size, tail: (piece * (size // len(piece) + 1))[:size] + tail,
    st.binary(min_size=1, max_size=7),
    st.one_of(st.integers(0, 100), st.integers(CHUNK_BYTES - 5, CHUNK_BYTES + 5), st.just(2 * CHUNK_BYTES)),
    st.binary(max_size=5),
)


def captured(data: bytes, cap: int) -> Capture:
    """Write from one thread and drain in this one, as fast as each can."""
    reader, writer = os.pipe()
    capture = Capture(reader, cap)

    def write() -> None:
        with os.fdopen(writer, "wb", buffering=0) as file:
            try:
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
            except BrokenPipeError:
                return

    thread = threading.Thread(target=write)
    thread.start()
    while not capture.overflow and capture.drain():
        select.select([capture], [], [])
    capture.close()
    thread.join()
    return capture


@settings(max_examples=60, deadline=None)
@given(data=AROUND_A_CHUNK)
@example(b"\xff\xfe\x00")
@example("€".encode() * (CHUNK_BYTES // 3 + 1))
def test_any_bytes_in_are_the_same_bytes_out(data: bytes) -> None:
    capture = captured(data, len(data))
    assert capture.data == data
    assert not capture.overflow


@settings(max_examples=60, deadline=None)
@given(data=AROUND_A_CHUNK, over=st.integers(1, 10))
def test_one_byte_more_than_the_cap_is_an_overflow(data: bytes, over: int) -> None:
    cap = max(0, len(data) - over)
    capture = captured(data, cap)
    assert capture.data == data[:cap]
    assert capture.overflow is (len(data) > cap)


def test_what_is_not_there_yet_is_not_waited_for() -> None:
    reader, writer = os.pipe()
    capture = Capture(reader, 10)
    assert capture.drain() is True
    os.write(writer, b"x")
    assert capture.drain() is True
    os.close(writer)
    assert capture.drain() is False
    assert capture.data == b"x"
    capture.close()


def test_an_overflow_is_not_read_any_further() -> None:
    reader, writer = os.pipe()
    capture = Capture(reader, 3)
    os.write(writer, b"12345")
    assert capture.drain() is True
    os.write(writer, b"678")
    assert capture.drain() is True
    assert os.read(reader, 10) == b"678"
    assert (capture.data, capture.overflow) == (b"123", True)
    os.close(writer)
    capture.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A reader and a writer; the writer is given away."""
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)


@settings(max_examples=40, deadline=None)
@given(data=AROUND_A_CHUNK)
def test_any_input_is_given_whole(data: bytes) -> None:
    reader, writer = os.pipe()
    feed = Feed(writer)
    feed.give(data)
    got = bytearray()
    while feed.fileno() >= 0:
        got += os.read(reader, 10_000)
        feed.feed()
    while chunk := os.read(reader, 1 << 20):
        got += chunk
    os.close(reader)
    assert bytes(got) == data


def test_no_input_is_an_end_at_once(pipe: tuple[int, int]) -> None:
    feed = Feed(pipe[1])
    assert feed.give(b"") is False
    assert feed.fileno() == -1
    assert os.read(pipe[0], 1) == b""
    assert feed.feed() is False


def test_a_full_pipe_is_not_waited_for(pipe: tuple[int, int]) -> None:
    feed = Feed(pipe[1])
    feed.give(bytes(10 * CHUNK_BYTES))
    assert feed.fileno() == pipe[1]
    assert feed.feed() is True
    feed.close()
    feed.close()


def test_a_program_that_reads_no_more_is_no_error() -> None:
    reader, writer = os.pipe()
    feed = Feed(writer)
    feed.give(bytes(10 * CHUNK_BYTES))
    os.close(reader)
    assert feed.feed() is False
    assert feed.fileno() == -1


def test_streams_are_three_pipes() -> None:
    streams = Streams.open(10, None)
    streams.feed.give(b"in")
    stdin, stdout, stderr = streams.theirs
    assert os.read(stdin, 10) == b"in"
    os.write(stdout, b"out")
    os.write(stderr, b"err")
    streams.release()
    assert (streams.stdout.drain(), streams.stderr.drain()) == (False, False)
    assert (streams.stdout.data, streams.stderr.data) == (b"out", b"err")
    streams.close()


def test_streams_may_be_the_programs_own() -> None:
    streams = Streams.open(10, os.geteuid())
    assert {os.fstat(descriptor).st_uid for descriptor in streams.theirs} == {os.geteuid()}
    streams.close()
    assert streams.theirs == ()


def test_what_never_ends_is_taken_in_parts() -> None:
    capture = Capture(os.open("/dev/zero", os.O_RDONLY), 1 << 30)
    assert capture.take_some() is True
    assert capture.data == bytes(CHUNKS_AT_ONCE * CHUNK_BYTES)
    capture.close()

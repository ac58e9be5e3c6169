"""What is typed reaches a program's stdin, and whoever does not read it harms nobody."""

import os
import threading
from collections.abc import Iterator, MutableMapping
from uuid import UUID

import pytest

from domain.errors import Unavailable
from domain.typed import BEGINNING, Piece
from sandbox import SandboxError
from workers.typist import Typist, typing

ID = UUID(int=7)
KIB = 1024


class Script:
    """Entries that are there at once; after the last one it has nothing more, or fails."""

    def __init__(self, *pieces: bytes | None, error: Exception | None = None) -> None:
        """None is the end."""
        self.pieces = pieces
        self.error = error
        self.asked: list[bytes] = []
        self.waiting = threading.Event()

    def next(self, execution_id: UUID, place: bytes, wait_ms: int) -> Piece | None:
        assert execution_id == ID
        assert wait_ms < 1000
        self.asked.append(place)
        number = 0 if place == BEGINNING else int(place)
        if number == len(self.pieces):
            if self.error is not None:
                raise self.error
            self.waiting.set()
            return None
        data = self.pieces[number]
        return Piece(str(number + 1).encode(), data or b"", data is None)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A reader, and a writer that is given away."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    yield reader, writer
    os.close(reader)


def read_all(reader: int) -> bytes:
    found = b""
    while chunk := os.read(reader, 64 * KIB):
        found += chunk
    return found


def test_it_types_to_the_end(pipe: tuple[int, int]) -> None:
    source = Script(b"one\n", b"\xff\x00", None, b"late")
    with typing(source, ID) as taker:
        assert taker is not None
        taker(pipe[1])
        assert read_all(pipe[0]) == b"one\n\xff\x00"
    assert source.asked == [BEGINNING, b"1", b"2"]


def test_data_that_comes_with_the_end_is_typed_first(pipe: tuple[int, int]) -> None:
    class Last(Script):
        def next(self, execution_id: UUID, place: bytes, wait_ms: int) -> Piece | None:  # noqa: ARG002 - as it is called
            return Piece(b"1", b"bye", is_end=True)

    with typing(Last(), ID) as taker:
        assert taker is not None
        taker(pipe[1])
        assert read_all(pipe[0]) == b"bye"


def test_each_line_comes_at_once(pipe: tuple[int, int]) -> None:
    source = Script(b"one\n")
    with typing(source, ID) as taker:
        assert taker is not None
        taker(pipe[1])
        assert os.read(pipe[0], KIB) == b"one\n"
        assert source.waiting.wait(30)
    assert read_all(pipe[0]) == b""


def test_more_than_a_pipe_holds_is_typed_as_it_is_read(pipe: tuple[int, int]) -> None:
    pieces = [bytes([number]) * 64 * KIB for number in range(20)]
    with typing(Script(*pieces, None), ID) as taker:
        assert taker is not None
        taker(pipe[1])
        assert read_all(pipe[0]) == b"".join(pieces)


def test_a_program_that_reads_nothing_holds_up_nobody(pipe: tuple[int, int]) -> None:
    source = Script(*[bytes(64 * KIB)] * 160)
    with typing(source, ID) as taker:
        assert taker is not None
        taker(pipe[1])
        assert os.read(pipe[0], 1) == b"\0"
    assert len(source.asked) <= 3  # the rest is where it was


def test_a_program_that_closed_its_stdin_is_no_error() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.close(reader)
    source = Script(b"one", b"two")
    typist = Typist(source, ID)
    typist.take(writer)
    typist.close()
    assert source.asked in ([], [BEGINNING])


def test_redis_away_is_an_end_of_file(pipe: tuple[int, int], logged: list[MutableMapping[str, object]]) -> None:
    with typing(Script(b"one\n", error=Unavailable("Redis does not answer")), ID) as taker:
        assert taker is not None
        taker(pipe[1])
        assert read_all(pipe[0]) == b"one\n"
    assert [entry["event"] for entry in logged] == ["typed_input_ended"]


def test_nobody_types_for_other_runs() -> None:
    with typing(None, ID) as taker:
        assert taker is None


def test_a_run_that_did_not_begin_leaves_nothing() -> None:
    before = set(threading.enumerate())
    with typing(Script(b"one"), ID) as taker:
        assert taker is not None
    assert set(threading.enumerate()) <= before


def test_where_no_thread_can_be_had_it_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    reader, writer = os.pipe()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with typing(Script(), ID) as taker:
        assert taker is not None
        with pytest.raises(SandboxError, match="nobody can type"):
            taker(writer)
    assert os.read(reader, 1) == b""
    os.close(reader)

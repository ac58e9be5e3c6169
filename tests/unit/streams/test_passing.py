import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams import passing

Taken = tuple[bytes, int] | None


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy elsewhere has time to pass anything."""
    monkeypatch.setattr(passing, "TIMEOUT_S", 30.0)


@pytest.fixture
def client() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection as a server has it, and its client's end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        outside = socket.create_connection(server.getsockname())
        inside, _ = server.accept()
    outside.settimeout(10)
    with outside, inside:
        yield inside, outside


class Taker:
    """A stream process, as far as taking goes."""

    def __init__(self, path: Path, take: Callable[[socket.socket], Taken]) -> None:
        self.path = path
        self.taken: list[Taken] = []
        self.errors: list[OSError] = []
        self._take = take
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(os.fspath(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        way, _ = self._server.accept()
        with way:
            try:
                self.taken.append(self._take(way))
            except OSError as error:
                self.errors.append(error)

    def end(self) -> None:
        self._thread.join()
        self._server.close()


@pytest.fixture
def taker(tmp_path: Path) -> Iterator[Callable[..., Taker]]:
    made: list[Taker] = []

    def make(take: Callable[[socket.socket], Taken] = passing.take) -> Taker:
        made.append(Taker(tmp_path / "stream.sock", take))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_it_works(taker: Callable[..., Taker], client: tuple[socket.socket, socket.socket]) -> None:
    inside, outside = client
    there = taker()
    passing.give(there.path, b"a message", inside)
    there.end()

    (taken,) = there.taken
    assert taken is not None
    assert taken[0] == b"a message"
    with socket.socket(fileno=taken[1]) as given:
        given.sendall(b"answered")
        given.shutdown(socket.SHUT_WR)
        assert outside.recv(100) == b"answered"


def test_a_connection_that_was_given_away_cannot_be_written_to_or_ended_here(
    taker: Callable[..., Taker], client: tuple[socket.socket, socket.socket]
) -> None:
    inside, outside = client
    there = taker()
    passing.give(there.path, b"a message", inside)
    with pytest.raises(BrokenPipeError):
        inside.sendall(b"a second answer")
    with pytest.raises(OSError):
        inside.shutdown(socket.SHUT_WR)
        inside.sendall(b"more")
    assert inside.recv(100) == b""
    inside.close()
    there.end()

    (taken,) = there.taken
    assert taken is not None
    with socket.socket(fileno=taken[1]) as given:
        outside.sendall(b"still open")
        assert given.recv(100) == b"still open"


def test_a_long_message_arrives_whole(taker: Callable[..., Taker], client: tuple[socket.socket, socket.socket]) -> None:
    there = taker()
    message = os.urandom(passing.MAX_MESSAGE_BYTES)
    passing.give(there.path, message, client[0])
    there.end()

    (taken,) = there.taken
    assert taken is not None
    os.close(taken[1])
    assert taken[0] == message


def test_too_long_a_message_is_not_sent(tmp_path: Path, client: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(passing.MessageTooLargeError):
        passing.give(tmp_path / "none", bytes(passing.MAX_MESSAGE_BYTES + 1), client[0])


def still_ours(client: tuple[socket.socket, socket.socket]) -> bool:
    inside, outside = client
    inside.sendall(b"ours")
    return outside.recv(100) == b"ours"


def test_without_a_taker_the_connection_stays(tmp_path: Path, client: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(OSError):
        passing.give(tmp_path / "none", b"a message", client[0])

    assert still_ours(client)
    assert not passing.ask(tmp_path / "none")


def test_a_taker_that_dies_before_it_is_ready_leaves_the_connection(
    taker: Callable[..., Taker], client: tuple[socket.socket, socket.socket]
) -> None:
    def die(way: socket.socket) -> Taken:
        _, descriptors, _, _ = socket.recv_fds(way, 1000, 1)
        os.close(descriptors[0])
        return None

    with pytest.raises(OSError):
        passing.give(taker(die).path, b"a message", client[0])

    assert still_ours(client)


def test_a_taker_that_is_too_slow_is_not_told_to_go(
    taker: Callable[..., Taker], client: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing, "TIMEOUT_S", 0.2)
    gave_up = threading.Event()

    def late(way: socket.socket) -> Taken:
        gave_up.wait(10)
        return passing.take(way)

    there = taker(late)
    with pytest.raises(TimeoutError):
        passing.give(there.path, b"a message", client[0])
    gave_up.set()
    there.end()

    assert there.taken == []
    assert len(there.errors) == 1
    assert still_ours(client)


def test_a_question_is_answered(taker: Callable[..., Taker]) -> None:
    there = taker()

    assert passing.ask(there.path)
    there.end()
    assert there.taken == [None]


@pytest.mark.parametrize(
    "sent", [b"", b"\0\0", struct.pack("!I", 10) + b"short", struct.pack("!I", 2**32 - 1) + b"x", b"GET / HTTP/1.1\r\n"]
)
def test_what_is_no_message_is_refused(taker: Callable[..., Taker], sent: bytes) -> None:
    there = taker()
    with socket.socket(socket.AF_UNIX) as way:
        way.connect(os.fspath(there.path))
        way.sendall(sent)
        way.shutdown(socket.SHUT_WR)
        there.end()

    assert there.taken == []
    assert len(there.errors) == 1


def test_a_message_without_a_connection_is_refused(taker: Callable[..., Taker]) -> None:
    there = taker()
    with socket.socket(socket.AF_UNIX) as way:
        way.connect(os.fspath(there.path))
        way.sendall(struct.pack("!I", 2) + b"{}")
        assert way.recv(1) == b""
        there.end()

    assert len(there.errors) == 1


def test_another_users_process_is_refused(taker: Callable[..., Taker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(passing, "_CREDENTIALS", _Somebody())
    there = taker()

    assert not passing.ask(there.path)
    there.end()
    assert [type(error) for error in there.errors] == [PermissionError]


class _Somebody:
    """Reads every sender's credentials as those of user 54321."""

    size = struct.calcsize("3i")

    def unpack(self, packed: bytes) -> tuple[int, int, int]:
        pid, _, group = struct.unpack("3i", packed)
        return pid, 54321, group

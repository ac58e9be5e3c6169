import os
import socket
import struct
from collections.abc import Iterator

import pytest

from sandbox.launcher import Launcher
from sandbox.result import SandboxError


@pytest.fixture
def ends() -> Iterator[tuple[Launcher, socket.socket, int]]:
    """A launcher's line, its other end, and where it says that it has come up."""
    ours, theirs = socket.socketpair()
    reader, writer = os.pipe()
    launcher = Launcher(ours, reader)
    yield launcher, theirs, writer
    theirs.close()
    os.close(writer)


def test_a_line_is_passed_with_the_sizes_that_it_is_for(ends: tuple[Launcher, socket.socket, int]) -> None:
    launcher, theirs, _ = ends
    channel = launcher.ask(1003, (1 << 20, 256), (1 << 30, 4096))
    message, descriptors, _, _ = socket.recv_fds(theirs, 100, 2)
    assert struct.unpack("=IIQQQQ", message) == (1003, 0, 1 << 20, 256, 1 << 30, 4096)
    [line] = descriptors
    os.write(line, b"x")
    assert channel.socket.recv(1) == b"x"
    os.close(line)
    channel.close()
    launcher.close()


def test_one_that_is_gone_is_told(ends: tuple[Launcher, socket.socket, int]) -> None:
    launcher, theirs, _ = ends
    theirs.close()
    with pytest.raises(SandboxError, match="what makes jails is gone"):
        launcher.ask(1000, (1, 1), (1, 1))
    launcher.close()


def test_an_interpreter_says_that_it_has_come_up(ends: tuple[Launcher, socket.socket, int]) -> None:
    launcher, _, writer = ends
    os.write(writer, b"\0")
    launcher.wait_ready()
    launcher.close()


@pytest.mark.parametrize("said", [b"Error in usercustomize", b""])
def test_one_that_does_not_come_up_is_told(
    ends: tuple[Launcher, socket.socket, int], said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.launcher.READY_PATIENCE_S", 0.01)
    launcher, _, writer = ends
    os.write(writer, said)
    with pytest.raises(SandboxError, match="did not come up"):
        launcher.wait_ready()

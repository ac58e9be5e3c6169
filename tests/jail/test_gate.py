"""A gate: who opens a file is held until the file is there."""

import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sandbox import SandboxError, gate
from sandbox.box import Box
from sandbox.gate import Gate, GatedBox
from tests.descriptors import open_descriptors

PATIENCE_S = 30.0
NOBODY_S = 0.05


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Box(os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY), None) as made:
        yield made


@contextmanager
def reader(folder: Path, path: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that reads the file."""
    with subprocess.Popen(["/usr/bin/cat", path], cwd=folder, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def waiting(gate: Gate, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that is held."""
    with reader(folder, gate.path) as process:
        gate.wait(process.pid, (), PATIENCE_S)
        yield process


def said(process: subprocess.Popen[bytes]) -> bytes:
    return process.communicate(timeout=PATIENCE_S)[0]


def test_this_host_can_hold_a_program() -> None:
    assert gate.able()


def test_who_is_held_reads_what_was_written_meanwhile(box: Box, tmp_path: Path) -> None:
    with closing(Gate(box, "a/b.txt")) as held, waiting(held, tmp_path) as process:
        gated = GatedBox(box, held)
        gated.write("./a/b.txt", b"text", 0o600)
        gated.write("a/other.txt", b"other")
        assert process.stdout is not None
        assert not select.select([process.stdout], [], [], NOBODY_S)[0]
        held.open()
        assert said(process) == b"text"
        # Once it is open nobody waits there any more.
        with reader(tmp_path, "a/b.txt") as other:
            assert said(other) == b"text"
    assert (tmp_path / "a/b.txt").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a/other.txt").read_bytes() == b"other"


def test_a_file_is_written_once(box: Box) -> None:
    with closing(Gate(box, "x")) as held:
        gated = GatedBox(box, held)
        gated.write("x", b"1")
        with pytest.raises(FileExistsError):
            gated.write("x", b"2")


def test_a_gate_stands_before_a_new_file_only(box: Box) -> None:
    box.write("x", b"")
    with pytest.raises(FileExistsError):
        Gate(box, "x")


def test_who_is_killed_is_held_no_more(box: Box, tmp_path: Path) -> None:
    with closing(Gate(box, "x")) as held, waiting(held, tmp_path) as process:
        process.kill()
        assert process.wait(PATIENCE_S) == -9
        held.fill(b"1", 0o644)
        held.open()


def test_a_keeper_that_is_gone_holds_nobody(box: Box, tmp_path: Path) -> None:
    held = Gate(box, "x")
    with waiting(held, tmp_path) as process:
        held.close()
        assert said(process) == b""
        assert process.returncode == 0


def test_somebody_else_is_no_reason_to_go_on(box: Box, tmp_path: Path) -> None:
    with (
        closing(Gate(box, "x")) as held,
        reader(tmp_path, "x") as process,
        pytest.raises(SandboxError, match=f"{process.pid}.* opened x, not 1 alone"),
    ):
        held.wait(1, (), PATIENCE_S)


def test_who_never_comes_is_waited_for_no_longer_than_that(box: Box, tmp_path: Path) -> None:
    with closing(Gate(box, "x")) as held, reader(tmp_path, "missing") as process:
        with pytest.raises(SandboxError, match="nobody came to open x"):
            held.wait(process.pid, (), NOBODY_S)
        ended = os.pidfd_open(process.pid)
        with pytest.raises(SandboxError, match="nobody came to open x"):
            held.wait(process.pid, (ended,), PATIENCE_S)
        os.close(ended)


def test_nothing_is_left_open(box: Box, tmp_path: Path) -> None:
    before = open_descriptors()
    for name, filled in (("x", False), ("y", True)):
        with closing(Gate(box, name)) as held, waiting(held, tmp_path):
            if filled:
                held.fill(b"1", 0o644)
                held.open()
    assert open_descriptors() <= before


def test_a_host_that_lets_nobody_wait_is_found_out_by_trying(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_OPEN_PERM", 0)  # no mark is set: as a kernel without permission events answers
    gate.able.cache_clear()
    try:
        assert not gate.able()
        before = open_descriptors()
        with pytest.raises(OSError, match="Invalid argument"):
            Gate(box, "x")
        assert open_descriptors() <= before
    finally:
        monkeypatch.undo()
        gate.able.cache_clear()

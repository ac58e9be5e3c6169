import errno
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox import Cause, RunResult, Sandbox, SandboxError, cgroup
from tests.jail.leaks import groups
from tests.jail.running import Change, Runner


def busy(monkeypatch: pytest.MonkeyPatch, times: int, patience_s: float = 60) -> list[Path]:
    """Let the removal of each run's group fail this often."""
    monkeypatch.setattr(cgroup, "REMOVE_PATIENCE_S", patience_s)
    refused: list[Path] = []
    rmdir = os.rmdir

    def slow(path: str | Path) -> None:
        if Path(path).name.startswith("run-") and refused.count(Path(path)) < times:
            refused.append(Path(path))
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))
        rmdir(path)

    monkeypatch.setattr(os, "rmdir", slow)
    return refused


def told(result: RunResult) -> tuple[object, ...]:
    return (result.cause, result.exit_code, result.exit_signal, result.stdout)


@pytest.fixture
def counted(runners: Mapping[str, Runner]) -> Runner:
    """Runs with control groups."""
    return runners["cgroup"]


RUNS: list[tuple[tuple[str, *tuple[object, ...]], Change]] = [
    (("end", "exit", 3), {}),
    (("hostile", "stop"), {"wall_time_ms": 100}),
    (("spend", "spin", 9000), {"cpu_time_ms": 100}),
]


@pytest.mark.parametrize(("argv", "limits"), RUNS)
def test_a_slow_removal_changes_nothing(
    counted: Runner, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, *tuple[object, ...]], limits: Change
) -> None:
    expected = told(counted.program(*argv, **limits))
    refused = busy(monkeypatch, 50)
    assert told(counted.program(*argv, **limits)) == expected
    assert len(refused) >= 50


def test_time_spent_on_removing_is_not_the_programs(counted: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(monkeypatch, 300)
    result = counted.program("end", "exit", 0, wall_time_ms=1000)
    assert (result.cause, result.exit_code) == (Cause.EXIT, 0)


def test_what_cannot_be_removed_is_left_to_the_next_holder_of_the_slot(
    counted: Runner,
    sandboxes: Mapping[str, Sandbox],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        busy(patched, 1_000_000, patience_s=0.02)
        assert counted.program("end", "exit", 3).exit_code == 3
    assert "control group left behind" in caplog.text
    instance = sandboxes["cgroup"].config.instance
    assert [path for path in groups(instance) if path.name.startswith("run-")]
    assert counted.program("end", "exit", 3).exit_code == 3
    assert not [path for path in groups(instance) if path.name.startswith("run-")]


def test_a_group_that_cannot_be_made_runs_nothing(counted: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = os.mkdir

    def refuse(path: str | Path, mode: int = 0o777) -> None:
        if Path(path).name.startswith("run-"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        mkdir(path, mode)

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(SandboxError, match="cannot make control group"):
        counted.program("end", "exit", 3)


def test_a_limit_that_is_not_taken_runs_nothing(counted: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def refuse(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if Path(path).name == "pids.max":
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SandboxError, match=r"pids.max does not take '?32"):
        counted.program("end", "exit", 3)

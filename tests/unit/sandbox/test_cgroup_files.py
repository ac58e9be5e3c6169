import errno
import itertools
import os
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox import cgroup
from sandbox.limits import Limits
from sandbox.result import SandboxError


def limits(millicores: int) -> Limits:
    return Limits(1, 1, 1, 1, 1, 1, cpu_millicores=millicores)


def test_a_group_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match=r"cannot make control group .*: Not a directory"):
        cgroup.make(tmp_path / "file" / "group")


def test_a_group_may_be_there_or_gone_already(tmp_path: Path) -> None:
    for _ in range(2):
        cgroup.make(tmp_path / "a" / "b")
    for _ in range(2):
        cgroup.remove(tmp_path / "a" / "b")
    assert not (tmp_path / "a" / "b").exists()


def busy(monkeypatch: pytest.MonkeyPatch, times: int, number: int = errno.EBUSY) -> None:
    rmdir, calls = os.rmdir, itertools.count()

    def refuse(path: str | Path) -> None:
        if next(calls) < times:
            raise OSError(number, os.strerror(number))
        rmdir(path)

    monkeypatch.setattr(os, "rmdir", refuse)


def test_a_busy_group_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "REMOVE_PATIENCE_S", 60)
    (tmp_path / "run-1").mkdir()
    busy(monkeypatch, 5)
    cgroup.remove(tmp_path / "run-1")
    assert not (tmp_path / "run-1").exists()


@pytest.fixture
def stall(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have much time pass, on a clock that is still otherwise."""
    now = [0.0]
    monkeypatch.setattr(cgroup, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=lambda _: None))
    return lambda: now.append(now.pop() + 1000)


def test_a_stall_while_a_group_is_busy_does_not_end_the_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stall: Callable[[], None]
) -> None:
    (tmp_path / "run-1").mkdir()
    rmdir, left = os.rmdir, [OSError(errno.EBUSY, "busy")]

    def refuse_once(path: str | Path) -> None:
        if left:
            stall()
            raise left.pop()
        rmdir(path)

    monkeypatch.setattr(os, "rmdir", refuse_once)
    cgroup.remove(tmp_path / "run-1")
    assert not (tmp_path / "run-1").exists()


def test_a_stall_while_processes_are_killed_does_not_end_the_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stall: Callable[[], None]
) -> None:
    (tmp_path / "cgroup.procs").write_text("123\n")

    def kill(_pid: int, _number: int) -> None:
        stall()
        (tmp_path / "cgroup.procs").unlink()

    monkeypatch.setattr("sandbox.cgroup.os.kill", kill)
    cgroup.kill_all(tmp_path)


def test_a_group_that_stays_busy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "REMOVE_PATIENCE_S", 0.01)
    busy(monkeypatch, 1_000_000)
    with pytest.raises(SandboxError, match=r"cannot remove control group .*run-1: Device or resource busy"):
        cgroup.remove(tmp_path / "run-1")


def test_another_error_is_not_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(monkeypatch, 1, errno.EPERM)
    with pytest.raises(SandboxError, match="Operation not permitted"):
        cgroup.remove(tmp_path / "run-1")


def test_what_cannot_be_removed_after_a_result_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    busy(monkeypatch, 1, errno.EPERM)
    left: list[Path] = []
    with caplog.at_level("WARNING"):
        cgroup.remove_or_leave(tmp_path / "run-1", left)
    assert "control group left behind" in caplog.text
    assert left == [tmp_path / "run-1"]


def test_what_was_left_is_tried_again(tmp_path: Path) -> None:
    gone, there, held = (tmp_path / name for name in ("gone", "there", "held"))
    there.mkdir()
    (held / "child").mkdir(parents=True)
    left = [gone, there, held]
    cgroup.remove_left(left)
    assert (there.exists(), left) == (False, [held])


def test_what_does_not_die_is_left_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stays(group: Path) -> None:
        raise SandboxError(f"processes in {group} do not end")

    monkeypatch.setattr(cgroup, "kill_all", stays)
    left = [tmp_path]
    cgroup.remove_left(left)
    assert left == [tmp_path]


def test_what_a_killed_holder_left_is_killed_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "REMOVE_PATIENCE_S", 60)
    left = tmp_path / "run-7"
    left.mkdir()
    (tmp_path / "other").mkdir()
    with subprocess.Popen(["/usr/bin/cat"], stdin=subprocess.PIPE) as process:
        # The kernel's file empties when its process has been reaped; this one is a file, and is told so.
        (left / "cgroup.procs").write_text(f"{process.pid}\n")
        kill = os.kill

        def kill_and_reap(pid: int, number: int) -> None:
            kill(pid, number)
            process.wait()
            (left / "cgroup.procs").unlink()

        monkeypatch.setattr("sandbox.cgroup.os.kill", kill_and_reap)
        cgroup.clear(tmp_path)
    assert process.returncode == -9
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_process_that_does_not_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.procs").write_text("123\n")
    monkeypatch.setattr(cgroup, "REMOVE_PATIENCE_S", 0.01)
    monkeypatch.setattr("sandbox.cgroup.os.kill", lambda *_: None)
    with pytest.raises(SandboxError, match=r"processes \[123\] in .* do not end"):
        cgroup.kill_all(tmp_path)


def test_version_2_kills_a_whole_group_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.procs").write_text("123\n")
    (tmp_path / "cgroup.kill").write_text("")
    monkeypatch.setattr(cgroup, "REMOVE_PATIENCE_S", 0.01)
    with pytest.raises(SandboxError, match=r"processes \[123\] in .* do not end"):
        cgroup.kill_all(tmp_path)
    assert (tmp_path / "cgroup.kill").read_text() == "1"


def test_a_process_that_ended_meanwhile_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.procs").write_text("123\n")

    def gone(*_: int) -> None:
        (tmp_path / "cgroup.procs").unlink()
        raise ProcessLookupError

    monkeypatch.setattr("sandbox.cgroup.os.kill", gone)
    cgroup.kill_all(tmp_path)


def test_a_slot_that_never_was_has_nothing_left(tmp_path: Path) -> None:
    cgroup.clear(tmp_path / "missing")


@pytest.mark.parametrize(
    ("millicores", "quota"), [(1000, None), (2000, None), (500, 10_000), (50, 1000), (1500, 30_000), (4000, None)]
)
def test_part_of_a_cpu_is_a_quota(millicores: int, quota: int | None) -> None:
    assert cgroup.cpu_quota_us(limits(millicores)) == quota


def test_runs_are_named_by_chance() -> None:
    assert cgroup.run_name().startswith("run-")
    assert cgroup.run_name() != cgroup.run_name()


def test_who_comes_while_a_group_is_removed_is_killed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "REMOVE_PATIENCE_S", 60)
    (tmp_path / "run-1").mkdir()
    busy(monkeypatch, 3)
    killed: list[Path] = []
    monkeypatch.setattr(cgroup, "kill_all", killed.append)
    cgroup.remove(tmp_path / "run-1", kill=True)
    assert killed == [tmp_path / "run-1"] * 4


def test_a_group_that_goes_while_it_is_read_has_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([errno.ENODEV, errno.EACCES])

    def refuse(_: Path) -> str:
        number = next(numbers)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(cgroup, "read", refuse)
    assert cgroup.pids(Path("run-1")) == []
    with pytest.raises(PermissionError):
        cgroup.pids(Path("run-1"))


@pytest.mark.parametrize("left", [False, True])
def test_a_group_that_goes_while_it_is_killed_is_no_error(
    left: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = tmp_path / "run-1"
    group.mkdir()
    (group / "cgroup.kill").write_text("")

    def refuse(path: Path, value: object) -> None:
        if not left:
            (group / "cgroup.kill").unlink()
            group.rmdir()
        raise SandboxError(f"{path} does not take {value}")

    monkeypatch.setattr(cgroup, "write", refuse)
    with pytest.raises(SandboxError) if left else nullcontext():
        cgroup._kill(group, [1])

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from standalone import lock, supervisor
from standalone.programs import Program
from standalone.supervisor import ProgramError, Supervisor

WAITS = Program("waits", ("sleep", "3600"), start_s=1)
ENDS = Program("ends", (sys.executable, "-c", "raise SystemExit('no such thing')"))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Supervisor]:
    """A process manager in a folder whose name needs quoting, holding its lock."""
    folder = tmp_path / "a 100% folder"
    held = lock.take(folder / "lock")
    manager = Supervisor(folder, [WAITS, ENDS])
    manager.start(os.environ, held)
    os.close(held)
    yield manager
    manager.stop()


def _until(done: Callable[[], bool], manager: Supervisor) -> None:
    manager.watch(done, timeout_s=30)


def test_a_program_runs_and_is_gone_after_the_stop(running: Supervisor) -> None:
    running.run("waits")
    _until(lambda: running.state("waits") == "RUNNING", running)
    process = psutil.Process(running.pid("waits"))
    running.stop()
    assert not process.is_running()
    assert not running.alive()


def test_none_starts_by_itself(running: Supervisor) -> None:
    assert running.state("waits") == "STOPPED"
    assert running.pid("waits") == 0


def test_it_holds_the_lock_until_it_ends(running: Supervisor) -> None:
    path = running.folder / "lock"
    assert lock.owner(path) == os.getpid()
    running.stop()
    assert lock.owner(path) is None


def test_a_program_that_is_killed_is_started_again(running: Supervisor) -> None:
    running.run("waits")
    _until(lambda: running.state("waits") == "RUNNING", running)
    first = running.pid("waits")
    os.kill(first, signal.SIGKILL)
    _until(lambda: running.pid("waits") not in {0, first}, running)


def test_a_program_that_is_halted_stays_so(running: Supervisor) -> None:
    running.run("waits")
    _until(lambda: running.state("waits") == "RUNNING", running)
    running.halt("waits")
    assert running.state("waits") == "STOPPED"


def test_a_program_that_cannot_run_is_given_up_with_its_own_words(running: Supervisor) -> None:
    running.run("ends")
    with pytest.raises(ProgramError, match=r"(?s)ends is FATAL: .*no such thing.*ends\.log"):
        _until(lambda: not running.check("ends"), running)


def test_nothing_is_left_when_it_is_killed_itself(running: Supervisor) -> None:
    running.run("waits")
    _until(lambda: running.state("waits") == "RUNNING", running)
    process = psutil.Process(running.pid("waits"))
    assert running.process_id is not None
    os.kill(running.process_id, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    process.wait(timeout=20)
    with pytest.raises(ProgramError, match="the process manager ended"):
        running.check("waits")


def test_one_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Supervisor(tmp_path, [])
    monkeypatch.setattr(supervisor, "configuration", lambda *_, **__: "[nothing]\n")
    with pytest.raises(ProgramError, match=r"(?s)does not answer: .*supervisord"):
        manager.start(os.environ, 0)
    assert not manager.alive()


def test_a_socket_path_that_is_too_long_lies_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    held = lock.take(folder / "lock")
    manager = Supervisor(folder, [WAITS])
    manager.start(os.environ, held)
    os.close(held)
    assert manager.state("waits") == "STOPPED"
    manager.stop()
    assert not (folder / "supervisor.sock").exists()


def test_stopping_one_that_was_not_started_does_nothing(tmp_path: Path) -> None:
    manager = Supervisor(tmp_path, [])
    manager.stop()
    assert manager.wait() == 0

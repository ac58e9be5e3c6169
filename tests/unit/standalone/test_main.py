import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import psutil
import pytest
from rich.console import Console

from standalone import __main__ as command
from standalone import demo, lock
from standalone.client import Answer
from standalone.demo import Grade
from standalone.examples import Example
from standalone.programs import TREE
from standalone.supervisor import ProgramError
from tests.waiting import eventually

GONE_S = 60


def _of(folder: Path) -> list[psutil.Process]:
    found = psutil.process_iter(["cmdline", "environ"])
    return [process for process in found if (process.info["environ"] or {}).get("SHIPD_STATE_DIR") == str(folder)]


@pytest.fixture
def up(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A platform that is up, as `make up` starts it, its state in the test's folder."""
    environ = {**os.environ, "SHIPD_STATE_DIR": str(tmp_path)}
    argv = [sys.executable, "-m", "standalone", "up"]
    with subprocess.Popen(argv, cwd=TREE, env=environ, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def _until(process: "subprocess.Popen[str]", words: str) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


@pytest.mark.slow
def test_up_shows_the_examples_and_where_it_answers_and_stop_ends_it(
    up: "subprocess.Popen[str]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = _until(up, "It stays up until Ctrl-C")
    assert "examples got the verdict they should" in said
    url = (tmp_path / "shipd.env").read_text().splitlines()[0].removeprefix("SHIPD_URL=")
    assert f"API     {url}\ndocs    {url}/docs\nFlower  http://127.0.0.1:" in said
    monkeypatch.setattr(command, "STATE", tmp_path)
    assert command.main(["stop"]) == 0
    assert up.wait(GONE_S) == 0
    eventually(lambda: _of(tmp_path) == [])


@pytest.mark.slow
def test_nothing_is_left_when_it_is_killed(up: "subprocess.Popen[str]", tmp_path: Path) -> None:
    _until(up, "healthy")  # and has begun to grade the examples
    family = psutil.Process(up.pid).children(recursive=True)
    assert len(family) > 8
    running = {}
    for process in family:
        with contextlib.suppress(ProcessLookupError):  # an example's program that has ended
            running[os.pidfd_open(process.pid)] = process
    up.send_signal(signal.SIGKILL)
    while running:
        ended, _, _ = select.select(list(running), [], [], GONE_S)
        assert ended, f"still there: {list(running.values())}"
        for descriptor in ended:
            os.close(descriptor)
            del running[descriptor]
    assert lock.owner(tmp_path / "lock") is None


def test_stop_says_when_nothing_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "STATE", tmp_path)
    assert command.main(["stop"]) == 0
    assert "nothing is up" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["down"], ["up", "demo"]])
def test_it_says_how_it_is_used(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"usage: python -m standalone up\|demo\|stop"):
        command.main(arguments)


class Platform:
    """Stands in for a Stack that runs."""

    url = "http://127.0.0.1:8000"
    flower_url = "http://127.0.0.1:5555"
    folder = Path("/somewhere/var")
    environ: Mapping[str, str] = {"FLOWER_BASIC_AUTH": "shipd:secret"}
    client = SimpleNamespace(get=lambda _: Answer(200, {"languages": []}))
    error: BaseException | None = None

    def __enter__(self) -> Self:
        if self.error is not None:
            raise self.error
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing runs."""

    def wait(self) -> int:
        """Give the exit code of a process manager that ended by itself."""
        return 3


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """A platform whose examples all get the verdict they should; signals are as before afterwards."""
    before = {each: signal.getsignal(each) for each in command.SIGNALS}
    made = Platform()
    monkeypatch.setattr(command, "_stack", lambda _: made)
    _graded(monkeypatch, "AC")
    yield made
    for each, handler in before.items():
        signal.signal(each, handler)


def _graded(monkeypatch: pytest.MonkeyPatch, verdict: str | None) -> None:
    example = Example("one", "One", "c", "AC", {})
    monkeypatch.setattr(demo, "grade", lambda *_: iter([Grade(example, verdict)]))


def test_the_demo_ends_well_when_every_example_got_its_verdict(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["demo"]) == 0
    shown = capsys.readouterr().out
    assert "1 of 1 examples got the verdict they should" in shown
    assert f"API     {platform.url}\n" in shown
    assert "(user shipd, password secret)" in shown


@pytest.mark.parametrize("verdict", ["WA", None])
def test_the_demo_fails_when_one_did_not(
    verdict: str | None, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    _graded(monkeypatch, verdict)
    assert command.main(["demo"]) == 1


def test_up_fails_when_the_process_manager_ends_by_itself(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["up"]) == 1
    assert "the process manager ended with exit code 3" in capsys.readouterr().out


def test_a_part_that_does_not_start_is_told_without_a_traceback(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.error = ProgramError("worker is FATAL: [no] nsjail")
    assert command.main(["demo"]) == 1
    assert "shipd: worker is FATAL: [no] nsjail" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "code"), [("up", 0), ("demo", 130)])
def test_asked_to_end_it_ends_and_hears_no_second_word(name: str, code: int, platform: Platform) -> None:
    def asked() -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    platform.wait = asked  # type: ignore[method-assign] # of this one alone
    platform.error = command.Asked("SIGINT") if name == "demo" else None
    assert command.main([name]) == code
    if name == "up":
        assert all(signal.getsignal(each) is signal.SIG_IGN for each in command.SIGNALS)


def test_jails_without_cgroups_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("SHIPD_CGROUPS", raising=False)
    monkeypatch.setenv("SHIPD_PORT", "8123")
    monkeypatch.setattr("standalone.delegation.may_make_cgroups", lambda: False)
    monkeypatch.setattr(command, "Stack", lambda _, **given: given)
    made = command._stack(Console(width=command.WIDTH))
    assert made["port"] == 8123  # type: ignore[index] # what it was given
    assert "SHIPD_CGROUPS=none" in capsys.readouterr().out

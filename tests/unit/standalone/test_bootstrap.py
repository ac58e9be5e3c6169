import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from standalone import bootstrap, toolchains
from standalone.toolchains import Tool


class Commands:
    """Stands in for subprocess.run: records what is run, and makes the folder that `venv` would."""

    def __init__(self, venv: Path, exit_code: int = 0) -> None:
        self.venv = venv
        self.exit_code = exit_code
        self.run: list[str] = []

    def __call__(self, argv: Sequence[str], **_: object) -> "subprocess.CompletedProcess[bytes]":
        self.run.append(" ".join(argv))
        self.venv.mkdir(exist_ok=True)
        return subprocess.CompletedProcess(argv, self.exit_code)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with a lock file, and nothing installed."""
    (tmp_path / "requirements.lock").write_text("flask==3.1.3\n")
    (tmp_path / "setup.cfg").write_text("[metadata]\n")
    monkeypatch.setattr(bootstrap, "TREE", tmp_path)
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv/bin/python")
    return tmp_path


@pytest.fixture
def commands(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """What was run."""
    recorded = Commands(tree / ".venv")
    monkeypatch.setattr(subprocess, "run", recorded)
    return recorded


def test_it_makes_an_environment_from_the_lock_with_hashes(commands: Commands) -> None:
    bootstrap.install_packages()
    made, locked, own = commands.run
    assert "-m venv --clear" in made
    assert "--require-hashes -r" in locked
    assert "--no-deps --no-build-isolation" in own


def test_the_second_time_it_does_nothing(commands: Commands) -> None:
    bootstrap.install_packages()
    commands.run.clear()
    bootstrap.install_packages()
    assert commands.run == []


def test_a_new_lock_makes_the_environment_anew(tree: Path, commands: Commands) -> None:
    bootstrap.install_packages()
    commands.run.clear()
    (tree / "requirements.lock").write_text("flask==3.1.4\n")
    bootstrap.install_packages()
    assert len(commands.run) == 3


def test_new_metadata_of_ours_installs_nothing_but_the_tree(tree: Path, commands: Commands) -> None:
    bootstrap.install_packages()
    commands.run.clear()
    (tree / "setup.cfg").write_text("[metadata]\nname = shipd\n")
    bootstrap.install_packages()
    assert ["--no-deps" in command for command in commands.run] == [True]


def test_an_installation_that_failed_is_not_taken_for_done(
    tree: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.exit_code = 1
    with pytest.raises(SystemExit, match="failed with exit code 1"):
        bootstrap.install_packages()
    commands.exit_code = 0
    commands.run.clear()
    bootstrap.install_packages()
    assert len(commands.run) == 3


def test_what_is_missing_and_may_not_be_installed_is_told_with_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(toolchains, "may_install", lambda: False)
    monkeypatch.setattr(toolchains, "tools", lambda _: [Tool("Go", False, ("golang-go",)), Tool("C", True, ())])
    bootstrap.install_toolchains()
    assert "skipped, not installed: Go; install it:  " in capsys.readouterr().out


def test_it_ends_when_what_nothing_works_without_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchains, "may_install", lambda: False)
    monkeypatch.setattr(toolchains, "tools", lambda _: [Tool("C compiler", False, ("gcc",), needed=True)])
    with pytest.raises(SystemExit, match="nothing can run"):
        bootstrap.install_toolchains()


def test_it_installs_what_it_may(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lists = [[Tool("Go", False, ("golang-go",))], [Tool("Go", True, ("golang-go",))]]
    installed: list[str] = []
    monkeypatch.setattr(toolchains, "may_install", lambda: True)
    monkeypatch.setattr(toolchains, "tools", lambda _: lists.pop(0))
    monkeypatch.setattr(toolchains, "install", lambda missing, _: installed.extend(tool.name for tool in missing))
    bootstrap.install_toolchains()
    assert installed == ["Go"]
    assert capsys.readouterr().out == ""


def test_what_saves_compilers_time_is_made_or_told_of(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "PYTHON", Path("/usr/bin/true"))
    bootstrap.make_caches()
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(bootstrap, "PYTHON", Path("/usr/bin/false"))
    bootstrap.make_caches()
    assert "compilers will be slower" in capsys.readouterr().out
    assert tree.is_dir()


def test_the_init_is_built_with_the_environment_of_the_clone(tree: Path, commands: Commands) -> None:
    bootstrap.build_init()
    assert commands.run == [f"{tree}/.venv/bin/python -m sandbox build"]

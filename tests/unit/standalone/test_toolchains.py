import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from standalone import toolchains
from standalone.programs import TREE

LANGUAGES = TREE / "jail-configs" / "languages"
FORTRAN = """
title = "Fortran"
version_argv = ["/usr/bin/no-such-compiler", "--version"]
install = "apt-get install -y gfortran libgfortran5"
"""


def test_every_language_file_says_what_it_needs() -> None:
    found = toolchains.tools(LANGUAGES)
    assert {"C compiler", "libseccomp", "Python", "C++", "Rust"} <= {tool.name for tool in found}
    assert all(tool.packages for tool in found)


def test_a_language_without_its_program_is_missing_and_its_packages_are_named(tmp_path: Path) -> None:
    (tmp_path / "fortran.toml").write_text(FORTRAN)
    fortran = toolchains.tools(tmp_path)[-1]
    assert not fortran.present
    assert fortran.command == "apt-get install -y gfortran libgfortran5"
    assert not fortran.needed


def test_a_library_that_cannot_be_loaded_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchains, "LIBSECCOMP", "libno-such-library.so.7")
    assert [tool.name for tool in toolchains.tools(tmp_path) if not tool.present] == ["libseccomp"]


def test_only_root_on_debian_may_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "debian_version"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert not toolchains.may_install(system)
    system.write_text("12.9\n")
    assert toolchains.may_install(system)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not toolchains.may_install(system)


class Apt:
    """Stands in for apt-get: records what it is asked, and fails where told."""

    def __init__(self, *exit_codes: int) -> None:
        self.exit_codes = list(exit_codes)
        self.asked: list[list[str]] = []

    def __call__(self, argv: Sequence[str], **_: object) -> "subprocess.CompletedProcess[str]":
        self.asked.append(list(argv))
        return subprocess.CompletedProcess(argv, self.exit_codes.pop(0), stdout="E: no such package\n")


def test_it_updates_once_and_installs_each_package_once(monkeypatch: pytest.MonkeyPatch) -> None:
    apt, said = Apt(0, 0), list[str]()
    monkeypatch.setattr(subprocess, "run", apt)
    missing = [toolchains.Tool("C", False, ("gcc", "libc6-dev")), toolchains.Tool("Rust", False, ("rustc", "gcc"))]
    assert toolchains.install(missing, said.append)
    assert [argv[len(toolchains.APT) :] for argv in apt.asked] == [["update"], ["install", "gcc", "libc6-dev", "rustc"]]
    assert said == ["installing gcc libc6-dev rustc"]


def test_a_failure_is_told_with_the_end_of_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(subprocess, "run", Apt(0, 100))
    assert not toolchains.install([toolchains.Tool("C", False, ("gcc",))], said.append)
    assert "E: no such package" in said[-1]

import os
from dataclasses import replace
from pathlib import Path

import pytest

from domain.language import Language
from domain.languages import Languages
from domain.settings import Settings
from sandbox import Capacity
from tests.unit.workers.making import LANGUAGES
from workers.host import Found, language_version, look, packages_sha256, platform_versions, report, tree_sha256

PYTHON = LANGUAGES.known["python"]


def saying(*argv: str) -> Language:
    return replace(PYTHON, version_argv=argv)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Python 3.11.2", "3.11.2"),
        ("javac 17.0.9", "17.0.9"),
        ("v18.19.0", "18.19.0"),
        ("go version go1.19.8 linux/amd64", "1.19.8"),
        ("12.2.0", "12.2.0"),
        ("12", "12"),
        ("no number at all", None),
    ],
)
def test_it_finds_the_version_in_what_is_said(said: str, version: str | None) -> None:
    assert language_version(saying("/usr/bin/printf", said)) == version


@pytest.mark.parametrize("argv", [("/nonexistent/compiler",), ("/usr/bin/false",), ("/",)])
def test_what_does_not_answer_is_missing(argv: tuple[str, ...]) -> None:
    assert language_version(saying(*argv)) is None


def test_it_is_asked_without_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_NUMBER", "42.42")
    assert language_version(saying("/usr/bin/env")) != "42.42"


def test_it_looks_at_every_language() -> None:
    away = replace(saying("/nonexistent"), install="apt-get install -y away")
    known = Languages({"there": saying("/usr/bin/printf", "1.2"), "away": away})
    found = look(known)
    assert (found.languages, found.missing) == ({"there": "1.2"}, {"away": "apt-get install -y away"})


def test_a_toolchain_is_another_when_any_package_is(tmp_path: Path) -> None:
    status = tmp_path / "status"
    hashes = []
    for version in ("1", "2"):
        status.write_text(f"Package: libc6-dev\nStatus: install ok installed\nVersion: {version}\nDescription: C\n")
        hashes.append(packages_sha256(status))
    status.write_text(status.read_text().replace("Description: C", "Description: the same"))
    assert hashes[0] != hashes[1] == packages_sha256(status)
    assert Found({"c": "12"}, {}, "a").toolchains != Found({"c": "12"}, {}, "b").toolchains


def test_where_there_are_no_packages_versions_must_do(tmp_path: Path) -> None:
    assert packages_sha256(tmp_path / "status") == "none"


def test_it_reports_its_room() -> None:
    url = "redis://127.0.0.1:1/0"
    settings = Settings("postgresql://127.0.0.1:1/nowhere", url, url, Path("var"), host_name="host-1")
    found = Found({"python": "3.11"}, {"go": "apt-get install -y golang-go"})
    said = report(settings, 3, Capacity(1 << 30, 1 << 40), found, network=True, blob_store="folder 1")
    assert said.blob_store == "folder 1"
    assert said.network
    assert (said.name, said.cpus, said.root) == ("host-1", 3, os.geteuid() == 0)
    assert said.memory_bytes == 1 << 30
    assert said.disk_bytes is not None
    assert said.disk_bytes < 1 << 40
    assert (said.languages, said.missing) == ({"python": "3.11"}, {"go": "apt-get install -y golang-go"})


def test_it_names_what_a_verdict_may_depend_on() -> None:
    versions = platform_versions()
    assert versions.keys() == {"shipd", "nsjail", "kernel", "python"}
    assert all(versions.values())


def test_a_tree_has_one_hash_of_all_that_is_in_it(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "jail.cfg").write_text("strict")
        (folder / "init.c").write_text("int main;")
    assert tree_sha256(one) == tree_sha256(other)
    (one / "__pycache__").mkdir()
    (one / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert tree_sha256(one) == tree_sha256(other)
    before = tree_sha256(other, one)
    assert before != tree_sha256(one)
    (other / "deep" / "jail.cfg").write_text("loose")
    assert tree_sha256(one) != tree_sha256(other)
    assert before != tree_sha256(other, one) != tree_sha256(one, other)
    (one / "init.c").rename(one / "init.d")
    assert tree_sha256(one) not in {before, tree_sha256(other)}

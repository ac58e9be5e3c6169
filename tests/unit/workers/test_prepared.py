"""What compilers are given to save them time: made once, checked, and only where it means the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from domain.languages import Languages
from domain.model import File
from sandbox import Cause, RunResult, SandboxError
from sandbox.fake import FakeJail, FakeSandbox, ended, in_turn
from tests.unit.workers.making import LANGUAGES, planned
from workers import prepared
from workers.compile import CompileError, compile_submission
from workers.prepare import PREPARED_DIR, Plan
from workers.prepared import FILES, MANIFEST, Wanted, find, make, wanted

TOOLCHAINS = {"cpp": "12.2", "java": "17", "rust": "1.63"}
BITS = b"#include <bits/stdc++.h>\n"


def cpp(*contents: bytes) -> Plan:
    return planned("cpp", tuple(File(f"{number}.cpp", content) for number, content in enumerate(contents)))


def leaving(jail: FakeJail) -> RunResult:
    jail.box.write("bits/stdc++.h.gch", b"gch")
    jail.box.write("javac.jsa", b"jsa")
    return ended()


@pytest.fixture
def one(tmp_path: Path) -> Wanted:
    return next(wanted(tmp_path, LANGUAGES, TOOLCHAINS))


def test_every_version_of_a_compiler_that_is_here_has_its_own(tmp_path: Path) -> None:
    found = list(wanted(tmp_path, LANGUAGES, TOOLCHAINS))
    assert [one.name for one in found] == ["cpp@17", "cpp@20", "java@17"]
    assert len({one.folder for one in found}) == 3


def test_another_compiler_has_another_folder(tmp_path: Path, one: Wanted) -> None:
    assert next(wanted(tmp_path, LANGUAGES, {"cpp": "13"})).folder != one.folder
    language = one.choice.language
    other = replace(language, compile=replace(one.step, prepared=replace(one.preparation, files={"x": "y"})))
    assert next(wanted(tmp_path, Languages({"cpp": other}), TOOLCHAINS)).folder != one.folder


def test_it_is_made_in_a_jail_of_our_own_sources(tmp_path: Path, one: Wanted) -> None:
    sandbox = FakeSandbox(leaving)
    make(sandbox, one)
    [jail] = sandbox.jails
    assert jail.box.files.keys() - {"bits/stdc++.h.gch", "javac.jsa"} == one.preparation.files.keys()
    assert jail.command.argv[:3] == ("/usr/bin/g++", "-std=gnu++17", "-O2")
    assert find(tmp_path, LANGUAGES, TOOLCHAINS) == {"cpp@17": one.folder / FILES}
    made = one.folder / FILES / "bits" / "stdc++.h.gch"
    assert (made.read_bytes(), made.stat().st_mode & 0o777) == (b"gch", 0o444)
    assert [path.name for path in tmp_path.iterdir()] == ["cpp@17"]


@pytest.mark.parametrize("change", ["other bytes", "cut", "gone", "one more", "manifest"])
def test_what_is_damaged_is_not_used(tmp_path: Path, one: Wanted, change: str) -> None:
    make(FakeSandbox(leaving), one)
    made = one.folder / FILES / "bits" / "stdc++.h.gch"
    made.chmod(0o644)
    match change:
        case "other bytes":
            made.write_bytes(b"xxx")
        case "cut":
            made.write_bytes(b"gc")
        case "gone":
            made.unlink()
        case "one more":
            made.with_name("vector.gch").write_bytes(b"")
        case _:
            (one.folder / MANIFEST).write_text("{")
    assert find(tmp_path, LANGUAGES, TOOLCHAINS) == {}
    make(FakeSandbox(leaving), one)
    assert find(tmp_path, LANGUAGES, TOOLCHAINS) == {"cpp@17": one.folder / FILES}


def test_what_was_made_for_another_compiler_goes(tmp_path: Path, one: Wanted) -> None:
    make(FakeSandbox(leaving), one)
    newer = next(wanted(tmp_path, LANGUAGES, {"cpp": "13"}))
    make(FakeSandbox(leaving), newer)
    assert list(one.folder.parent.iterdir()) == [newer.folder]


def test_folders_that_a_cache_must_have_are_there(tmp_path: Path) -> None:
    def cached(jail: FakeJail) -> RunResult:
        jail.box.write("cache/0a/x-d", b"")
        return ended()

    [go] = wanted(tmp_path, LANGUAGES, {"go": "1.19"})
    make(FakeSandbox(cached), go)
    assert len(list((go.folder / FILES / "cache").iterdir())) == 256


@pytest.mark.parametrize(
    "result", [ended(1), ended(0, cause=Cause.CPU), ended(0)], ids=["fails", "too long", "nothing"]
)
def test_what_cannot_be_made_leaves_nothing(tmp_path: Path, one: Wanted, result: RunResult) -> None:
    with pytest.raises(SandboxError, match="cpp@17 cannot be prepared"):
        make(FakeSandbox(in_turn(result)), one)
    assert find(tmp_path, LANGUAGES, TOOLCHAINS) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "source",
    [
        BITS,
        b"\n\t #include<bits/stdc++.h>",
        b"// by me\n// C++\n#  include <bits/stdc++.h> // all\n",
        b"/* by\n * me **/\r\n" + BITS,
    ],
)
def test_it_suits_sources_that_begin_with_the_header(source: bytes) -> None:
    assert cpp(source).suits_prepared
    assert cpp(source, BITS).suits_prepared


@pytest.mark.parametrize(
    "source",
    [
        b"#define private public\n" + BITS,
        b'#pragma GCC optimize("O3")\n' + BITS,
        b"#include <vector>\n" + BITS,
        b'#include "bits/stdc++.h"\n',
        b"// continued \\\n#include <bits/stdc++.h>\n" + b"#define X\n" + BITS,
        b"/* open #include <bits/stdc++.h>\n",
        b"int main(){}",
        b"",
        b"\xef\xbb\xbf" + BITS,
    ],
)
def test_it_does_not_suit_others(source: bytes) -> None:
    assert not cpp(source).suits_prepared
    assert not cpp(BITS, source).suits_prepared


def test_headers_of_the_tree_do_not_matter() -> None:
    assert planned("cpp", (File("a.cpp", BITS), File("a.h", b"#define X"))).suits_prepared


def test_a_compiler_is_shown_it(tmp_path: Path) -> None:
    sandbox = FakeSandbox(with_program)
    with sandbox.slot() as slot:
        made = compile_submission(sandbox, slot, cpp(BITS), tmp_path)
    [jail] = sandbox.jails
    assert jail.mounts == ((str(tmp_path), PREPARED_DIR),)
    assert jail.command.argv[3:7] == ("-pipe", "-iquote", ".", "-isystem")
    assert made.metrics == {"artifact_files": 1, "artifact_bytes": 0, "prepared": 1}


def test_one_that_it_does_not_suit_is_not(tmp_path: Path) -> None:
    sandbox = FakeSandbox(with_program)
    with sandbox.slot() as slot:
        compile_submission(sandbox, slot, cpp(b"int main(){}"), tmp_path)
    [jail] = sandbox.jails
    assert (jail.mounts, "-isystem" in jail.command.argv) == ((), False)


def test_a_cache_in_the_environment_takes_the_other_s_place(tmp_path: Path) -> None:
    sandbox = FakeSandbox(with_program)
    with sandbox.slot() as slot:
        compile_submission(sandbox, slot, planned("go", (File("main.go", b""),)), tmp_path)
    assert sandbox.jails[0].command.env["GOCACHE"] == f"{PREPARED_DIR}/cache"


@pytest.mark.parametrize(
    ("language", "first", "jails"),
    [
        ("cpp", ended(1), 2),
        ("cpp", ended(cause=Cause.SIGNAL, exit_signal=11), 2),
        ("cpp", ended(0, cause=Cause.MEMORY), 2),
        ("cpp", ended(0, cause=Cause.CPU), 1),
        ("cpp", ended(0, cause=Cause.WALL), 1),
        ("java", ended(1), 1),
        ("java", ended(cause=Cause.SIGNAL, exit_signal=6), 2),
    ],
)
def test_what_fails_with_it_and_might_not_without_is_done_again(
    tmp_path: Path, language: str, first: RunResult, jails: int
) -> None:
    sources = (File("Main.java", b""),) if language == "java" else (File("main.cpp", BITS),)
    sandbox = FakeSandbox(in_turn(first, ended(2, stderr=b"plain")))
    with sandbox.slot() as slot, pytest.raises(CompileError) as raised:
        compile_submission(sandbox, slot, planned(language, sources), tmp_path)
    assert len(sandbox.jails) == jails
    assert (raised.value.reason == "exit:2") is (jails == 2)
    assert sandbox.jails[-1].mounts[-1:] != ((str(tmp_path), PREPARED_DIR),) or jails == 1


def with_program(jail: FakeJail) -> RunResult:
    jail.box.write("a.out", b"")
    return ended()


def test_what_is_missing_is_told(tmp_path: Path, logged: list[dict[str, object]]) -> None:
    assert prepared.find(tmp_path, LANGUAGES, {"java": "17"}) == {}
    assert [(event["event"], event["language"], event["fault"]) for event in logged] == [
        ("not_prepared", "java@17", "missing")
    ]

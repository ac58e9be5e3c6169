"""Builders of tests and program: what they refuse in a program, as processes of this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.file import File
from domain.suite import Framework, Suite
from tests.unit.workers.making import planned

GO_TESTS = Suite(Framework.GO, (File("a_test.go", b"package main\nfunc TestA(t *testing.T) {}"),))
JAVA_TESTS = Suite(Framework.JUNIT, (File("ATest.java", b"class ATest { @Test public void a() {} }"),))
RUST_TESTS = Suite(Framework.CARGO, (File("a.rs", b"#[test]\nfn a() {}"),))


def built(tmp_path: Path, language: str, suite: Suite, *sources: File) -> str:
    """Lay out a compiler's box, run the builder there, and give what it says; no compiler is to be reached."""
    plan = planned(language, sources, suite=suite)
    for file in plan.compiled_files:
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    command = plan.compile_command()
    assert command is not None
    argv = [sys.executable, *command.argv[1:]]
    done = subprocess.run(argv, cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('import "unsafe"', '"unsafe" has no place'),
        ("import (\n\t. `syscall`\n)", '"syscall" has no place'),
        ('import "C"', '"C" has no place'),
        ("var f = debug.WriteHeapDump", "WriteHeapDump has no place"),
        ("//go:embed a_test.go\nvar tests string", "go:embed and go:linkname"),
        ("//go:linkname a b", "go:embed and go:linkname"),
        ("func len(x any) int { return 0 }", "declares len anew"),
        ("func f() {}; func panic(any) {}", "declares panic anew"),
        ("var a, nil = 1, 2", "declares nil anew"),
        ("const (\n\ta = iota\n\ttrue = false\n)", "declares true anew"),
        ("const (true = false)", "declares true anew"),
        ("type (\n\tt struct {\n\t\ta int\n\t}\n\tint = string\n)", "declares int anew"),
        ('/* " */ func recover() {} // "', "declares recover anew"),
        ("func\nlen(x any) int { return 0 }", "declares len anew"),
        ("var a,\n nil = 1, 2", "declares nil anew"),
        ("func cap[T any](x T) {}", "declares cap anew"),
    ],
)
def test_a_go_program_keeps_to_go(tmp_path: Path, source: str, message: str) -> None:
    said = built(tmp_path, "go", GO_TESTS, File("main.go", f"package main\n{source}\n".encode()))
    assert message in said
    assert said.startswith("main.go: ")


@pytest.mark.parametrize("name", ["a.s", "in/a.c", "a.syso"])
def test_a_go_program_is_of_go_alone(tmp_path: Path, name: str) -> None:
    said = built(tmp_path, "go", GO_TESTS, File("main.go", b"package main\n"), File(name, b""))
    assert said == f"{name}: a program with unit tests is written in Go alone\n"


@pytest.mark.parametrize("word", ["macro_export", "no_mangle", "link_section", "export_name"])
def test_a_rust_program_has_no_names_for_others(tmp_path: Path, word: str) -> None:
    sources = File("main.rs", b"mod other;"), File("other.rs", f"#[{word}]".encode())
    said = built(tmp_path, "rust", RUST_TESTS, *sources)
    assert said == f"other.rs: {word} has no place in a program with unit tests\n"


def test_a_java_program_is_no_module(tmp_path: Path) -> None:
    said = built(tmp_path, "java", JAVA_TESTS, File("in/module-info.java", b"open module a {}"))
    assert said == "module-info.java: a program with unit tests is no module\n"
    assert not (tmp_path / ".shipd" / "suite").exists()


def test_java_that_was_compiled_elsewhere_is_not_taken(tmp_path: Path) -> None:
    sent = File("classes/tests/ATest.class", b"x"), File("module-info.java", b"")
    built(tmp_path, "java", JAVA_TESTS, *sent)
    assert [*(tmp_path / "classes").rglob("*.class")] == []


def test_what_is_declared_within_functions_is_theirs(tmp_path: Path) -> None:
    source = (
        b"package main\nfunc f(len int) (cap int) {\n\tvar max, min = 1, 2\n\tconst (\n\t\ttrue = 1\n\t)\n\treturn\n}\n"
    )
    builder = planned("go", (File("main.go", source),), suite=GO_TESTS).compiled_files[1].content
    (tmp_path / "building.py").write_bytes(
        b"BOX = HERE = SUITE = files = name_nobody_knows = refuse = run_with_tests = text = write = None\n"
    )
    code = builder.decode().rsplit("\nmain()\n", 1)[0] + "\nprint(declared(bare(open('source').read())))\n"
    (tmp_path / "build.py").write_text(code)
    (tmp_path / "source").write_bytes(source)
    done = subprocess.run([sys.executable, "build.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "{'f'}\n"

from pathlib import Path

import pytest

from domain.errors import InvalidRequest
from domain.language_files import read
from domain.languages import Languages
from domain.model import File
from domain.placeholders import environment, expand
from domain.source_trees import compile_step, compiler_sources, entry_point

FOLDER = Path(__file__).parents[3] / "jail-configs" / "languages"
NAMES = ["c", "cpp", "go", "java", "javascript", "python", "rust"]

MINIMAL = """
name = "x"
title = "X"
main_file = "main.x"
sources = ["*.x"]
source_scope = "tree"
needs_entry = true
default_version = "1"
version_argv = ["/usr/bin/x", "--version"]
install = "apt-get install -y x"

[versions]
1 = []

[run]
argv = ["/usr/bin/x", "./{entry}", "{arguments}"]
seccomp = "strict"
"""


@pytest.fixture(scope="module")
def languages() -> Languages:
    return Languages.load(FOLDER)


def tree(*paths: str) -> list[File]:
    return [File(path, b"") for path in paths]


def test_it_knows_the_languages_that_ship(languages: Languages) -> None:
    assert sorted(languages.known) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_file_is_named_as_its_language(languages: Languages, name: str) -> None:
    assert read(FOLDER / f"{name}.toml") == languages.known[name]


@pytest.mark.parametrize("name", NAMES)
def test_programs_are_the_systems_own_by_absolute_path(languages: Languages, name: str) -> None:
    language = languages.known[name]
    argvs = [language.version_argv, language.run.argv]
    if language.compile:
        argvs += [language.compile.step.argv, *language.compile.with_file.values()]
    assert all(argv[0].startswith("/usr/") or argv[0] == "./a.out" for argv in argvs)


@pytest.mark.parametrize("name", NAMES)
def test_seccomp_policies_are_there(languages: Languages, name: str) -> None:
    language = languages.known[name]
    names = {language.run.seccomp} | ({language.compile.step.seccomp} if language.compile else set())
    assert names <= {"strict", "python", "node", "java", "go", "compile"}


@pytest.mark.parametrize("name", NAMES)
def test_no_placeholder_is_left_over(languages: Languages, name: str) -> None:
    language = languages.known[name]
    lists = {"sources": ["./a"], "flags": [], "arguments": ["x"], "prepared": []}
    values = {"entry": "a", "main_class": "A", "memory_mb": "64", "cpus": "1"}
    steps = [language.run] + ([language.compile.step] if language.compile else [])
    texts = [
        part for step in steps for part in [*expand(step.argv, lists, values), *environment(step.env, values).values()]
    ]
    assert not any("{" in text for text in texts)


def test_compile_limits_are_those_of_the_semantics(languages: Languages) -> None:
    for language in languages.known.values():
        if step := language.compile:
            assert (step.cpu_time_ms, step.wall_time_ms, step.memory_mb, step.output_kb) == (30_000, 60_000, 2048, 64)


@pytest.mark.parametrize(
    ("asked", "version", "flags"),
    [
        ("cpp", "17", ("-std=gnu++17",)),
        ("cpp@17", "17", ("-std=gnu++17",)),
        ("cpp@20", "20", ("-std=gnu++20",)),
        ("c", "17", ("-std=gnu17",)),
        ("rust", "2021", ("--edition=2021",)),
        ("python@3", "3", ()),
        ("python@3.11", "3.11", ()),
        ("java@17", "17", ()),
    ],
)
def test_it_chooses_a_version(languages: Languages, asked: str, version: str, flags: tuple[str, ...]) -> None:
    choice = languages.choose(asked)
    assert (choice.version, choice.flags) == (version, flags)


@pytest.mark.parametrize(
    "asked", ["cobol", "", "Python", "python@", "python@2", "cpp@", "cpp@17@20", "../c", "python "]
)
def test_it_refuses_what_it_does_not_know(languages: Languages, asked: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        languages.choose(asked)
    (problem,) = refused.value.problems
    assert problem.field == "language"
    assert problem.hint.startswith("use one of")


def test_reading_a_minimal_file(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(MINIMAL)
    language = read(path)
    assert (language.name, language.versions, language.compile, language.mounts) == ("x", {"1": ()}, None, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('default_version = "1"', 'default_version = "2"'),
        ('source_scope = "tree"', 'source_scope = "world"'),
        ('title = "X"\n', ""),
        ('title = "X"', 'colour = "red"'),
        ('seccomp = "strict"', ""),
        ("[versions]\n1 = []", "versions = 1"),
        ("[run]", "[run"),
        ('argv = ["/usr/bin/x", "./{entry}", "{arguments}"]', "argv = [1]"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(MINIMAL.replace(old, new))
    with pytest.raises(ValueError, match=r"x\.toml"):
        read(path)


def test_a_folder_without_languages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no language files"):
        Languages.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "paths", "said", "entry"),
    [
        ("python", ["main.py"], (None, None), "main.py"),
        ("python", ["main.py", "b.py"], ("b.py", None), "b.py"),
        ("python", ["main.py", "b.py"], (None, "b.py"), "main.py"),
        ("python", ["a.py", "b.py"], (None, "b.py"), "b.py"),
        ("python", ["script"], (None, None), "script"),
        ("python", ["solve.py", "data.txt"], (None, None), "solve.py"),
        ("rust", ["src/main.rs", "src/util.rs"], (None, None), "src/main.rs"),
        ("go", ["a.go", "b.go"], (None, None), "a.go"),
        ("go", ["go.mod", "cmd/app/main.go", "lib/lib.go"], (None, None), "cmd/app/main.go"),
        ("cpp", ["a.cpp", "b.cpp"], (None, None), None),
        ("java", ["A.java", "B.java"], (None, None), None),
        ("java", ["A.java", "p/B.java"], ("p/B.java", None), "p/B.java"),
    ],
)
def test_it_finds_the_entry_point(
    languages: Languages, name: str, paths: list[str], said: tuple[str | None, str | None], entry: str | None
) -> None:
    asked, filename = said
    assert entry_point(languages.known[name], tree(*paths), asked, filename) == entry


@pytest.mark.parametrize(
    ("name", "paths", "asked"),
    [
        ("python", ["a.py", "b.py"], None),
        ("python", ["main.py"], "other.py"),
        ("javascript", ["package.json", "a.js"], "npm start"),
        ("rust", ["a/main.rs", "b/main.rs"], None),
        ("go", ["a/a.go", "b/b.go"], None),
        ("cpp", ["a.cpp"], "b.cpp"),
    ],
)
def test_it_refuses_where_there_is_doubt(languages: Languages, name: str, paths: list[str], asked: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        entry_point(languages.known[name], tree(*paths), asked)
    (problem,) = refused.value.problems
    assert problem.field == "entry_point"
    assert problem.hint


@pytest.mark.parametrize(
    ("name", "paths", "entry", "given"),
    [
        ("c", ["main.c", "lib/list.c", "lib/list.h", "README"], None, ["./main.c", "./lib/list.c"]),
        ("cpp", ["a.cpp", "b.cc", "c.cxx", "d.c", "e.hpp"], None, ["./a.cpp", "./b.cc", "./c.cxx"]),
        ("java", ["p/A.java", "B.java"], None, ["./p/A.java", "./B.java"]),
        ("go", ["main.go", "util.go", "sub/x.go"], "main.go", ["./main.go", "./util.go"]),
        ("go", ["main.go", "cmd/a.go", "cmd/b.go"], "cmd/a.go", ["./cmd/a.go", "./cmd/b.go"]),
        ("rust", ["main.rs", "util.rs"], "main.rs", ["./main.rs"]),
        ("rust", ["odd-name"], "odd-name", ["./odd-name"]),
        ("c", ["-o.c"], None, ["./-o.c"]),
    ],
)
def test_it_lists_what_the_compiler_is_given(
    languages: Languages, name: str, paths: list[str], entry: str | None, given: list[str]
) -> None:
    assert compiler_sources(languages.known[name], tree(*paths), entry) == given


def test_a_module_is_compiled_as_one(languages: Languages) -> None:
    go = languages.known["go"]
    step = compile_step(go, tree("go.mod", "cmd/app/main.go"))
    assert step is not None
    assert expand(step.argv, {}, {"entry": "cmd/app/main.go"})[-1] == "./cmd/app"
    assert expand(step.argv, {}, {"entry": "main.go"})[-1] == "./."
    assert compile_step(go, tree("main.go")) == (go.compile and go.compile.step)
    assert compile_step(languages.known["python"], tree("main.py")) is None


def test_placeholders_are_filled_once() -> None:
    lists = {"arguments": ["{cpus}", "$(x)", "a b"]}
    values = {"entry": "{memory_mb}.py", "memory_mb": "64", "cpus": "2"}
    filled = expand(["run", "./{entry}", "-m{memory_mb}", "{unknown}", "{arguments}", "{}"], lists, values)
    assert filled == ["run", "./{memory_mb}.py", "-m64", "{unknown}", "{cpus}", "$(x)", "a b", "{}"]


def test_the_environment_is_filled(languages: Languages) -> None:
    javascript = languages.known["javascript"]
    assert environment(javascript.run.env, {"cpus": "2"}) == {"UV_THREADPOOL_SIZE": "2"}

"""From a submission to command lines, files and limits."""

from dataclasses import replace

import pytest

from domain.errors import InvalidRequest
from domain.limits import Constraints
from domain.model import File, TestCase
from domain.suite import Framework, Suite
from sandbox import Limits
from tests.unit.workers.making import LANGUAGES, ONLY, asking, planned
from workers.prepare import box_files, compile_limits, disk_bytes, file_limit_bytes, plan, run_limits

MIB = 1 << 20
PYTHON = LANGUAGES.known["python"]


def test_a_script_is_run_as_it_is() -> None:
    made = planned(arguments=("x",))
    assert made.compile_command() is None
    command = made.run_command(replace(ONLY, arguments=("{entry}", "*"), stdin=b"in"), None)
    assert command.line == ("/usr/bin/python3", "-B", "./main.py", "x", "{entry}", "*")
    assert (command.policy, command.stdin) == ("python", b"in")


def test_a_compiled_language_has_two_commands() -> None:
    made = planned("cpp@20", (File("main.cpp", b""), File("lib/more.cc", b""), File("more.h", b"")))
    compiler = made.compile_command()
    assert compiler is not None
    assert compiler.argv[0] == "/usr/bin/g++"
    assert "-std=gnu++20" in compiler.argv
    assert compiler.argv[-2:] == ("./main.cpp", "./lib/more.cc")
    assert compiler.policy == "compile"
    assert made.run_command(ONLY, None).argv == ("./a.out",)


def test_what_was_granted_stands_in_the_command() -> None:
    made = planned("java", (File("Main.java", b""),), constraints=Constraints(memory_mb=300, cpu_millicores=1001))
    argv = made.run_command(ONLY, "a.Main").argv
    assert {"-Xmx300m", "-XX:ActiveProcessorCount=2"} <= set(argv)
    assert argv[-1] == "a.Main"


def test_what_was_granted_stands_in_the_environment() -> None:
    made = planned("go", (File("main.go", b""),), constraints=Constraints(cpu_millicores=3000))
    assert made.run_command(ONLY, None).env == {"GOMAXPROCS": "3"}


@pytest.mark.parametrize("language", ["cobol", "python@2", "python@"])
def test_a_language_that_is_not_there_is_refused(language: str) -> None:
    with pytest.raises(InvalidRequest):
        plan(LANGUAGES, asking(language))


def test_constraints_become_limits() -> None:
    constraints = Constraints(timeout_ms=2000, memory_mb=10, output_kb=3, processes=5, cpu_millicores=500, disk_mb=4)
    assert run_limits(constraints, ONLY, PYTHON) == Limits(2000, 5000, 10 * MIB, 3072, 4 * MIB, 5, 500)


def test_a_test_case_may_have_a_time_of_its_own() -> None:
    limits = run_limits(Constraints(timeout_ms=2000), replace(ONLY, timeout_ms=100), PYTHON)
    assert (limits.cpu_time_ms, limits.wall_time_ms) == (100, 1200)
    assert run_limits(Constraints(wall_timeout_ms=70), replace(ONLY, timeout_ms=100), PYTHON).wall_time_ms == 70


def test_a_runtime_s_own_threads_are_not_counted() -> None:
    assert run_limits(Constraints(processes=1), ONLY, LANGUAGES.known["java"]).processes == 25


@pytest.mark.parametrize(("file_kb", "limit"), [(None, 4 * MIB), (1, 1024), (8192, 8 * MIB)])
def test_a_file_may_be_as_large_as_the_box_unless_said_otherwise(file_kb: int | None, limit: int) -> None:
    assert file_limit_bytes(Constraints(disk_mb=4, file_kb=file_kb)) == limit


def test_a_compiler_s_limits_are_the_language_s() -> None:
    step = LANGUAGES.known["c"].compile
    assert step is not None
    assert compile_limits(step) == Limits(30_000, 60_000, 2048 * MIB, 65_536, step.disk_mb * MIB, step.processes)


SOURCES = (File("main.py", b"1"), File("data/a.txt", b"2"), File("data/b.txt", b"3"), File("x", b"4"))


@pytest.mark.parametrize(
    ("own", "left"),
    [
        ([], ["main.py", "data/a.txt", "data/b.txt", "x"]),
        (["other"], ["main.py", "data/a.txt", "data/b.txt", "x"]),
        (["data/a.txt"], ["main.py", "data/b.txt", "x"]),
        (["data"], ["main.py", "x"]),
        (["x/y/z"], ["main.py", "data/a.txt", "data/b.txt"]),
        (["data/a.txt/deep"], ["main.py", "data/b.txt", "x"]),
    ],
)
def test_a_file_of_the_test_case_takes_the_place_of_what_is_in_its_way(own: list[str], left: list[str]) -> None:
    files = box_files(SOURCES, [File(path, b"own") for path in own])
    assert [file.path for file in files] == [*left, *own]
    assert all(file.content == b"own" for file in files[len(left) :])


@pytest.mark.parametrize(
    ("sizes", "more"), [([], 0), ([0], 4096), ([1], 8192), ([4096], 8192), ([4097], 12_288), ([1, 1], 16_384)]
)
def test_what_is_put_into_a_box_takes_nothing_from_the_program(sizes: list[int], more: int) -> None:
    files = [File(str(number), bytes(size)) for number, size in enumerate(sizes)]
    assert disk_bytes(3, files) == 3 * MIB + more


def test_a_test_case_has_its_own_arguments_after_the_submission_s() -> None:
    case = TestCase(0, "only", arguments=("b",))
    assert planned(arguments=("a",)).run_command(case, None).line[-2:] == ("a", "b")


HELD = [
    ("javascript", "main.js", None, "main.js", "main.js"),
    ("javascript", "src/a.mjs", None, "src/a.mjs", "src/a.mjs"),
    ("java", "Main.java", "Main", "classes/Main.class", "classes/Main.class"),
    ("java", "Main.java", "a.b.Foo$Inner", "classes/a/b/Foo$Inner.class", "classes/a/b/Foo$Inner.class"),
    ("java", "Main.java", "Main", "classes/Other.class", None),
    ("python", "main.py", None, "main.py", None),
    ("c", "main.c", None, "a.out", None),
]


@pytest.mark.parametrize(("language", "source", "main_class", "file", "held_at"), HELD)
def test_a_runtime_may_be_held_at_the_first_file(
    language: str, source: str, main_class: str | None, file: str, held_at: str | None
) -> None:
    made = planned(language, (File(source, b""),))
    assert made.held_at(ONLY, main_class, [File(file, b"")]) == held_at


def test_arguments_are_not_known_to_what_is_started_ahead() -> None:
    files = (File("main.js", b""),)
    case = replace(ONLY, arguments=("a",))
    assert planned("javascript", files).held_at(case, None, files) is None
    assert planned("javascript", files, arguments=("a",)).held_at(ONLY, None, files) is None


def test_what_runs_unit_tests_of_java_is_started_plainly_and_first() -> None:
    suite = Suite(Framework.JUNIT, (File("ATest.java", b"class ATest {}"),))
    made = planned("java", (File("Main.java", b""),), suite=suite)
    assert made.run_command(ONLY, None).argv[-2:] == ("-m", "shipd.first/shipd.first.First")
    assert made.held_at(ONLY, None, [File("classes/tests/ATest.class", b"")]) is None


@pytest.mark.parametrize("other", [File("package.json", b"{}"), File("lib/x.js", b"performance.now()")])
def test_what_must_be_there_from_the_start_is_looked_for_in_the_whole_box(other: File) -> None:
    files = (File("main.js", b""), other)
    assert planned("javascript", files[:1]).held_at(ONLY, None, files) is None


def test_a_seed_that_is_to_be_had_again_starts_an_interpreter_of_its_own() -> None:
    made = plan(LANGUAGES, asking(), {0: 77})
    command = made.run_command(ONLY, None)
    assert (command.seed, command.interpreter) == (77, None)
    assert command.line == planned().run_command(ONLY, None).line
    other = made.run_command(replace(ONLY, ordinal=1), None)
    assert (other.seed, other.interpreter) == (made.seed, "python")


def test_a_language_without_such_seeds_has_none() -> None:
    made = plan(LANGUAGES, asking("cpp", (File("main.cpp", b""),)), {0: 77})
    assert made.run_command(ONLY, None).seed is None

"""Interactors in real jails: which of the two who talk is right, and what either can do to the other."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from domain.blob_folder import FolderBlobs
from domain.interaction import Said, Speaker, decode
from domain.judging import Checker, CheckerType, Interactor, Program, Protocol
from domain.limits import Constraints
from domain.model import Expectation, File, TestCase, TestResult
from sandbox import Sandbox
from tests.jail.conftest import LOCAL_MODES, TIME_FACTOR
from tests.jail.test_checkers import Shop
from tests.unit.workers.making import LANGUAGES, asking
from workers import author_program
from workers.author_program import CONSTRAINTS
from workers.check_program import checker_of
from workers.compile import Compiled
from workers.interact import DEADLOCK, interactor_of
from workers.prepare import plan
from workers.run import Bench, run_test_case
from workers.stopwatch import Stopwatch

SOURCES = Path(__file__).with_name("interactors")
CASE = TestCase(0, "only", b"700", expected=Expectation(b"20"), points=4)
GUESSES = """
low, high = 1, 1000
while low < high:
    middle = (low + high) // 2
    print("?", middle, flush=True)
    said = input()
    low, high = (middle + 1, high) if said == "more" else (low, middle - 1) if said == "less" else (middle, middle)
print("!", low)
"""
Judge = Callable[..., TestResult]


@pytest.fixture(autouse=True)
def _soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that goes wrong should say so within seconds."""
    limits = replace(CONSTRAINTS, timeout_ms=5_000 * TIME_FACTOR, wall_timeout_ms=10_000 * TIME_FACTOR)
    monkeypatch.setattr(author_program, "CONSTRAINTS", limits)


@pytest.fixture
def judge(sandboxes: Mapping[str, Sandbox], tmp_path: Path) -> Judge:
    """Have a Python program talk to an interactor."""

    def judged(
        interactor: str | Program,
        program: str = GUESSES,
        case: TestCase = CASE,
        *,
        protocol: Protocol = Protocol.KATTIS,
        passes: int = 1,
        checker: Program | None = None,
        wall_ms: int | None = None,
    ) -> TestResult:
        sandbox = sandboxes[LOCAL_MODES[0]]
        if isinstance(interactor, str):
            interactor = Program("python", (File("talk.py", interactor.encode()),), "talk.py")
        kind = CheckerType.TOKENS if checker is None else CheckerType.PROGRAM
        asked = asking(
            sources=(File("main.py", program.encode()),),
            interactor=Interactor(interactor, protocol),
            checker=Checker(kind, program=checker),
            test_cases=(case,),
            passes=passes,
            constraints=Constraints(wall_timeout_ms=wall_ms),
        )
        with sandbox.slot() as slot:
            bench = Bench(
                sandbox,
                slot,
                plan(LANGUAGES, asked),
                Compiled(asked.sources),
                FolderBlobs(tmp_path),
                Stopwatch(None),
                checker=checker_of(Shop(sandbox), slot, asked),
                interactor=interactor_of(Shop(sandbox), slot, asked),
            )
            return run_test_case(bench, case)

    return judged


def of(language: str, name: str) -> Program:
    return Program(language, (File(name, (SOURCES / name).read_bytes()),), name if language == "python" else None)


GUESS = of("python", "guess.py")


def came_to(result: TestResult) -> tuple[str | None, str | None, str]:
    return result.verdict, result.reason, result.message


def test_it_works(judge: Judge) -> None:
    result = judge(GUESS)
    assert (came_to(result), result.points) == (("AC", None, "asked 9 times"), 4)
    assert result.judge_message == "the number is 700"
    assert result.interaction is not None
    said, more = decode(result.interaction)
    assert said[:3] == [
        Said(Speaker.PROGRAM, b"? 500\n"),
        Said(Speaker.INTERACTOR, b"more\n"),
        Said(Speaker.PROGRAM, b"? 750\n"),
    ]
    assert not more
    assert result.stdout.startswith(b"? 500\n? 750\n")
    assert result.stdout.endswith(b"! 700\n")


def test_one_in_cpp_gives_a_part_of_the_points(judge: Judge) -> None:
    asks_much = "for number in range(1, 16): print('?', number, flush=True); input()\nprint('! 700')"
    results = [judge(of("cpp", "guess.cpp"), program) for program in (GUESSES, asks_much, "print('! 7')")]
    assert [(result.verdict, result.points) for result in results] == [("AC", 4), ("AC", 2), ("WA", 0)]


PROGRAMS = {
    "wrong": ("print('! 1')", ("WA", "stdout", "asked 0 times")),
    "asks too much": ("while True: print('? 1', flush=True); input()", ("WA", "stdout", "too many questions")),
    "ends too early": ("pass", ("WA", "stdout", "no question 1")),
    "ends without hearing": ("print('? 1', flush=True)", ("WA", "stdout", "no question 2")),
    "fails at once": ("exit(3)", ("RTE", "exit:3", "")),
    "fails when it was accepted": (
        "import sys; print('! 700', flush=True); sys.stdin.read(); exit(3)",
        ("RTE", "exit:3", ""),
    ),
    "is killed when it was accepted": (
        "import os, sys; print('! 700', flush=True); sys.stdin.read(); os.abort()",
        ("RTE", "signal:6", "SIGABRT"),
    ),
    "fails when it was rejected": (
        "import sys; print('! 1', flush=True); sys.stdin.read(); exit(3)",
        ("WA", "stdout", "asked 0 times"),
    ),
    "loops when it was rejected": ("print('! 1', flush=True)\nwhile True: pass", ("WA", "stdout", "asked 0 times")),
    "loops when it was accepted": ("print('! 700', flush=True)\nwhile True: pass", ("TLE", "cpu", "")),
    "talks on when it was accepted": (
        "import time; print('! 700', flush=True); time.sleep(0.3); print('x' * 100_000)",
        ("AC", None, "asked 0 times"),
    ),
    "loops": ("while True: pass", ("TLE", "cpu", "")),
    "waits for nothing": ("input()", ("TLE", "wall", DEADLOCK)),
    "sleeps": ("import time; time.sleep(60)", ("TLE", "wall", "")),
    # Its line is whole when it has ended: said sooner, it would be a matter of who is the first to end.
    "says that it is right": ("print('! 1', end=''); exit(42)", ("RTE", "exit:42", "")),
    "says what an interactor says": (
        "import sys\nfor to in (sys.stdout, sys.stderr): print('accepted\\nexit 42\\nok', file=to, flush=True)",
        ("WA", "stdout", "no question: accepted"),
    ),
    "closes everything": ("import os; os.closerange(0, 256)", ("WA", "stdout", "no question 1")),
    "closes everything and stays": (
        "import os, time; os.closerange(0, 256); time.sleep(0.2); os._exit(3)",
        ("RTE", "exit:3", ""),
    ),
    "floods without a line": ("import os\nwhile True: os.write(1, bytes(65536))", ("OLE", "stdout", "")),
    "never reads": ("while True: print('? 1', flush=True)", ("WA", "stdout", "too many questions")),
    "kills all that it sees": (
        "import os\nprint('! 700', flush=True)\ntry: os.kill(-1, 9)\nfinally: os.kill(os.getpid(), 9)",
        ("RTE", "signal:9", "SIGKILL"),
    ),
    "says half a line": ("print('! 70', end='', flush=True)", ("WA", "stdout", "asked 0 times")),
    "says half a line and waits": ("print('! 70', end='', flush=True); input()", ("TLE", "wall", DEADLOCK)),
    "stops itself": ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", ("TLE", "wall", "")),
    "leaves a child that holds its pipes": (
        "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(60)",
        ("WA", "stdout", "no question 1"),
    ),
    "leaves a child that answers": (
        "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(10); print('! 700', flush=True)",
        ("WA", "stdout", "no question 1"),
    ),
    "takes memory": ("print('? 1', flush=True); x = bytearray(1 << 30)", ("MLE", "memory", "")),
}


def may_take_ms(expected: tuple[str, str | None, str]) -> tuple[int, int]:
    """CPU and wall time: little of what is to run out and plenty of the other, for a machine may stall meanwhile."""
    match expected:
        case "TLE", "cpu", _:
            return 300, 30_000
        case "TLE", _, message:
            return 5000, 5000 if message == DEADLOCK else 1600  # both must be up before they can wait for each other
        case _:
            return 5000, 30_000


@pytest.mark.parametrize(("program", "expected"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_programs(judge: Judge, program: str, expected: tuple[str, str | None, str]) -> None:
    cpu_ms, wall_ms = may_take_ms(expected)
    case = replace(CASE, timeout_ms=cpu_ms * TIME_FACTOR)
    assert came_to(judge(GUESS, program, case, wall_ms=wall_ms * TIME_FACTOR)) == expected


SWALLOWS = "import sys\nfor line in sys.stdin: pass\nsys.exit(42)"
BROKEN = {
    "crashes": ("raise ValueError", "pass", "the interactor exited 1, which is neither 42 nor 43"),
    "says nothing": ("pass", "pass", "the interactor exited 0, which is neither 42 nor 43"),
    "is killed": ("import os; os.abort()", "input()", "the interactor was ended by signal 6"),
    "loops": ("while True: pass", "input()", "the interactor was ended for what it did (cpu)"),
    "floods": (
        "while True: print('x' * 10000)",
        "import sys\nfor _ in sys.stdin: pass",
        "the interactor was ended for what it did (stdout)",
    ),
    "floods stderr": (
        "import sys\nwhile True: sys.stderr.write('x' * 10000)",
        "input()",
        "the interactor was ended for what it did (stderr)",
    ),
    "cannot take an end": ("input(); exit(42)", "pass", "the interactor exited 1, which is neither 42 nor 43"),
}


@pytest.mark.parametrize(("interactor", "program", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_one_that_does_not_say_is_never_a_wrong_answer(
    judge: Judge, interactor: str, program: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "(cpu)" in message:
        limits = replace(author_program.CONSTRAINTS, timeout_ms=1_000 * TIME_FACTOR)
        monkeypatch.setattr(author_program, "CONSTRAINTS", limits)
    result = judge(interactor, program)
    assert (came_to(result), result.points) == (("JE", "checker", message), 0)


ENDS = """
import sys
for _ in range(100):
    print("x" * 10_000, flush=True)
sys.exit(42 if sys.stdin.readline() == "! 700\\n" else 43)
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("print('! 700', flush=True)", ("AC", None, "")),
        ("pass", ("WA", "stdout", "")),
        ("import os; os.close(0); print('! 700', flush=True)", ("AC", None, "")),
        ("input(); exit(5)", ("RTE", "exit:5", "")),
    ],
)
def test_a_program_may_end_while_its_interactor_writes(
    judge: Judge, program: str, expected: tuple[str, str | None, str]
) -> None:
    assert came_to(judge(ENDS, program)) == expected


def test_a_flood_is_the_one_s_who_makes_it(judge: Judge) -> None:
    assert came_to(judge(SWALLOWS, "while True: print('x' * 10000)")) == ("OLE", "stdout", "")


def test_a_program_finds_nothing_of_what_its_interactor_has(judge: Judge) -> None:
    looks = """
import os, sys
names = [name for _, folders, files in os.walk("/box") for name in folders + files]
print(sorted(names), len(sys.argv), flush=True)
"""
    sees = "import sys; said = input(); sys.exit(42 if said == \"['main.py'] 1\" else 43)"
    assert came_to(judge(sees, looks)) == ("AC", None, "")


def test_a_testlib_one_leaves_what_a_checker_looks_at(judge: Judge) -> None:
    doubles = "for _ in range(3): print(2 * int(input()), flush=True)"
    sums = (
        "import sys; sys.exit(42 if sum(map(int, sys.stdin.read().split())) == int(open(sys.argv[2]).read()) else 43)"
    )
    checker = Program("python", (File("check.py", sums.encode()),), "check.py")
    case = replace(CASE, stdin=b"3 1 2 3", expected=Expectation(b"12"))

    def told(program: str, answer: bytes = b"12") -> tuple[str | None, str | None]:
        asked = replace(case, expected=Expectation(answer))
        result = judge(of("cpp", "tell.cpp"), program, asked, protocol=Protocol.TESTLIB, checker=checker)
        return result.verdict, result.reason

    assert told(doubles) == ("AC", None)
    assert told(doubles, b"13") == ("WA", "stdout")
    assert told("print(2)") == ("WA", "stdout")
    alone = judge(of("cpp", "tell.cpp"), doubles, case, protocol=Protocol.TESTLIB)
    assert came_to(alone) == ("AC", None, "ok all were answered")


PASSES = """
which, number = input().split()
print(int(number) + 1 if which == "encode" else int(number) - {back})
"""


def test_both_are_run_again_in_another_pass(judge: Judge) -> None:
    case = replace(CASE, stdin=b"encode 41")
    twice = of("python", "twice.py")
    assert came_to(judge(twice, PASSES.format(back=1), case, passes=2)) == ("AC", None, "")
    assert came_to(judge(twice, PASSES.format(back=2), case, passes=2)) == ("WA", "stdout", "")
    one_too_few = judge(twice, PASSES.format(back=1), case)
    assert (one_too_few.verdict, one_too_few.reason) == ("JE", "checker")

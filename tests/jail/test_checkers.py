"""Checkers that are programs, in real jails: what they are asked, what they may say, and what they may not do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from domain.blob_folder import FolderBlobs
from domain.judging import Checker, CheckerType, Program, Protocol
from domain.languages import Languages
from domain.model import Expectation, File, TestCase, TestResult
from domain.verdict import Verdict
from sandbox import Sandbox
from tests.jail.conftest import LOCAL_MODES, ROOT, TIME_FACTOR
from tests.unit.workers.making import LANGUAGES, asking
from workers import author_program
from workers.author_program import CONSTRAINTS
from workers.check_program import checker_of
from workers.compile import Compiled
from workers.compile_cache import Compiler
from workers.prepare import plan
from workers.run import Bench, run_test_case
from workers.stopwatch import Stopwatch

SOURCES = Path(__file__).with_name("checkers")
CASE = TestCase(0, "only", b"1 2", expected=Expectation(b"3\n"))
SAYS_THREE = "print(3)"
Judge = Callable[..., TestResult]


class Kept(dict[bytes, bytes]):
    """A compile cache in memory."""

    def find(self, key: bytes) -> bytes | None:
        return self.get(key)

    def keep(self, key: bytes, data: bytes) -> None:
        self[key] = data


COMPILER = Compiler(Kept(), {"cpp": "ours", "java": "ours"}, {})


@dataclass(frozen=True)
class Shop:
    """What programs are compiled with."""

    sandbox: Sandbox
    languages: Languages = LANGUAGES
    compiler: Compiler = COMPILER


@pytest.fixture(autouse=True)
def _soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that goes wrong should say so within seconds."""
    limits = replace(CONSTRAINTS, timeout_ms=5_000 * TIME_FACTOR, wall_timeout_ms=20_000 * TIME_FACTOR)
    monkeypatch.setattr(author_program, "CONSTRAINTS", limits)


@pytest.fixture
def judge(sandboxes: Mapping[str, Sandbox], tmp_path: Path) -> Judge:
    """Run a Python program, and have what it wrote judged."""

    def judged(
        checker: str | Program,
        program: str = SAYS_THREE,
        case: TestCase = CASE,
        *,
        mode: str = LOCAL_MODES[0],
        protocol: Protocol = Protocol.KATTIS,
        passes: int = 1,
    ) -> TestResult:
        sandbox = sandboxes[mode]
        if isinstance(checker, str):
            checker = Program("python", (File("check.py", checker.encode()),), "check.py")
        asked = asking(
            sources=(File("main.py", program.encode()),),
            checker=Checker(CheckerType.PROGRAM, program=checker, protocol=protocol),
            test_cases=(case,),
            passes=passes,
        )
        with sandbox.slot() as slot:
            ready = checker_of(Shop(sandbox), slot, asked)
            made = plan(LANGUAGES, asked)
            blobs, watch = FolderBlobs(tmp_path), Stopwatch(None)
            return run_test_case(Bench(sandbox, slot, made, Compiled(asked.sources), blobs, watch, checker=ready), case)

    return judged


def of(language: str, *names: str) -> Program:
    return Program(language, tuple(File(name, (SOURCES / name).read_bytes()) for name in names))


def came_to(result: TestResult) -> tuple[str | None, str | None, str]:
    return result.verdict, result.reason, result.message


NEEDS_CPP = pytest.mark.skipif(not Path("/usr/bin/g++").exists(), reason="an emulated machine has no C++")


@NEEDS_CPP
def test_one_in_cpp_says_right_and_wrong(judge: Judge) -> None:
    case = replace(CASE, points=5, checker_arguments=("twice",))
    right, wrong = (judge(of("cpp", "sum.cpp"), program, case) for program in ("print(6)", "print(7)"))

    assert (came_to(right), right.points, right.judge_message) == (("AC", None, ""), 2.5, "sum 3 twice")
    assert (came_to(wrong), wrong.points) == (("WA", "stdout", "not 7"), 0)
    assert wrong.judge_message == "sum 3 twice"


@NEEDS_CPP
@pytest.mark.parametrize(
    ("said", "verdict", "points", "message"),
    [
        ("30", "AC", 5, "ok exactly"),
        ("31", "AC", 2.5, "points 2.5 nearly"),
        ("99", "WA", 0, "wrong answer far away"),
        ("x", "WA", 0, "wrong output format a number was expected"),
    ],
)
def test_one_of_testlibs_protocol(judge: Judge, said: str, verdict: str, points: float, message: str) -> None:
    case = replace(CASE, expected=Expectation(b"30"), points=5)
    result = judge(of("cpp", "near.cpp", "testlib.h"), f"print('{said}')", case, protocol=Protocol.TESTLIB)

    assert (result.verdict, result.points, result.message) == (verdict, points, message)


@NEEDS_CPP
def test_one_of_testlibs_protocol_that_fails(judge: Judge) -> None:
    case = replace(CASE, expected=Expectation(b"-1"))
    result = judge(of("cpp", "near.cpp", "testlib.h"), case=case, protocol=Protocol.TESTLIB)

    assert came_to(result) == ("JE", "checker", "the checker failed (exit code 3)")
    assert result.judge_message == "FAIL the answer is below nothing"


@pytest.mark.skipif(not Path("/usr/bin/javac").exists(), reason="an emulated machine has no Java")
def test_one_in_java(judge: Judge) -> None:
    assert judge(of("java", "Same.java")).verdict is Verdict.AC
    assert came_to(judge(of("java", "Same.java"), "print(4)")) == ("WA", "stdout", "")


MODES = (LOCAL_MODES[0], "warm") if ROOT else LOCAL_MODES


@pytest.mark.parametrize("mode", MODES)
def test_what_it_is_given(judge: Judge, mode: str) -> None:
    says = """
import os, sys
_, infile, answer, feedback, *flags = sys.argv
assert feedback.endswith("/") and os.listdir(feedback) == []
told = [open(infile).read(), open(answer).read(), sys.stdin.read(), *flags, os.getcwd()]
open(feedback + "teammessage.txt", "w").write(repr(told))
exit(42)
"""
    result = judge(says, case=replace(CASE, checker_arguments=("-x", "ü")), mode=mode)

    assert came_to(result) == ("AC", None, repr(["1 2", "3\n", "3\n", "-x", "ü", "/box"]))
    assert result.usage is not None


def test_it_is_asked_for_each_expected_file(judge: Judge) -> None:
    program = "open('a','w').write('x'); open('b','w').write('y')"
    same = "import sys; exit(42 if sys.stdin.read() == open(sys.argv[2]).read() else 43)"
    files = (File("a", b"x"), File("b", b"z"), File("c", b""))

    def expecting(*wanted: File) -> TestCase:
        return replace(CASE, expected=Expectation(None, wanted))

    assert judge(same, program, expecting(files[0])).verdict is Verdict.AC
    assert came_to(judge(same, program, expecting(*files))) == ("WA", "file:b", "")
    missing = ("WA", "file:c", "the expected file c is missing")
    assert came_to(judge(same, program, expecting(files[0], files[2]))) == missing


def test_how_the_program_ended_comes_first(judge: Judge) -> None:
    assert came_to(judge("exit(42)", "exit(3)")) == ("RTE", "exit:3", "")
    assert came_to(judge("exit(42)", "import os; os.abort()"))[:2] == ("RTE", "signal:6")


FILLS = """
import sys
with open(sys.argv[3] + "judgemessage.txt", "wb") as file:
    for _ in range(1024):
        file.write(bytes(1 << 20))
exit(42)
"""
BAD = {
    "crashes": ("raise ValueError", "exited 1"),
    "exits 0": ("exit(0)", "exited 0"),
    "exits 1": ("exit(1)", "exited 1"),
    "exits 44": ("exit(44)", "exited 44"),
    "is killed": ("import os; os.kill(os.getpid(), 9)", "signal 9"),
    "loops": ("while True: pass", "(cpu)"),
    "sleeps": ("import time; time.sleep(600)", "(wall)"),
    "floods": ("while True: print('x' * 65536)", "(stdout)"),
    "floods stderr": ("import sys\nwhile True: print('x' * 65536, file=sys.stderr)", "(stderr)"),
    "takes memory": ("x = []\nwhile True: x.append(bytearray(1 << 20))", "(memory)" if ROOT else ""),
    "makes a call": ("import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0); exit(42)", "(syscall)"),
    "fills its folder": (FILLS, "exited 1"),
    "no score": ("import sys; open(sys.argv[3] + 'score.txt', 'w').write('many'); exit(42)", "'many'"),
    "much": ("import sys; open(sys.argv[3] + 'score_multiplier.txt', 'w').write('2'); exit(42)", "not from 0 to 1"),
    "no end": ("import sys; open(sys.argv[3] + 'nextpass.in', 'w').write('x'); exit(42)", "last of 1"),
    "both": ("import sys; open(sys.argv[3] + 'nextpass.in', 'w').write('x'); exit(43)", "that is wrong"),
}


@pytest.mark.parametrize(("checker", "why"), BAD.values(), ids=BAD)
def test_whatever_else_it_does_is_its_own_fault(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, checker: str, why: str
) -> None:
    wall_ms = 1500 if "sleep" in checker else 20_000  # beside others a loop takes long for its CPU time
    cpu_ms = 400 if why == "(cpu)" else 5000  # a machine that stalls counts as CPU time, too
    limits = replace(
        CONSTRAINTS, timeout_ms=cpu_ms * TIME_FACTOR, wall_timeout_ms=wall_ms * TIME_FACTOR, memory_mb=64, disk_mb=32
    )
    monkeypatch.setattr(author_program, "CONSTRAINTS", limits)
    result = judge(checker, case=replace(CASE, points=5))

    assert (result.verdict, result.reason, result.points) == (Verdict.JE, "checker", 0)
    assert why in result.message, result.message
    assert result.stdout == b"3\n"
    assert len(result.judge_message) <= 4096


def test_links_and_pipes_in_its_folder_are_nothing(judge: Judge) -> None:
    plants = """
import os, sys
here = sys.argv[3]
os.symlink("/etc/passwd", here + "judgemessage.txt")
os.symlink("../answer.ans", here + "teammessage.txt")
os.symlink("/proc/self/environ", here + "score.txt")
os.mkfifo(here + "nextpass.in")
os.mkdir(here + "score_multiplier.txt")
os.symlink("/", here + "all")
exit(42)
"""
    result = judge(plants, passes=3)
    assert came_to(result) == ("AC", None, "")
    assert result.judge_message == ""


def test_a_folder_that_is_a_link_is_nothing(judge: Judge) -> None:
    result = judge("import os, sys; os.rmdir(sys.argv[3]); os.symlink('/etc', sys.argv[3][:-1]); exit(43)")
    assert came_to(result) == ("WA", "stdout", "")


def test_a_message_is_cut(judge: Judge) -> None:
    says = "import sys; open(sys.argv[3] + 'teammessage.txt', 'wb').write(bytes([0, 255]) * 50000); exit(43)"
    result = judge(says)
    assert result.verdict is Verdict.WA
    assert len(result.message) == 4096


SNOOPS = """
import os, socket, sys
seen = [os.path.join(at, name) for at, _, names in os.walk("/box") for name in names]
seen += [name for name in os.listdir("/proc") if name.isdigit()]
for port in (22, 5432, 6379, 8000):
    try:
        socket.create_connection(("127.0.0.1", port), 0.2)
        seen.append(f"port {port}")
    except OSError:
        pass
secret = "planted" + "-by-the-program"
system = {"proc", "sys", "dev", "usr", "lib", "lib64", "bin"}
roots = [os.path.join("/", name) for name in os.listdir("/") if name not in system]
for root in (*roots, "/dev/shm"):
    for at, _, names in os.walk(root):
        for name in names:
            try:
                data = open(os.path.join(at, name), errors="replace").read(1 << 20)
            except OSError:
                continue
            if secret in data:
                seen.append("found:" + os.path.join(at, name))
open(sys.argv[3] + "teammessage.txt", "w").write(" ".join(seen))
exit(42)
"""
PLANTS = "open('/tmp/note', 'w').write('planted-by-the-program'); open('own', 'w').write('planted-by-the-program')"


def test_it_finds_nothing_of_the_program(judge: Judge) -> None:
    seen = judge(SNOOPS, PLANTS + "; print(3)").message.split()

    own, numbers = [name for name in seen if not name.isdigit()], [name for name in seen if name.isdigit()]
    assert sorted(own) == ["/box/check.py", "/box/judging/answer.ans", "/box/judging/input.in"]
    assert len(numbers) == 2  # init and itself


def test_a_program_in_a_box_of_its_own_files_finds_no_checker(judge: Judge) -> None:
    program = "import os, sys; print(sorted(os.listdir('.')), file=sys.stderr); print(3)"
    assert judge("exit(42)", program).stderr == b"['main.py']\n"


COUNTS_DOWN = """
import os, sys
_, infile, answer, feedback = sys.argv
number, said = int(open(infile).read()), int(sys.stdin.read())
assert not os.path.exists(feedback + "nextpass.in")
open(feedback + "judgemessage.txt", "a").write(f"{number}->{said} ")
if said != number - 1:
    exit(43)
if said > 0:
    open(feedback + "nextpass.in", "w").write(str(said))
exit(42)
"""
FROM_THREE = replace(CASE, stdin=b"3", points=4)


def test_a_program_is_run_again_for_as_long_as_its_checker_wants(judge: Judge) -> None:
    result = judge(COUNTS_DOWN, "print(int(input()) - 1)", FROM_THREE, passes=3)

    assert (came_to(result), result.points) == (("AC", None, ""), 4)
    assert result.judge_message == "3->2 2->1 1->0"
    assert result.stdout == b"0\n"
    assert result.usage is not None
    assert result.telemetry is not None


def test_the_last_pass_decides(judge: Judge) -> None:
    wrong = judge(COUNTS_DOWN, "n = int(input()); print(n - 1 if n > 2 else 7)", FROM_THREE, passes=3)
    crashed = judge(COUNTS_DOWN, "n = int(input()); print(n - 1 if n > 2 else 1 // 0)", FROM_THREE, passes=3)

    assert (came_to(wrong), wrong.points, wrong.judge_message) == (("WA", "stdout", ""), 0, "3->2 2->7")
    assert (came_to(crashed)[:2], crashed.points) == (("RTE", "exit:1"), 0)


def test_a_pass_too_many_is_the_checkers_fault(judge: Judge) -> None:
    result = judge(COUNTS_DOWN, "print(int(input()) - 1)", FROM_THREE, passes=2)
    assert came_to(result) == ("JE", "checker", "the checker asked for another pass after the last of 2")


def test_each_pass_has_a_jail_of_its_own(judge: Judge) -> None:
    program = "import os; print(int(input()) - (1 if os.listdir('.') == ['main.py'] else 9)); open('note', 'w')"
    assert judge(COUNTS_DOWN, program, FROM_THREE, passes=3).verdict is Verdict.AC


def test_more_than_may_be_kept_for_the_next_pass_is_its_fault(judge: Judge) -> None:
    many = """
import sys
for n in range(101):
    open(sys.argv[3] + str(n), "w")
open(sys.argv[3] + "nextpass.in", "w").write("1")
exit(42)
"""
    assert "more for the next pass" in judge(many, passes=2).message


def test_any_bytes_reach_it(judge: Judge) -> None:
    data = bytes(range(256)) * 300
    program = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 300)"
    same = "import sys; exit(42 if sys.stdin.buffer.read() == open(sys.argv[2], 'rb').read() else 43)"
    assert judge(same, program, replace(CASE, expected=Expectation(data))).verdict is Verdict.AC

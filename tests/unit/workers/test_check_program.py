"""When a checker that is a program is asked, and with what; real ones are in tests/jail."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.judging import Checker, CheckerType, Program, Protocol
from domain.model import Expectation, File, Submission, TestCase
from domain.verdict import Verdict
from sandbox import Cause, RunResult, SandboxError
from sandbox.fake import FakeJail, FakeSandbox, ended
from tests.unit.workers.grading import Make, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import asking
from workers.check_program import kept_checker
from workers.packing import packed, unpacked

PYTHON = Program("python", (File("check.py", b"exit(42)"),), "check.py")
C = Program("c", (File("check.c", b""),))
CASE = TestCase(0, "only", b"in", expected=Expectation(b"right"), points=4)
FEEDBACK = "judging/feedback/"


def with_checker(program: Program = PYTHON, protocol: Protocol = Protocol.KATTIS, **more: object) -> Submission:
    checker = Checker(CheckerType.PROGRAM, program=program, protocol=protocol, arguments=("-a",))
    return asking(**({"test_cases": (CASE,), "checker": checker} | more))  # type: ignore[arg-type]


def is_checker(jail: FakeJail) -> bool:
    return "check.py" in jail.box.files


def saying(code: int, **left: bytes) -> Callable[[FakeJail], RunResult]:
    """A program that prints, and a checker that leaves files and exits."""

    def script(jail: FakeJail) -> RunResult:
        if not is_checker(jail):
            return ended(stdout=b"wrote " + jail.command.stdin)
        for name, content in left.items():
            jail.box.files[FEEDBACK + name.replace("_", ".")] = content
        return ended(code)

    return script


def test_it_is_asked_when_the_program_has_ended(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(saying(42))
    assert graded(grader(sandbox), ledger, with_checker()).verdict is Verdict.AC

    program, checker = sandbox.jails
    assert program.box.files == {"main.py": b"print('hello')\n"}
    assert checker.command.stdin == b"wrote in"
    assert checker.command.line[-5:] == (
        "./check.py",
        "/box/judging/input.in",
        "/box/judging/answer.ans",
        "/box/judging/feedback/",
        "-a",
    )
    assert checker.box.files == {
        "check.py": b"exit(42)",
        "judging/input.in": b"in",
        "judging/answer.ans": b"right",
    }
    assert checker.box.folders == {"judging/feedback"}
    assert (checker.limits.cpu_time_ms, checker.limits.wall_time_ms) == (60_000, 120_000)
    assert (checker.limits.memory_bytes, checker.limits.output_bytes) == (2 << 30, 8 << 20)
    assert (checker.network, checker.cancel is not None) == (None, True)


def test_testlibs_are_given_the_output_as_a_file(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(saying(0))
    graded(grader(sandbox), ledger, with_checker(protocol=Protocol.TESTLIB))

    checker = sandbox.jails[1]
    assert checker.command.line[-4:-1] == (
        "/box/judging/input.in",
        "/box/judging/output.out",
        "/box/judging/answer.ans",
    )
    assert checker.box.files["judging/output.out"] == b"wrote in"
    assert checker.command.stdin == b""


def test_what_it_spends_is_not_the_programs(grader: Make, ledger: Ledger) -> None:
    def script(jail: FakeJail) -> RunResult:
        return replace(ended(42), cpu_time_us=9_000_000, memory_bytes=1 << 30) if is_checker(jail) else ended()

    graded(grader(FakeSandbox(script)), ledger, with_checker())
    [result] = ledger.results
    assert result.usage is not None
    assert (result.usage.cpu_time_ms, result.usage.memory_bytes) == (1, 1 << 20)


def test_it_judges_where_nothing_is_expected(grader: Make, ledger: Ledger) -> None:
    outcome = graded(grader(FakeSandbox(saying(43))), ledger, with_checker(test_cases=(TestCase(0, "only"),)))
    assert (outcome.verdict, outcome.reason) == (Verdict.WA, "stdout")


def test_it_is_not_asked_of_a_program_that_ended_badly(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(lambda _: ended(cause=Cause.MEMORY))
    assert graded(grader(sandbox), ledger, with_checker()).verdict is Verdict.MLE
    assert len(sandbox.jails) == 1


@pytest.mark.parametrize("code", [0, 1, 44, 255])
def test_its_own_fault_is_never_the_programs(grader: Make, ledger: Ledger, code: int) -> None:
    outcome = graded(grader(FakeSandbox(saying(code, score_txt=b"3"))), ledger, with_checker())
    assert (outcome.verdict, outcome.reason) == (Verdict.JE, "checker")
    [result] = ledger.results
    assert (result.points, result.stdout) == (0, b"wrote in")


def test_a_sandbox_that_fails_it_is_tried_again(grader: Make, ledger: Ledger) -> None:
    left = [SandboxError("no jail")]

    def script(jail: FakeJail) -> RunResult:
        if is_checker(jail) and left:
            raise left.pop()
        return ended(42 if is_checker(jail) else 0)

    assert graded(grader(FakeSandbox(script)), ledger, with_checker()).verdict is Verdict.AC


def test_one_that_does_not_compile_judges_nothing(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(lambda _: ended(1, stderr=b"check.c:1: error"))
    outcome = graded(grader(sandbox), ledger, with_checker(C))

    assert (outcome.verdict, outcome.reason, outcome.results) == (Verdict.JE, "checker", ())
    assert outcome.message == "the checker does not compile: exit:1\ncheck.c:1: error"
    assert len(sandbox.jails) == 1


def test_what_its_compiler_said_is_not_told_beside_hidden_test_cases(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(lambda _: ended(1, stderr=b"check.c:1: error: the answer is 42"))
    outcome = graded(
        grader(sandbox), ledger, with_checker(C, test_cases=(CASE, replace(CASE, ordinal=1, is_hidden=True)))
    )
    assert outcome.message == "the checker does not compile: exit:1"


def test_it_is_compiled_once_for_all_test_cases(grader: Make, ledger: Ledger) -> None:
    def script(jail: FakeJail) -> RunResult:
        if "check.c" in jail.box.files:
            jail.box.files["a.out"] = b"ELF"
            return ended()
        return ended(42 if "a.out" in jail.box.files else 0)

    sandbox = FakeSandbox(script)
    cases = tuple(replace(CASE, ordinal=number) for number in range(3))
    assert graded(grader(sandbox), ledger, with_checker(C, test_cases=cases)).verdict is Verdict.AC
    assert sum("check.c" in jail.box.files for jail in sandbox.jails) == 1
    assert sum("a.out" in jail.box.files and "check.c" not in jail.box.files for jail in sandbox.jails) == 3


def test_passes_share_the_feedback_folder(grader: Make, ledger: Ledger) -> None:
    def script(jail: FakeJail) -> RunResult:
        if not is_checker(jail):
            return ended(stdout=b"of " + jail.command.stdin)
        seen = jail.box.files.get(FEEDBACK + "judgemessage.txt", b"")
        jail.box.files[FEEDBACK + "judgemessage.txt"] = seen + jail.command.stdin + b";"
        assert FEEDBACK + "nextpass.in" not in jail.box.files
        if jail.box.files["judging/input.in"] != b"last":
            jail.box.files[FEEDBACK + "nextpass.in"] = b"last" if seen else b"second"
        return ended(42)

    sandbox = FakeSandbox(script)
    assert graded(grader(sandbox), ledger, with_checker(passes=3)).verdict is Verdict.AC
    [result] = ledger.results
    assert (result.judge_message, result.stdout) == ("of in;of second;of last;", b"of last")
    assert (len(sandbox.jails), result.points) == (6, 4)
    assert result.usage is not None
    assert (result.usage.cpu_time_ms, result.usage.wall_time_ms) == (3, 6)


def test_what_it_gave_comes_through_from_another_host(grader: Make, ledger: Ledger) -> None:
    graded(grader(FakeSandbox(saying(42, score_txt=b"1.5", judgemessage_txt=b"well"))), ledger, with_checker())
    [result] = ledger.results
    assert (result.points, result.judge_message) == (1.5, "well")
    assert unpacked(packed(result)) == result


def test_another_host_helps_only_with_the_same_checker(grader: Make) -> None:
    here = grader(FakeSandbox())
    interpreted = kept_checker(here, with_checker())
    assert interpreted is not None
    assert interpreted.program.compiled.files == PYTHON.sources
    assert kept_checker(here, with_checker(C)) is None
    assert kept_checker(here, asking()) is None


def test_wrong_flags_that_were_kept_are_the_checkers_fault(grader: Make, ledger: Ledger) -> None:
    asked = asking(test_cases=(CASE,), checker=Checker(CheckerType.KATTIS, arguments=("strict",)))
    outcome = graded(grader(FakeSandbox()), ledger, asked)
    assert (outcome.verdict, outcome.reason) == (Verdict.JE, "checker")


def test_flags_of_the_test_case_are_added(grader: Make, ledger: Ledger) -> None:
    case = replace(CASE, checker_arguments=("case_sensitive",), expected=Expectation(b"Yes"))
    checker = Checker(CheckerType.KATTIS)

    def said() -> Verdict:
        sandbox = FakeSandbox(lambda _: ended(stdout=b"yes"))
        return graded(grader(sandbox), ledger, asking(test_cases=(case,), checker=checker)).verdict

    assert said() is Verdict.WA
    case = replace(case, checker_arguments=())
    assert said() is Verdict.AC


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_no_pass_follows_the_last(grader: Make, ledger: Ledger, passes: int) -> None:
    sandbox = FakeSandbox(saying(42, nextpass_in=b"more"))
    outcome = graded(grader(sandbox), ledger, with_checker(passes=passes))

    assert (outcome.verdict, outcome.reason) == (Verdict.JE, "checker")
    assert len(sandbox.jails) == 2 * passes
    [result] = ledger.results
    assert (result.message, result.points) == (f"the checker asked for another pass after the last of {passes}", 0)

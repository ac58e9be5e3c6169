"""The table of docs/semantics.md: from what a run came to, and what was expected of it, to a verdict."""

import signal
from dataclasses import replace
from itertools import product

import pytest

from domain.limits import Constraints
from domain.model import Checker, CheckerType, Expectation, TestCase
from domain.verdict import Verdict
from sandbox import Cause, RunResult
from sandbox.fake import FakeBox, ended
from tests.unit.workers.making import ONLY, expecting, planned
from workers.judge import Judgement, judge

MIB = 1 << 20


def judged(
    result: RunResult, case: TestCase = ONLY, checker: CheckerType = CheckerType.TOKENS
) -> tuple[str, str | None]:
    box = FakeBox(MIB, {"right.txt": b"1 2\n", "wrong.txt": b"3\n"})
    judgement = judge(planned(checker=Checker(checker)), case, result, box)
    return judgement.verdict.value, judgement.reason


ENDED_BY = {
    "MLE memory": ended(cause=Cause.MEMORY, exit_signal=signal.SIGKILL),
    "OLE stdout": ended(cause=Cause.STDOUT, exit_signal=signal.SIGKILL),
    "OLE stderr": ended(cause=Cause.STDERR, exit_signal=signal.SIGKILL),
    "OLE file": ended(cause=Cause.FILE, exit_signal=signal.SIGXFSZ),
    "TLE cpu": ended(cause=Cause.CPU, exit_signal=signal.SIGKILL),
    "TLE wall": ended(cause=Cause.WALL, exit_signal=signal.SIGKILL),
    "RTE syscall:ptrace": replace(ended(cause=Cause.SYSCALL, exit_signal=signal.SIGKILL), denied_syscall="ptrace"),
    "RTE processes": ended(cause=Cause.PROCESSES, exit_signal=signal.SIGABRT),
    "RTE signal:11": ended(cause=Cause.SIGNAL, exit_signal=signal.SIGSEGV),
    "RTE signal:9": ended(cause=Cause.SIGNAL, exit_signal=signal.SIGKILL),
    "RTE signal:34": ended(cause=Cause.SIGNAL, exit_signal=34),
}


"""Ways to end that no expectation can make good."""


WHATEVER = [
    expecting(),
    expecting(b""),
    expecting(b"something else"),
    expecting(exit_code=0),
    expecting(exit_code=9),
    expecting(exit_code=11),
    expecting(exit_code=139),
    expecting(b"", 139, right=b"1 2"),
]


@pytest.mark.parametrize(("verdict", "case"), [*product(ENDED_BY, WHATEVER)])
def test_what_ended_it_comes_before_what_was_expected(verdict: str, case: TestCase) -> None:
    assert " ".join(filter(None, judged(ENDED_BY[verdict], case))) == verdict


@pytest.mark.parametrize("cause", [Cause.MEMORY, Cause.STDOUT, Cause.STDERR, Cause.CPU, Cause.WALL])
def test_a_limit_that_was_passed_counts_even_if_it_ended_by_itself(cause: Cause) -> None:
    verdict, reason = judged(ended(0, cause=cause, stdout=b"1"), expecting(b"1", 0))
    assert verdict in {"MLE", "OLE", "TLE"}
    assert reason == cause.value


@pytest.mark.parametrize(
    ("actual", "expected", "verdict", "reason"),
    [
        (0, None, "OK", None),
        (0, 0, "AC", None),
        (0, 7, "WA", "exit:0"),
        (1, None, "RTE", "exit:1"),
        (1, 0, "RTE", "exit:1"),
        (1, 7, "RTE", "exit:1"),
        (7, 7, "AC", None),
        (255, None, "RTE", "exit:255"),
        (137, None, "RTE", "exit:137"),
        (127, None, "RTE", "exit:127"),
    ],
)
def test_the_exit_code_alone(actual: int, expected: int | None, verdict: str, reason: str | None) -> None:
    assert judged(ended(actual), expecting(exit_code=expected)) == (verdict, reason)


@pytest.mark.parametrize(
    ("expected", "verdict", "reason"),
    [(None, "RTE", "processes"), (0, "RTE", "processes"), (7, "RTE", "processes"), (1, "AC", None)],
)
def test_a_refused_fork_counts_unless_the_exit_is_the_expected_one(
    expected: int | None, verdict: str, reason: str | None
) -> None:
    assert judged(ended(1, cause=Cause.PROCESSES), expecting(exit_code=expected)) == (verdict, reason)


@pytest.mark.parametrize(
    ("case", "verdict", "reason"),
    [
        (expecting(b"1 2"), "AC", None),
        (expecting(b"1 3"), "WA", "stdout"),
        (expecting(b""), "WA", "stdout"),
        (expecting(b"1 2", 0), "AC", None),
        (expecting(right=b"1 2"), "AC", None),
        (expecting(wrong=b"1 2"), "WA", "file:wrong.txt"),
        (expecting(missing=b"1 2"), "WA", "file:missing.txt"),
        (expecting(missing=b""), "WA", "file:missing.txt"),
        (expecting(b"1 2", right=b"1 2"), "AC", None),
        (expecting(b"1 3", wrong=b"1 2"), "WA", "stdout"),
        (expecting(b"1 2", right=b"1 2", wrong=b"1 2", missing=b""), "WA", "file:wrong.txt"),
    ],
)
def test_what_it_wrote(case: TestCase, verdict: str, reason: str | None) -> None:
    assert judged(ended(stdout=b"1 2\n", stderr=b"never compared"), case) == (verdict, reason)


def test_an_expected_exit_code_goes_on_to_comparing() -> None:
    assert judged(ended(7, stdout=b"1"), expecting(b"1", 7)) == ("AC", None)
    assert judged(ended(7, stdout=b"2"), expecting(b"1", 7)) == ("WA", "stdout")


def test_a_crash_after_the_right_output_is_a_crash() -> None:
    assert judged(ended(1, stdout=b"1"), expecting(b"1")) == ("RTE", "exit:1")


def test_nothing_expected_but_nothing_is_an_expectation() -> None:
    assert judged(ended(), expecting(b"")) == ("AC", None)
    assert judged(ended(stdout=b"x"), TestCase(0, "only", expected=Expectation())) == ("OK", None)


@pytest.mark.parametrize(("checker", "verdict"), [(CheckerType.EXACT, "WA"), (CheckerType.LINES, "AC")])
def test_the_checker_counts_for_stdout_and_files_alike(checker: CheckerType, verdict: str) -> None:
    assert judged(ended(stdout=b"1 2\n"), expecting(b"1 2"), checker)[0] == verdict
    assert judged(ended(), expecting(right=b"1 2"), checker)[0] == verdict


def test_a_file_is_read_well_beyond_what_is_expected_and_no_further() -> None:
    made = planned(constraints=Constraints(output_kb=1))
    for size, verdict in ((MIB, Verdict.AC), (MIB + 3, Verdict.WA)):
        box = FakeBox(4 * MIB, {"out.txt": b"1" + b" " * size})
        assert judge(made, expecting(out=b"1"), ended(), box).verdict is verdict


@pytest.mark.parametrize(
    ("result", "case", "message"),
    [
        (ended(cause=Cause.SIGNAL, exit_signal=signal.SIGSEGV), ONLY, "SIGSEGV"),
        (ended(cause=Cause.SIGNAL, exit_signal=99), ONLY, ""),
        (ended(1, cause=Cause.PROCESSES), ONLY, "more than 64 at a time"),
        (ended(0), expecting(exit_code=3), "exited 0 where 3 was expected"),
        (ended(0), expecting(out=b""), "the expected file out.txt is missing"),
    ],
)
def test_a_sentence_says_more_where_there_is_more_to_say(result: RunResult, case: TestCase, message: str) -> None:
    assert judge(planned(), case, result, FakeBox(MIB)).message == message


def test_a_judgement_needs_no_reason() -> None:
    assert Judgement(Verdict.AC) == Judgement(Verdict.AC, None, "")

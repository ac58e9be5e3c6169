"""Say what one run came to: the only place where a cause becomes a verdict.

The order of causes is decided in `sandbox.result.decide`; what is left here is the table of `docs/semantics.md`.
"""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from domain.model import Checker, CheckerType, TestCase
from domain.verdict import Verdict
from sandbox import BoxFiles, Cause, RunResult
from workers.check import compare
from workers.check_program import Written
from workers.check_value import look
from workers.prepare import Plan

EXPECTED_FILE_SLACK_BYTES = 1 << 20


@dataclass(frozen=True)
class Judgement:
    """Verdict, reason, and a sentence for whoever sent the test case.

    What is left for a checker program to look at makes it that of a program that ended as it should, and no more.
    """

    verdict: Verdict
    reason: str | None = None
    message: str = ""
    unchecked: tuple[Written, ...] = ()


def judge(plan: Plan, case: TestCase, result: RunResult, box: BoxFiles) -> Judgement:
    """Give the verdict of one run: the program's end first, what it wrote only if that was as expected."""
    match result.cause:
        case Cause.MEMORY:
            return Judgement(Verdict.MLE, "memory")
        case Cause.STDOUT | Cause.STDERR | Cause.FILE:
            return Judgement(Verdict.OLE, result.cause.value)
        case Cause.CPU | Cause.WALL:
            return Judgement(Verdict.TLE, result.cause.value)
        case Cause.SYSCALL:
            return Judgement(Verdict.RTE, f"syscall:{result.denied_syscall}")
        case Cause.SIGNAL:
            return Judgement(Verdict.RTE, f"signal:{result.exit_signal}", _signal_name(result.exit_signal))
        case Cause.PROCESSES | Cause.EXIT:
            return _judge_exit(plan, case, result, box)
        case _:
            assert_never(result.cause)


def _judge_exit(plan: Plan, case: TestCase, result: RunResult, box: BoxFiles) -> Judgement:
    expected, actual = case.expected.exit_code or 0, result.exit_code
    if actual == expected:
        return _judge_output(plan, case, result, box)
    if result.cause is Cause.PROCESSES:
        return Judgement(Verdict.RTE, "processes", f"more than {plan.submission.constraints.processes} at a time")
    if actual == 0:
        return Judgement(Verdict.WA, "exit:0", f"exited 0 where {expected} was expected")
    return Judgement(Verdict.RTE, f"exit:{actual}")


def checker_for(plan: Plan, case: TestCase) -> Checker:
    """Give the checker with the arguments that it has for this test case."""
    checker = plan.submission.checker
    return replace(checker, arguments=(*checker.arguments, *case.checker_arguments))


def _judge_output(plan: Plan, case: TestCase, result: RunResult, box: BoxFiles) -> Judgement:
    if plan.submission.function is not None:
        wrong = look(plan.submission.function, case, box)
        right = Verdict.OK if case.expected.stdout is None else Verdict.AC
        return Judgement(right) if wrong is None else Judgement(Verdict.WA, "returned", wrong)
    if plan.submission.interactor is not None:
        return Judgement(Verdict.AC)  # as far as its end goes; the rest is for the interactor to say
    try:
        return _compared(plan, case, result, box)
    except ValueError as error:  # arguments that were kept before anybody looked at them
        return Judgement(Verdict.JE, "checker", f"the checker's arguments are wrong: {error}")


def _compared(plan: Plan, case: TestCase, result: RunResult, box: BoxFiles) -> Judgement:
    expected, checker = case.expected, checker_for(plan, case)
    if checker.type is CheckerType.PROGRAM:
        return Judgement(Verdict.AC, unchecked=tuple(_written(plan, case, result, box)))
    if expected.stdout is None and not expected.files and expected.exit_code is None:
        return Judgement(Verdict.OK)
    if expected.stdout is not None and not compare(checker, result.stdout, expected.stdout):
        return Judgement(Verdict.WA, "stdout")
    for file in expected.files:
        found = box.read(file.path, _read_limit(plan, len(file.content)))
        if found is None:
            return Judgement(Verdict.WA, f"file:{file.path}", f"the expected file {file.path} is missing")
        content, longer = found
        if longer or not compare(checker, content, file.content):
            return Judgement(Verdict.WA, f"file:{file.path}")
    return Judgement(Verdict.AC)


def _written(plan: Plan, case: TestCase, result: RunResult, box: BoxFiles) -> Iterator[Written]:
    """Give what a checker program is to look at: expected files, and stdout unless these alone are expected."""
    expected = case.expected
    if expected.stdout is not None or not expected.files:
        yield Written("stdout", result.stdout, expected.stdout or b"")
    for file in expected.files:
        content, longer = box.read(file.path, _read_limit(plan, len(file.content))) or (None, False)
        yield Written(f"file:{file.path}", content, file.content, longer=longer)


def _read_limit(plan: Plan, expected_bytes: int) -> int:
    """How much of an output file is looked at: white space may make a right one longer than what is expected."""
    return max(2 * expected_bytes + EXPECTED_FILE_SLACK_BYTES, plan.submission.constraints.output_kb * 1024)


def _signal_name(number: int | None) -> str:
    try:
        return signal.Signals(number or 0).name
    except ValueError:
        return ""

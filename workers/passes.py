"""What the runs of one test case come to: what a checker said laid over what was run, and several passes as one (pure).

Limits of time and memory are those of each pass. What is told is the last pass, with the time of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.model import File, TestCase, TestResult, Usage
from domain.verdict import Verdict
from workers.check_program import Answer
from workers.checked import Checked, broken


@dataclass(frozen=True)
class Pass:
    """One run of the program, judged. `next_input` is what it is to be run with once more."""

    result: TestResult
    next_input: bytes | None = None
    kept: tuple[File, ...] = ()
    """The checker's feedback folder."""


def judged(case: TestCase, found: TestResult, answer: Answer) -> Pass:
    """Lay what a checker said over what was found of a program that ended as it should."""
    said = answer.checked
    result = replace(
        found,
        verdict=said.verdict,
        reason=answer.reason,
        message=said.message,
        judge_message=said.author_message,
        points=earned(case, said),
    )
    return Pass(result, said.next_input, answer.kept)


def earned(case: TestCase, said: Checked) -> float | None:
    """What a test case earns by its checker: the score that it gave, within the case's points, or a part of these."""
    if said.verdict is not Verdict.AC:
        return None if case.points is None else 0
    if said.score is not None:
        return said.score if case.points is None else min(said.score, case.points)
    if said.share is not None and case.points is not None:
        return said.share * case.points
    return case.points


def one_too_many(last: Pass, passes: int) -> Pass:
    """Turn a pass after which another is asked for, and may not be, into the checker's fault."""
    said = broken(f"asked for another pass after the last of {passes}")
    points_left = None if last.result.points is None else 0
    return Pass(replace(last.result, verdict=said.verdict, reason="checker", message=said.message, points=points_left))


def together(results: Sequence[TestResult]) -> TestResult:
    """Make one result of those of all passes."""
    last = results[-1]
    spent = [one.usage for one in results if one.usage is not None]
    if len(results) == 1 or not spent:
        return last
    memory = [one.memory_bytes for one in spent if one.memory_bytes is not None]
    usage = Usage(
        cpu_time_ms=sum(one.cpu_time_ms for one in spent),
        wall_time_ms=sum(one.wall_time_ms for one in spent),
        memory_bytes=max(memory, default=None),
        source=max(one.source for one in spent),
    )
    return replace(last, usage=usage)

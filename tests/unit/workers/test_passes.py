"""What a checker said, laid over what was run; and several passes as one result."""

from dataclasses import replace

import pytest

from domain.model import File, TestCase, TestResult, Usage
from domain.verdict import Verdict
from workers.check_program import Answer
from workers.checked import Checked
from workers.passes import earned, judged, one_too_many, together

TEN = TestCase(0, "ten", points=10)
NONE = TestCase(0, "none")
RAN = TestResult(0, Verdict.AC, stdout=b"out", usage=Usage(5, 7, 100), points=10)


@pytest.mark.parametrize(
    ("said", "of_ten", "of_none"),
    [
        (Checked(Verdict.AC), 10, None),
        (Checked(Verdict.WA), 0, None),
        (Checked(Verdict.JE), 0, None),
        (Checked(Verdict.AC, score=2.5), 2.5, 2.5),
        (Checked(Verdict.AC, score=12), 10, 12),
        (Checked(Verdict.AC, score=0), 0, 0),
        (Checked(Verdict.AC, share=0.25), 2.5, None),
        (Checked(Verdict.WA, score=3), 0, None),
    ],
)
def test_what_a_test_case_earns(said: Checked, of_ten: float, of_none: float | None) -> None:
    assert earned(TEN, said) == of_ten
    assert earned(NONE, said) == of_none


def test_what_was_said_is_laid_over_what_was_run() -> None:
    kept = (File("judging/feedback/note", b""),)
    answer = Answer(Checked(Verdict.WA, "to you", "to the author"), "file:a", kept)
    found = judged(TEN, RAN, answer)

    assert found.kept == kept
    assert found.result == replace(
        RAN, verdict=Verdict.WA, reason="file:a", message="to you", judge_message="to the author", points=0
    )


def test_passes_come_to_the_last_with_the_time_of_all() -> None:
    last = replace(RAN, verdict=Verdict.WA, reason="stdout", stdout=b"last", usage=Usage(1, 2, 50, "sampled"))
    assert together([RAN, last]) == replace(last, usage=Usage(6, 9, 100, "sampled"))
    assert together([RAN]) is RAN


def test_memory_that_is_not_known_is_none() -> None:
    unknown = replace(RAN, usage=Usage(1, 1, None))
    assert together([unknown, unknown]).usage == Usage(2, 2, None)


def test_one_too_many_is_the_checkers_fault() -> None:
    found = one_too_many(judged(TEN, RAN, Answer(Checked(Verdict.AC, next_input=b"x"))), 3)
    assert (found.result.verdict, found.result.reason, found.result.points) == (Verdict.JE, "checker", 0)
    assert (found.next_input, found.result.message) == (None, "the checker asked for another pass after the last of 3")

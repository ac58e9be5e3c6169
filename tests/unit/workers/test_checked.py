"""What is made of how a checker ended and what it left: right, wrong, or its own fault."""

import signal

import pytest

from domain.judging import Protocol
from domain.verdict import Verdict
from sandbox import Cause, RunResult
from sandbox.fake import ended
from workers.checked import MOST_NEXT_BYTES, Checked, Feedback, checked, text

KATTIS, TESTLIB = Protocol.KATTIS, Protocol.TESTLIB
ENDS = [
    *(ended(0, cause=cause) for cause in Cause if cause not in {Cause.EXIT, Cause.SIGNAL}),
    *(ended(42, cause=cause) for cause in Cause if cause not in {Cause.EXIT, Cause.SIGNAL}),
    *(ended(cause=Cause.SIGNAL, exit_signal=number) for number in (signal.SIGSEGV, signal.SIGKILL, 42)),
]


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("result", ENDS, ids=lambda result: f"{result.cause}-{result.exit_code}")
def test_what_did_not_end_by_itself_says_nothing(protocol: Protocol, result: RunResult) -> None:
    said = checked(protocol, result, Feedback(judge=b"why", score=b"5"))
    assert (said.verdict, said.score, said.author_message) == (Verdict.JE, None, "why")
    assert said.message.startswith("the checker was ended")


@pytest.mark.parametrize("code", range(256))
def test_codes_of_kattis(code: int) -> None:
    expected = {42: Verdict.AC, 43: Verdict.WA}.get(code, Verdict.JE)
    assert checked(KATTIS, ended(code)).verdict is expected


@pytest.mark.parametrize("code", range(256))
def test_codes_of_testlib(code: int) -> None:
    expected = {0: Verdict.AC, 1: Verdict.WA, 2: Verdict.WA, 4: Verdict.WA, 8: Verdict.WA}.get(code, Verdict.JE)
    assert checked(TESTLIB, ended(code)).verdict is expected


@pytest.mark.parametrize("code", [5, 7])
@pytest.mark.parametrize(
    ("stderr", "score"),
    [
        (b"points 12.5 nearly", 12.5),
        (b"points 12.5", 12.5),
        (b"3 of 4", 3.0),
        (b" 0.25", 0.25),
        (b"partially correct (40) some", 40.0),
    ],
)
def test_points_of_testlib(code: int, stderr: bytes, score: float) -> None:
    said = checked(TESTLIB, ended(code, stderr=stderr))
    assert (said.verdict, said.score, said.message) == (Verdict.AC, score, stderr.decode().strip())


def test_no_points_of_testlib_are_wrong() -> None:
    assert checked(TESTLIB, ended(7, stderr=b"points 0 nothing")).verdict is Verdict.WA


@pytest.mark.parametrize(
    "stderr", [b"", b"points", b"points many", b"points -1", b"points 1e999", b"points 1x", b"nan"]
)
def test_points_that_are_no_number_are_its_own_fault(stderr: bytes) -> None:
    said = checked(TESTLIB, ended(7, stderr=stderr))
    assert (said.verdict, said.score) == (Verdict.JE, None)


def test_what_kattis_leaves() -> None:
    left = Feedback(judge=b" for the jury\n", team=b"for \xff you", score=b"12.5\n", next_input=b"3")
    assert checked(KATTIS, ended(42, stderr=b"noise"), left) == Checked(
        Verdict.AC, "for \ufffd you", "for the jury", score=12.5, next_input=b"3"
    )
    assert checked(KATTIS, ended(42), Feedback(multiplier=b".5")).share == 0.5


def test_stderr_stands_where_it_left_no_message() -> None:
    assert checked(KATTIS, ended(1, stderr=b"Traceback")).author_message == "Traceback"


def test_a_wrong_output_has_no_score() -> None:
    said = checked(KATTIS, ended(43), Feedback(team=b"no", score=b"5"))
    assert said == Checked(Verdict.WA, "no")


NONSENSE = {
    "both": (42, Feedback(score=b"1", multiplier=b"1")),
    "words": (42, Feedback(score=b"many")),
    "empty": (42, Feedback(score=b"")),
    "two numbers": (42, Feedback(score=b"1 2")),
    "nan": (42, Feedback(score=b"nan")),
    "inf": (42, Feedback(score=b"1e999")),
    "too large to be summed": (42, Feedback(score=b"-1e300")),
    "hexadecimal": (42, Feedback(score=b"0x1")),
    "above one": (42, Feedback(multiplier=b"1.01")),
    "below nothing": (42, Feedback(multiplier=b"-0.1")),
    "wrong and again": (43, Feedback(next_input=b"")),
    "much": (42, Feedback(next_input=bytes(MOST_NEXT_BYTES + 1))),
    "many files": (42, Feedback(next_input=b"", cut=True)),
}


@pytest.mark.parametrize(("code", "left"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_its_own_fault(code: int, left: Feedback) -> None:
    said = checked(KATTIS, ended(code), left)
    assert (said.verdict, said.score, said.share, said.next_input) == (Verdict.JE, None, None, None)


def test_more_files_than_are_kept_matter_only_for_another_pass() -> None:
    assert checked(KATTIS, ended(42), Feedback(cut=True)).verdict is Verdict.AC


def test_messages_are_cut() -> None:
    assert text(b"x" * 5000) == "x" * 4096

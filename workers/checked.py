"""What a checker, or an interactor, says of an output: from how it ended and what it left, by its protocol (pure).

It decides right or wrong, and nothing else is wrong: whatever is not an answer by its protocol (a crash, a limit, an
exit code that means nothing, a score that is no number) is a fault of the checker's, verdict JE. Never WA.
"""

import re
from dataclasses import dataclass, field

from domain.judging import Protocol
from domain.model import File
from domain.verdict import Verdict
from sandbox import Cause, RunResult

MOST_MESSAGE_BYTES = 4096
"""Of a message: what is longer is cut."""
MOST_SCORE_BYTES = 256
MOST_POINTS = 1e12
"""Of one test case, either way: the sum of all of them is to be a number too."""
MOST_NEXT_BYTES = 16 * 1024 * 1024
"""Of the input of another pass."""
ACCEPTED, WRONG = 42, 43
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TESTLIB_RIGHT, _TESTLIB_WRONG, _TESTLIB_POINTS = {0}, {1, 2, 4, 8}, {5, 7}
_POINTS = re.compile(rf"\s*(?:points\s+|partially\s+correct\s+\(?)?({_NUMBER.pattern})(?=[\s)]|$)")


@dataclass(frozen=True)
class Checked:
    """What is to be made of an output. JE: the checker did not say."""

    verdict: Verdict
    message: str = ""
    """For whoever sent the program; nobody sees that of a hidden test case."""
    author_message: str = ""
    """For the problem's author alone."""
    score: float | None = None
    """Points, as they are."""
    share: float | None = None
    """Part of the test case's points, 0 to 1."""
    next_input: bytes | None = None
    """What the program is to be run with once more."""


@dataclass(frozen=True)
class Feedback:
    """What lay in the feedback folder when the checker was dead: regular files, each cut one byte behind its bound."""

    judge: bytes = b""
    team: bytes = b""
    score: bytes | None = None
    multiplier: bytes | None = None
    next_input: bytes | None = None
    kept: tuple[File, ...] = ()
    """All of it, for the next pass."""
    cut: bool = False
    """Whether there was more than that."""


NO_FEEDBACK = Feedback()


@dataclass
class Nonsense(Exception):  # noqa: N818 - it says what is the case
    """What was left means nothing by the protocol."""

    why: str = field(default="")


def checked(protocol: Protocol, result: RunResult, left: Feedback = NO_FEEDBACK) -> Checked:
    """Say what a run of it came to."""
    told = _author_message(result, left)
    if result.cause is not Cause.EXIT or result.exit_code is None:
        return broken(_how_it_ended(result), told)
    try:
        if protocol is Protocol.KATTIS:
            return _kattis(result.exit_code, left, told)
        return _testlib(result.exit_code, result.stderr, told)
    except Nonsense as error:
        return broken(error.why, told)


def broken(why: str, author_message: str = "") -> Checked:
    """Say that it did not judge."""
    return Checked(Verdict.JE, f"the checker {why}", author_message)


def text(data: bytes, most_bytes: int = MOST_MESSAGE_BYTES) -> str:
    """Read a message: of any bytes what is text, without white space around it, and not too long."""
    return data[:most_bytes].decode(errors="replace").strip()


def _how_it_ended(result: RunResult) -> str:
    if result.exit_signal is not None and result.cause is Cause.SIGNAL:
        return f"was ended by signal {result.exit_signal}"
    return f"was ended for what it did ({result.cause.value})"


def _author_message(result: RunResult, left: Feedback) -> str:
    return text(left.judge) or text(result.stderr)


def _kattis(exit_code: int, left: Feedback, told: str) -> Checked:
    if exit_code not in (ACCEPTED, WRONG):
        raise Nonsense(f"exited {exit_code}, which is neither {ACCEPTED} nor {WRONG}")
    if exit_code == WRONG:
        if left.next_input is not None:
            raise Nonsense("asked for another pass of a program that is wrong")
        return Checked(Verdict.WA, text(left.team), told)
    if left.score is not None and left.multiplier is not None:
        raise Nonsense("left both a score and a multiplier")
    if left.next_input is not None and (left.cut or len(left.next_input) > MOST_NEXT_BYTES):
        raise Nonsense("left more for the next pass than there may be")
    return Checked(
        Verdict.AC,
        text(left.team),
        told,
        score=None if left.score is None else _number(text(left.score), "score"),
        share=None if left.multiplier is None else _share(text(left.multiplier)),
        next_input=left.next_input,
    )


def _number(said: str, name: str) -> float:
    if not _NUMBER.fullmatch(said) or abs(value := float(said)) > MOST_POINTS:
        raise Nonsense(f"left a {name} that is no number, or too large: {said[:40]!r}")
    return value


def _share(said: str) -> float:
    value = _number(said, "multiplier")
    if not 0 <= value <= 1:
        raise Nonsense(f"left a multiplier that is not from 0 to 1: {value:g}")
    return value


def _testlib(exit_code: int, stderr: bytes, told: str) -> Checked:
    """Testlib's codes: ok, wrong, presentation, dirt and unexpected end of the output; points by their number."""
    message = text(stderr)
    if exit_code in _TESTLIB_RIGHT:
        return Checked(Verdict.AC, message, told)
    if exit_code in _TESTLIB_WRONG:
        return Checked(Verdict.WA, message, told)
    if exit_code not in _TESTLIB_POINTS:
        raise Nonsense(f"failed (exit code {exit_code})")
    found = _POINTS.match(message)
    if found is None:
        raise Nonsense("gave points, and no number first on stderr")
    points = _number(found[1], "number of points")
    if points < 0:
        raise Nonsense(f"gave points below nothing: {points:g}")
    return Checked(Verdict.AC if points > 0 else Verdict.WA, message, told, score=points)

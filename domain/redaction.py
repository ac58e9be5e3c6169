"""What may be told of test results: of a hidden test case no more than `docs/semantics.md` says (pure).

One place for answers and live events alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from domain.model import Usage
from domain.scoring import shown
from domain.usage import rounded
from domain.verdict import Verdict, hidden_reason


class Result(Protocol):
    """A test result, whole or as it is read for an answer."""

    @property
    def verdict(self) -> Verdict | None:
        """None where it was skipped."""

    @property
    def reason(self) -> str | None:
        """Why."""

    @property
    def usage(self) -> Usage | None:
        """What was spent."""

    @property
    def points(self) -> float | None:
        """What it earned."""


@dataclass(frozen=True)
class Told:
    """What is told of every test result; of a hidden one this is all."""

    name: str
    is_hidden: bool
    verdict: Verdict | None
    reason: str | None
    usage: Usage | None
    points: float | int | None


def told(name: str, result: Result, *, is_hidden: bool) -> Told:
    """Take of a result what may be told."""
    reason, usage = result.reason, result.usage
    if is_hidden:
        reason = hidden_reason(result.verdict, reason)
        usage = rounded(usage) if usage is not None else None
    return Told(name, is_hidden, result.verdict, reason, usage, shown(result.points))


def whole_is_of_hidden(results: Iterable[tuple[bool, Verdict | None]], whole: Verdict | None) -> bool:
    """Say whether verdict and reason of the whole are those of a hidden test case.

    `results` say of each in order whether it is hidden, and its verdict.
    """
    for is_hidden, verdict in results:
        if verdict is not None and not verdict.passed:
            return is_hidden and verdict is whole
    return False

"""How outputs are judged (pure, frozen): checkers, interactors, test groups, and their form in a row.

What is plain, a comparison of outputs alone, stands in columns of its own; the rest is one JSON value, which is empty
for most submissions.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from domain.file import File
from domain.function import Function
from domain.suite import Suite


class CheckerType(StrEnum):
    """How an output is compared with the expected one."""

    TOKENS = "tokens"
    EXACT = "exact"
    LINES = "lines"
    FLOAT = "float"
    KATTIS = "kattis"
    """As the default validator of the Kattis problem format does, by its flags."""
    PROGRAM = "program"


class Protocol(StrEnum):
    """How a checker or an interactor is told what to look at, and says what it found."""

    KATTIS = "kattis"
    TESTLIB = "testlib"


@dataclass(frozen=True)
class Program:
    """A program of the problem's author, as little trusted as any other: a checker, an interactor, a validator."""

    language: str
    """As in a submission: `python`, `cpp@17`."""
    sources: tuple[File, ...]
    entry_point: str | None = None


@dataclass(frozen=True)
class Checker:
    """The checker of a submission; `tolerance` counts for `float` only, the last three for types that are named there.

    What `arguments` are is for the checker to say: flags of the default validator (`kattis`), or of the `program`.
    """

    type: CheckerType = CheckerType.TOKENS
    tolerance: float = 1e-6
    program: Program | None = None
    protocol: Protocol = Protocol.KATTIS
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Interactor:
    """Talks to the program over its stdin and stdout, and says whether it did right."""

    program: Program
    protocol: Protocol = Protocol.KATTIS
    arguments: tuple[str, ...] = ()


class Aggregation(StrEnum):
    """What a test group earns, of what its members do."""

    SUM = "sum"
    MIN = "min"
    ALL_OR_NOTHING = "pass-fail"
    """Its points if all of it passed, else nothing."""


@dataclass(frozen=True)
class TestGroup:
    """Test cases scored together. Its members are the test cases, and the groups, that name it."""

    __test__ = False

    name: str
    parent: str | None = None
    """The group that it is a member of; None: of the whole."""
    aggregation: Aggregation = Aggregation.SUM
    points: float | None = None
    """The most that it earns, and what it earns for passing where its aggregation is pass-fail; None: as it comes."""
    requires: tuple[str, ...] = ()
    """Groups without whose passing it is not run, and earns nothing."""
    stop_on_first_failure: bool = False
    """Whether the rest of it is skipped after the first of its test cases that did not pass."""


@dataclass(frozen=True)
class Judging:
    """All of how a submission is judged that is more than comparing its outputs."""

    program: Program | None = None
    """Of the checker."""
    protocol: Protocol = Protocol.KATTIS
    arguments: tuple[str, ...] = ()
    """Of the checker."""
    interactor: Interactor | None = None
    passes: int = 1
    """How often the program may be run for one test case, each time with what the run before left for it."""
    groups: tuple[TestGroup, ...] = ()
    function: Function | None = None
    """Called in place of a whole program; what it returns is judged, and not what it writes."""
    suite: Suite | None = None
    """Tests of what the sources define, in place of a whole program: a test case's stdin names one of them."""

    def checker(self, kind: str, tolerance: float) -> Checker:
        """Give the checker whose columns these are."""
        return Checker(CheckerType(kind), tolerance, self.program, self.protocol, self.arguments)


PLAIN = Judging()
"""Outputs are compared, and that is all."""


def encode(judging: Judging) -> bytes | None:
    """Write it as JSON; None where it is plain. Bytes are in base64."""
    return None if judging == PLAIN else msgspec.json.encode(judging)


def decode(data: bytes | None) -> Judging:
    """Read what `encode` wrote; what an older release did not know has its default. Raises ValueError."""
    return PLAIN if data is None else msgspec.json.decode(data, type=Judging)

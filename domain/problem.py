"""What a stored problem is (pure, frozen): everything of one version, long values by reference.

A version never changes: a change makes another one, and an execution names the version that it used. Inputs, outputs,
statements and attachments are `Payload`s: inline while short, in the blob store when long, so that a problem of 200 MB
is never in memory whole. `domain/problems.py` keeps them, `domain/packages/` makes them of published packages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.document import Document as Document  # noqa: PLC0414 - the smallest part of a problem
from domain.judging import PLAIN, Judging, Program
from domain.limits import Constraints
from domain.model import Checker
from domain.payload import Payload
from domain.verdict import Verdict


class Visibility(StrEnum):
    """Who may submit to a problem and read its statement and samples, besides its author."""

    PRIVATE = "private"
    PUBLIC = "public"


class VersionState(StrEnum):
    """How far a version is. Only a `ready` one is submitted to."""

    CHECKING = "checking"
    """Its programs and inputs are yet to be checked by a worker."""
    READY = "ready"
    REFUSED = "refused"
    """The check found it wrong; its report says why."""


@dataclass(frozen=True)
class Finding:
    """One line of what checking a version found."""

    stage: str
    """What was done: `compile`, `input_validator`."""
    name: str
    """With what: the program, or the test case."""
    ok: bool
    message: str = ""


@dataclass(frozen=True)
class Statement:
    """The problem's text in one language (`en`). Its format is that of `content`'s suffix: md, tex, html, pdf."""

    language: str
    title: str
    content: Document
    files: tuple[Document, ...] = ()
    """Pictures that it shows."""


@dataclass(frozen=True)
class ProblemCase:
    """A test case of a problem. A sample is one that is not hidden."""

    ordinal: int
    name: str
    """Its path below `data` without suffix, where it came from a package: `secret/group1/03-large`."""
    stdin: Payload
    expected_stdout: Payload | None
    """The answer that a checker or an interactor is given too; None where there is none."""
    files: tuple[Document, ...] = ()
    """Put into the program's box."""
    expected_files: tuple[Document, ...] = ()
    """What the program must write, beside its output."""
    expected_exit_code: int | None = None
    arguments: tuple[str, ...] = ()
    checker_arguments: tuple[str, ...] = ()
    is_hidden: bool = True
    points: float | None = None
    group: str | None = None
    timeout_ms: int | None = None
    description: str = ""


@dataclass(frozen=True)
class Example:
    """A submission that comes with a problem, to verify it by: what it must come to."""

    path: str
    """`accepted/slow.py`, or a folder."""
    program: Program
    expected: tuple[Verdict, ...]
    """Verdicts of the whole, one of which is right; empty: any is."""
    points: tuple[float, float] | None = None
    """The least and the most that it may earn."""


@dataclass(frozen=True)
class ProblemVersion:
    """Everything of one version of a problem."""

    id: str
    """A short name, unique in a deployment: lower-case letters, digits, `-` and `_`."""
    title: str
    test_cases: tuple[ProblemCase, ...]
    checker: Checker = field(default_factory=Checker)
    judging: Judging = PLAIN
    """The rest of how outputs are judged; what it says of the checker is what `checker` says."""
    constraints: Constraints = field(default_factory=Constraints)
    language_constraints: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Laid over `constraints` for one language: `{"java": {"timeout_ms": 4000}}`."""
    languages: tuple[str, ...] = ()
    """Names of languages that may be used; empty: all."""
    visibility: Visibility = Visibility.PRIVATE
    statements: tuple[Statement, ...] = ()
    attachments: tuple[Document, ...] = ()
    outputs: tuple[str, ...] = ()
    stop_on_first_failure: bool = False
    input_validators: tuple[Program, ...] = ()
    """Each must accept (exit 42) every input before the version may be used."""
    validator_arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What input validators are given, by name of the test case."""
    examples: tuple[Example, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)
    """Author, source, license, keywords and the like, as the package says them."""

    @property
    def needs_check(self) -> bool:
        """Whether a worker must compile or run something before anybody may submit to it."""
        judging = self.judging
        programs = (self.checker.program, judging.program, judging.interactor)
        return bool(self.input_validators) or any(one is not None for one in programs)

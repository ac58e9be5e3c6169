"""The domain's own types: what a submission asks for and what an execution found (pure, frozen).

`app/schemas.py` makes them from JSON, `domain/submissions.py` keeps them in PostgreSQL, `workers/` grade by them.
Everything that may be any bytes is `bytes` here, and whole. What answers show of it: `domain/views.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.file import File as File  # noqa: PLC0414 - the smallest part of the model
from domain.function import Function
from domain.judging import Checker as Checker  # noqa: PLC0414 - with all that belongs to it in a file of its own
from domain.judging import CheckerType as CheckerType  # noqa: PLC0414
from domain.judging import Interactor, Judging, TestGroup
from domain.kept_case import KeptCase
from domain.limits import Constraints, Ranges
from domain.measured import CompileCache as CompileCache  # noqa: PLC0414 - what was measured has a file of its own
from domain.measured import ExecutionCache as ExecutionCache  # noqa: PLC0414
from domain.measured import ExecutionTelemetry as ExecutionTelemetry  # noqa: PLC0414
from domain.measured import Phases as Phases  # noqa: PLC0414
from domain.measured import RunTelemetry as RunTelemetry  # noqa: PLC0414
from domain.measured import Usage as Usage  # noqa: PLC0414
from domain.scoring import Score
from domain.suite import Suite
from domain.verdict import Verdict


@dataclass(frozen=True)
class Expectation:
    """What a test case expects; None or empty where nothing is said of it."""

    stdout: bytes | None = None
    files: tuple[File, ...] = ()
    exit_code: int | None = None


@dataclass(frozen=True)
class TestCase:
    """One input with its expectation; `ordinal` counts from 0 in the order given."""

    __test__ = False  # pytest must not take it for one of its own

    ordinal: int
    name: str
    stdin: bytes = b""
    files: tuple[File, ...] = ()
    arguments: tuple[str, ...] = ()
    expected: Expectation = Expectation()
    timeout_ms: int | None = None
    is_hidden: bool = False
    points: float | None = None
    group: str | None = None
    checker_arguments: tuple[str, ...] = ()
    """What the checker, or the interactor, is given for this test case besides its own arguments."""
    kept: KeptCase | None = None
    """Of a stored problem: what stdin, files and expectation are, which are empty here until somebody loads them."""

    @property
    def file_paths(self) -> list[str]:
        """Where its files lie in the box, loaded or not."""
        return [file.path for file in (self.files if self.kept is None else self.kept.files)]


class Priority(StrEnum):
    """Which queue an execution waits in."""

    INTERACTIVE = "interactive"
    NORMAL = "normal"
    BULK = "bulk"


class Cache(StrEnum):
    """What of an earlier grading may be used again."""

    NONE = "none"
    COMPILE = "compile"
    """What the same sources were compiled to."""
    EXECUTION = "execution"
    """That, and what became of the same test case of the same program, sent by the same user."""


@dataclass(frozen=True)
class Callback:
    """Where the end of a submission is to be told."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class ByProblem:
    """That a submission is judged by the stored problem of its `problem_id`, and brings no test cases of its own."""

    viewer: UUID | None
    """Whose problems it may name besides public ones; None: anybody's."""
    ranges: Ranges | None = None
    """What its sender may ask for; None: whatever the problem gives."""
    version_id: UUID | None = None
    """The version that was found; None until somebody looks."""
    number: int | None = None
    """Of that version."""


@dataclass(frozen=True)
class Submission:
    """The immutable request. `test_cases` has at least one member: an empty list became one case named `run`.

    Only of a submission by a stored problem they are empty until its version is found.
    """

    language: str
    """As asked for: `python`, `cpp@17`."""
    sources: tuple[File, ...]
    entry_point: str | None
    """A path among the sources; None where the language takes the whole tree."""
    test_cases: tuple[TestCase, ...]
    arguments: tuple[str, ...] = ()
    constraints: Constraints = field(default_factory=Constraints)
    checker: Checker = field(default_factory=Checker)
    outputs: tuple[str, ...] = ()
    stop_on_first_failure: bool = False
    priority: Priority = Priority.NORMAL
    region: str | None = None
    """Where its sender wants it to run; None: wherever it is best."""
    problem_id: str | None = None
    user_id: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    static_check: str | None = None
    """The policy that sources are checked by before they run; not the sender's choice but, today, the key's."""
    cache: Cache = Cache.COMPILE
    interactive: bool = False
    """Whether the only test case has its input typed while it runs."""
    interactor: Interactor | None = None
    """Talks to the program, in place of input that is known before."""
    passes: int = 1
    """How often the program may be run for one test case, each time with what the checker left for it."""
    groups: tuple[TestGroup, ...] = ()
    """Outer ones before inner ones; a test case's group may be none of them, and is then a name and no more."""
    by_problem: ByProblem | None = None
    """Whether a stored problem stands for test cases, constraints and judging."""
    function: Function | None = None
    """What the sources must define: each test case is one call of it."""
    suite: Suite | None = None
    """Tests of what the sources define: each test case is one of them."""
    callback: Callback | None = None
    """Known while it is being kept; who grades does not read it."""

    @property
    def judging(self) -> Judging:
        """All of how it is judged that is more than comparing outputs."""
        checker = self.checker
        return Judging(
            checker.program,
            checker.protocol,
            checker.arguments,
            interactor=self.interactor,
            passes=self.passes,
            groups=self.groups,
            function=self.function,
            suite=self.suite,
        )


@dataclass(frozen=True)
class Artifact:
    """A file collected because `outputs` asked for it; its bytes lie in the blob store under `sha256` (hex)."""

    path: str
    size_bytes: int
    sha256: str
    truncated: bool = False


@dataclass(frozen=True)
class TestResult:
    """What became of one test case in one execution. A skipped one has verdict None and reason `skipped`."""

    __test__ = False

    ordinal: int
    verdict: Verdict | None
    reason: str | None = None
    exit_code: int | None = None
    exit_signal: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    usage: Usage | None = None
    telemetry: RunTelemetry | None = None
    points: float | None = None
    artifacts: tuple[Artifact, ...] = ()
    artifacts_cut: bool = False
    """Whether `outputs` asked for more than what was kept."""
    message: str = ""
    """Why, for whoever sent it: `expected file out.txt is missing`. Never shown of a hidden test case."""
    judge_message: str = ""
    """What a checker had to say to the problem's author, and to nobody else."""
    cached: bool = False
    """Whether nothing was run: all of this, usage and telemetry too, is of an earlier run of the same."""
    interaction: bytes | None = None
    """What was said between the program and its interactor: see domain/interaction.py."""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended. Results that were not recorded before come with it; CE and JE may have none."""

    verdict: Verdict
    reason: str | None
    telemetry: ExecutionTelemetry
    compile_output: bytes | None = None
    message: str = ""
    results: tuple[TestResult, ...] = ()
    score: Score | None = None
    """Where there are test groups: what they earned. Else what the results earned is added up where it is written."""


@dataclass(frozen=True)
class Claim:
    """The right to grade one execution until the lease ends. `attempt` counts from 1."""

    execution_id: UUID
    submission_id: UUID
    attempt: int
    worker: str
    queued_at: datetime
    submission: Submission
    owner_id: UUID
    """The key that sent the submission."""
    number: int = 1
    """Of the execution among its submission's: from 2 on it is a regrade."""
    regrade_id: UUID | None = None
    """The regrade that it was made for."""
    seeds: Mapping[int, int] = field(default_factory=dict)
    """Of interpreters' hashes, by test case, that are to be used again."""

"""A submission as it is read for an answer (pure, frozen): what answers show, and nothing that they do not.

Sources, inputs and expectations are not here, and of outputs only the beginning: an answer must not cost the memory of
all that it is about. Whoever grades has `domain/model.py`, with everything whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.limits import Constraints
from domain.model import Artifact, ExecutionTelemetry, Priority, RunTelemetry, Submission, Usage
from domain.scoring import GroupScore
from domain.verdict import State, Verdict


@dataclass(frozen=True)
class Shown:
    """The beginning of a value of any bytes, as long as an answer shows it, and what is known of the whole."""

    head: bytes
    """May end within a character."""
    size_bytes: int
    """Of the whole."""
    is_text: bool
    """Whether the whole is valid UTF-8."""

    @property
    def truncated(self) -> bool:
        """Whether there is more of it."""
        return len(self.head) < self.size_bytes


@dataclass(frozen=True)
class CaseView:
    """A test case, without its input and expectation."""

    name: str
    is_hidden: bool = False
    points: float | None = None
    group: str | None = None


@dataclass(frozen=True)
class Asked:
    """A submission as it was sent, as far as answers say it again. `test_cases` are in the order of their ordinals."""

    language: str
    entry_point: str | None
    priority: Priority
    constraints: Constraints
    problem_id: str | None
    user_id: str | None
    metadata: Mapping[str, object]
    test_cases: tuple[CaseView, ...]
    interactive: bool = False
    region: str | None = None
    """Where its sender wants it to run."""
    problem_version: int | None = None
    """Of a stored problem that the current execution is judged by; None where test cases were sent."""

    @classmethod
    def of(cls, new: Submission) -> "Asked":
        """Take it from a submission that is at hand whole."""
        return cls(
            language=new.language,
            entry_point=new.entry_point,
            priority=new.priority,
            constraints=new.constraints,
            problem_id=new.problem_id,
            user_id=new.user_id,
            metadata=new.metadata,
            test_cases=tuple(CaseView(case.name, case.is_hidden, case.points, case.group) for case in new.test_cases),
            interactive=new.interactive,
            region=new.region,
            problem_version=None if new.by_problem is None else new.by_problem.number,
        )


@dataclass(frozen=True)
class ResultView:
    """What became of one test case. What it wrote is None where it was skipped, and where it is hidden."""

    ordinal: int
    verdict: Verdict | None
    reason: str | None = None
    exit_code: int | None = None
    exit_signal: int | None = None
    stdout: Shown | None = None
    stderr: Shown | None = None
    usage: Usage | None = None
    telemetry: RunTelemetry | None = None
    points: float | None = None
    artifacts: tuple[Artifact, ...] = ()
    artifacts_cut: bool = False
    message: str = ""
    cached: bool = False
    interaction: Shown | None = None
    """What was said to and by an interactor: see domain/interaction.py."""


@dataclass(frozen=True)
class ExecutionView:
    """An execution. `results` are in the order of the test cases, those not run yet left out."""

    id: UUID
    number: int
    state: State
    verdict: Verdict | None
    reason: str | None
    attempt: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    compile_output: Shown | None
    telemetry: ExecutionTelemetry | None
    results: tuple[ResultView, ...]
    message: str = ""
    points: float | None = None
    """What was earned in all; None where nothing has points, or while it is not done."""
    groups: tuple[GroupScore, ...] = ()
    """What test groups earned; none while it is not done."""
    usage: Usage | None = None
    """CPU and wall time summed, memory the highest of all results; None while it is not done."""


@dataclass(frozen=True)
class Version:
    """What all that an answer shows of a submission hangs on: two of the same show the same.

    Everything else stays as it was sent, or changes with one of these: attempts only grow, and within one of them
    results are only added.
    """

    execution_id: UUID
    state: State
    attempt: int
    results: int


@dataclass(frozen=True)
class SubmissionView:
    """A submission with its current execution. `replayed` marks one that was there before."""

    id: UUID
    owner_id: UUID
    created_at: datetime
    asked: Asked
    execution: ExecutionView
    replayed: bool = False

    @property
    def version(self) -> Version:
        """What it hangs on."""
        execution = self.execution
        return Version(execution.id, execution.state, execution.attempt, len(execution.results))

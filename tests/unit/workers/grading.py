"""What tests of grading have in common."""

from collections.abc import Callable, Sequence
from uuid import UUID

from domain.events import Events
from domain.live import Telling
from domain.model import File, Outcome, Submission, TestCase
from sandbox import SandboxError
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import claimed
from workers.grade import Grader

Make = Callable[..., Grader]
BROKEN = SandboxError("no jail")
THREE = tuple(TestCase(number, str(number), points=number + 1) for number in range(3))
C = (File("main.c", b""),)


class Told(Events):
    """What is told, on both ways: to who waits for the end, and live."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1/0")
        self.published: list[str] = []
        self.live: list[Telling] = []

    def publish(self, execution_id: UUID, state: str) -> None:  # noqa: ARG002
        self.published.append(str(state))

    def append_all(self, execution_id: UUID, events: Sequence[Telling]) -> None:  # noqa: ARG002
        self.live += events

    @property
    def states(self) -> list[object]:
        """The states that were told live."""
        return [data["state"] for event, data in self.live if event in {"state", "done"}]

    @property
    def names(self) -> list[str]:
        """What was told live, in order."""
        return [event for event, _ in self.live]


def graded(grader: Grader, ledger: Ledger, submission: Submission) -> Outcome:
    """Grade, and give what was finished with."""
    ledger.offered = claimed(submission)
    assert grader.grade(ledger.offered.execution_id) is None
    assert ledger.outcome is not None
    return ledger.outcome

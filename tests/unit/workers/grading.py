"""What tests of grading have in common."""

from collections.abc import Callable
from uuid import UUID

from domain.events import Events
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
    """Events that nobody hears."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1/0")
        self.states: list[str] = []

    def publish(self, execution_id: UUID, state: str) -> None:  # noqa: ARG002
        self.states.append(str(state))


def graded(grader: Grader, ledger: Ledger, submission: Submission) -> Outcome:
    """Grade, and give what was finished with."""
    ledger.offered = claimed(submission)
    assert grader.grade(ledger.offered.execution_id) is None
    assert ledger.outcome is not None
    return ledger.outcome

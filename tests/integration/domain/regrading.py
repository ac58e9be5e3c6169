"""Submissions that were graded, and the hands of a worker that grades candidates without running anything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from domain import executions, regrade_pump
from domain.blobs import BlobStore
from domain.db import Database
from domain.model import ExecutionTelemetry, Outcome, RunTelemetry, TestResult, Usage
from domain.verdict import Verdict
from domain.views import SubmissionView
from tests.integration.conftest import HELLO

PASSED = (Verdict.AC, None)
WRONG = (Verdict.WA, "stdout")
FAILED = (Verdict.JE, "sandbox")
Graded = tuple[Verdict, str | None]
SPENT = Usage(100, 300, 1 << 20)


@dataclass(frozen=True)
class Hands:
    """What a worker does with an execution, as told."""

    db: Database
    blobs: BlobStore
    submit: Callable[..., SubmissionView]

    def graded(self, verdict: Graded = PASSED, **changes: object) -> UUID:
        """Submit hello world with other fields, and grade it; gives the submission's id."""
        view = self.submit(replace(HELLO, **changes))  # type: ignore[arg-type] # fields, by their names
        self.grade(view.execution.id, verdict)
        return view.id

    def grade(self, execution_id: UUID, verdict: Graded = PASSED, seed: int | None = None) -> None:
        """Claim an execution and end it so."""
        claim = executions.claim(self.db, self.blobs, execution_id, worker="hands", lease_s=30)
        assert claim is not None
        word, reason = verdict
        counted = RunTelemetry(hash_seed=seed)
        results = tuple(
            TestResult(case.ordinal, word, reason, usage=SPENT, telemetry=counted)
            for case in claim.submission.test_cases
            if word is not Verdict.JE
        )
        outcome = Outcome(word, reason, ExecutionTelemetry(), results=results)
        assert executions.finish(self.db, self.blobs, claim, outcome)

    def regrade(self, verdicts: Mapping[UUID, Graded], usual: Graded = PASSED) -> list[UUID]:
        """Pump and grade until nothing is sent any more; gives all that was sent."""
        sent: list[UUID] = []
        while some := regrade_pump.step(self.db):
            sent += some
            for execution_id in some:
                self.grade(execution_id, verdicts.get(self.submission_of(execution_id), usual))
        return sent

    def submission_of(self, execution_id: UUID) -> UUID:
        """Give the submission of an execution."""
        with self.db.statement() as tx:
            row = tx.execute("SELECT submission_id FROM executions WHERE id = %s", (execution_id,)).fetchone()
        assert row is not None
        found: UUID = row[0]
        return found

    def many(self, verdicts: Sequence[Graded]) -> list[UUID]:
        """Submit and grade several."""
        return [self.graded(verdict) for verdict in verdicts]

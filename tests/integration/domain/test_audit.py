from collections.abc import Callable
from dataclasses import replace

from domain import audit, executions, submissions
from domain.blobs import BlobStore
from domain.db import Database
from domain.model import Claim, ExecutionTelemetry, Outcome, RunTelemetry
from domain.verdict import Verdict
from tests.integration.domain.graded import RESULT, SECOND

Take = Callable[..., Claim]

CAUGHT = RunTelemetry(denied_syscalls={"ptrace": 2})


def test_a_forbidden_call_is_in_the_telemetry_and_in_the_log(db: Database, blobs: BlobStore, take: Take) -> None:
    claim = take()
    executions.record(db, blobs, claim, [replace(RESULT, telemetry=CAUGHT), SECOND])

    results = submissions.get(db, blobs, claim.submission_id, None).execution.results
    assert results[0].telemetry == CAUGHT
    [entry] = audit.latest(db, 10)
    assert (entry.event, entry.actor) == (audit.FORBIDDEN_CALL, claim.worker)
    assert (entry.submission_id, entry.execution_id) == (claim.submission_id, claim.execution_id)
    assert entry.details == {"step": str(RESULT.ordinal), "calls": {"ptrace": 2}}


def test_one_of_a_compiler_is_noted_once(db: Database, blobs: BlobStore, take: Take) -> None:
    claim = take()
    outcome = Outcome(Verdict.CE, "policy", ExecutionTelemetry(compile=CAUGHT))

    executions.finish(db, blobs, claim, outcome)
    executions.finish(db, blobs, claim, outcome)

    assert [entry.details["step"] for entry in audit.latest(db, 10)] == ["compile"]


def test_a_worker_that_lost_its_claim_notes_nothing(db: Database, blobs: BlobStore, take: Take) -> None:
    claim = replace(take(), worker="another")

    assert not executions.record(db, blobs, claim, [replace(RESULT, telemetry=CAUGHT)])

    assert audit.latest(db, 10) == []

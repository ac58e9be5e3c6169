"""What a checker had to say to the author: kept with each result, and read by whom it is for."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from domain import audit, executions, judge_messages, keys, problems, submissions
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import NotFound
from domain.judge_messages import JudgeMessage
from domain.model import ByProblem, ExecutionTelemetry, Outcome, Submission, TestCase, TestResult
from domain.problem_reading import Viewer
from domain.verdict import Verdict
from domain.views import SubmissionView
from tests.integration.domain.stored import SOURCES, SUM

Submit = Callable[..., SubmissionView]
CASES = (TestCase(0, "seen"), TestCase(1, "hidden", is_hidden=True), TestCase(2, "nothing"))
RESULTS = (
    TestResult(0, Verdict.WA, "stdout", judge_message="first\0"),
    TestResult(1, Verdict.WA, "stdout", judge_message="second"),
    TestResult(2, Verdict.AC),
)


@pytest.fixture
def other(db: Database) -> UUID:
    found = keys.verify(db, keys.create(db, name="other", role="author"))
    assert found is not None
    return found.id


def graded(db: Database, blobs: BlobStore, view: SubmissionView, results: tuple[TestResult, ...]) -> UUID:
    """Grade it: one result as it comes, the others in the end."""
    claim = executions.claim(db, blobs, view.execution.id, worker="here", lease_s=30)
    assert claim is not None
    assert executions.record(db, blobs, claim, results[:1])
    assert executions.finish(db, blobs, claim, Outcome(Verdict.WA, "stdout", ExecutionTelemetry(), results=results[1:]))
    return view.id


def test_a_sender_reads_those_of_what_they_see(
    db: Database, blobs: BlobStore, owner: UUID, other: UUID, submit: Submit
) -> None:
    asked = Submission("python", SOURCES, "main.py", CASES)
    submission_id = graded(db, blobs, submit(asked), RESULTS)

    assert judge_messages.read(db, submission_id, Viewer(owner)) == [JudgeMessage(0, "seen", "first\\x00")]
    whole = [JudgeMessage(0, "seen", "first\\x00"), JudgeMessage(1, "hidden", "second")]
    assert judge_messages.read(db, submission_id, Viewer(other, sees_all=True)) == whole
    with pytest.raises(NotFound):
        judge_messages.read(db, submission_id, Viewer(other))
    entries = [entry for entry in audit.latest(db, 10) if entry.submission_id == submission_id]
    assert [(entry.event, entry.actor) for entry in entries] == [
        (audit.HIDDEN_READ, str(other)),
        (audit.HIDDEN_READ, str(owner)),
    ]


def test_a_problems_author_reads_them_and_who_submits_does_not(
    db: Database, blobs: BlobStore, owner: UUID, other: UUID, submit: Submit
) -> None:
    problems.create(db, blobs, replace(SUM, id="judged"), owner_id=other)
    by = ByProblem(None)
    asked = Submission("python", SOURCES, "main.py", (), problem_id="judged", by_problem=by)
    submission_id = graded(db, blobs, submit(asked), RESULTS[:2])

    found = judge_messages.read(db, submission_id, Viewer(other))
    assert [(one.ordinal, one.message) for one in found] == [(0, "first\\x00"), (1, "second")]
    with pytest.raises(NotFound):
        judge_messages.read(db, submission_id, Viewer(owner))
    assert "second" not in repr(submissions.get(db, blobs, submission_id, owner))


def test_there_is_no_such_submission(db: Database, owner: UUID) -> None:
    with pytest.raises(NotFound):
        judge_messages.read(db, UUID(int=404), Viewer(owner, sees_all=True))

"""Submissions by a stored problem: found, kept without test cases of their own, claimed with the version's."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from domain import audit, executions, keys, listing, notices, problems, submissions, values
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import InvalidRequest, NotFound
from domain.limits import Range, Ranges
from domain.model import ByProblem, ExecutionTelemetry, Outcome, Submission, TestResult
from domain.problem import ProblemVersion, Visibility
from domain.problem_reading import Viewer
from domain.verdict import Verdict
from domain.views import SubmissionView
from domain.webhooks import Event
from tests.integration.domain.stored import LONG, PROGRAM, SOURCES, SUM, easy
from workers.loading import loaded

Rows = Callable[..., list[dict[str, object]]]
Submit = Callable[..., SubmissionView]


def _by(
    problem: ProblemVersion, viewer: UUID | None, language: str = "python", ranges: Ranges | None = None
) -> Submission:
    by = ByProblem(viewer, ranges)
    return Submission(language, SOURCES, "main.py", (), problem_id=problem.id, by_problem=by)


@pytest.fixture
def other(db: Database) -> UUID:
    found = keys.verify(db, keys.create(db, name="other", role="author"))
    assert found is not None
    return found.id


def test_it_is_claimed_with_what_the_problem_says(
    db: Database, blobs: BlobStore, owner: UUID, submit: Submit, rows: Rows
) -> None:
    problems.create(db, blobs, SUM, owner_id=owner)

    view = submit(_by(SUM, owner, "java"))
    claim = executions.claim(db, blobs, view.execution.id, worker="here", lease_s=30)

    assert claim is not None
    found = claim.submission
    assert (found.constraints.timeout_ms, found.constraints.memory_mb) == (4000, 128)
    assert (found.outputs, found.groups) == (SUM.outputs, SUM.judging.groups)
    assert rows("SELECT 1 FROM test_cases") == []
    secret = found.test_cases[1]
    assert (secret.stdin, secret.files, secret.expected.stdout) == (b"", (), None)
    whole = loaded(secret, blobs)
    assert (whole.stdin, whole.expected.stdout, whole.expected.exit_code) == (LONG, b"secret answer\n", 3)
    assert [(file.path, file.content, file.mode) for file in whole.files] == [("data.txt", b"kept\n", 0o600)]
    assert [file.content for file in whole.expected.files] == [LONG]
    assert executions.look(db, blobs, view.execution.id, claim.attempt) == replace(claim, submission=found)


def test_the_newest_version_that_is_ready_is_taken(db: Database, blobs: BlobStore, owner: UUID, submit: Submit) -> None:
    problems.create(db, blobs, SUM, owner_id=owner)
    ready = problems.create(db, blobs, replace(SUM, title="Sums"), owner_id=owner)
    refused = problems.create(db, blobs, replace(SUM, input_validators=(PROGRAM,)), owner_id=owner)
    problems.checked(db, refused.version_id, ok=False, report=[])

    view = submit(_by(SUM, owner))

    assert view.asked.problem_version == ready.number
    again = submissions.get(db, blobs, view.id, owner)
    assert again.asked == view.asked
    assert [case.name for case in again.asked.test_cases] == ["sample/1", "secret/1"]


@pytest.mark.parametrize(
    ("visibility", "who", "language", "field"),
    [
        (Visibility.PRIVATE, "owner", "python", None),
        (Visibility.PRIVATE, "operator", "python", None),
        (Visibility.PRIVATE, "other", "python", "problem_id"),
        (Visibility.PUBLIC, "other", "python", None),
        (Visibility.PUBLIC, "other", "cpp@20", None),
        (Visibility.PUBLIC, "other", "cpp", "language"),
        (Visibility.PUBLIC, "other", "c", "language"),
    ],
)
def test_who_may_submit_what(
    db: Database,
    blobs: BlobStore,
    owner: UUID,
    other: UUID,
    submit: Submit,
    visibility: Visibility,
    who: str,
    language: str,
    field: str | None,
) -> None:
    problems.create(db, blobs, replace(SUM, visibility=visibility), owner_id=owner)
    asked = _by(SUM, {"owner": owner, "other": other, "operator": None}[who], language)

    if field is None:
        assert submit(asked).asked.problem_version == 1
        return
    with pytest.raises(InvalidRequest) as refusal:
        submit(asked)
    assert [problem.field for problem in refusal.value.problems] == [field]


def test_a_problem_gives_nobody_more_than_they_may_have(
    db: Database, blobs: BlobStore, owner: UUID, submit: Submit
) -> None:
    problems.create(db, blobs, SUM, owner_id=owner)

    with pytest.raises(InvalidRequest, match="memory_mb = 128, above the ceiling of 64"):
        submit(_by(SUM, owner, ranges=Ranges(memory_mb=Range(64, 4, 64))))


def test_nobody_submits_to_what_is_deleted_or_not_ready(
    db: Database, blobs: BlobStore, owner: UUID, submit: Submit
) -> None:
    checking = replace(SUM, input_validators=(PROGRAM,))
    problems.create(db, blobs, checking, owner_id=owner)
    with pytest.raises(InvalidRequest, match="no version that is ready"):
        submit(_by(SUM, owner))

    problems.delete(db, "sum", owner)

    with pytest.raises(InvalidRequest, match="unknown problem"):
        submit(_by(SUM, owner))


def test_what_was_judged_stays_when_the_problem_goes(
    db: Database, blobs: BlobStore, owner: UUID, submit: Submit, rows: Rows
) -> None:
    problems.create(db, blobs, easy(), owner_id=owner)
    view = submit(_by(SUM, owner))

    problems.delete(db, "sum", owner)

    assert submissions.get(db, blobs, view.id, owner).asked.problem_version == 1
    assert len(rows("SELECT 1 FROM problem_versions")) == 1
    rows("DELETE FROM submissions")
    problems.create(db, blobs, easy(), owner_id=owner)
    problems.delete(db, "sum", owner)
    assert rows("SELECT 1 FROM problem_versions") == []


def test_a_hidden_case_of_a_problem_is_hidden_everywhere(
    db: Database, blobs: BlobStore, owner: UUID, submit: Submit
) -> None:
    problems.create(db, blobs, easy("secret", hidden=True), owner_id=owner)
    view = submit(_by(SUM, owner))
    _end(db, blobs, view, TestResult(0, Verdict.WA, "stdout", stdout=b"what it said", points=0))

    (result,) = submissions.get(db, blobs, view.id, owner).execution.results
    (summary,) = listing.page(db, owner, before=None, limit=10)
    ended = notices.read(db, view.execution.id)

    assert result.stdout is None
    assert summary.of_hidden
    assert ended is not None
    assert ended.of_hidden
    assert [part.is_hidden for part in ended.parts] == [True]
    assert b"what it said" not in notices.of_execution(Event.DONE, ended)
    with pytest.raises(NotFound):
        values.stream(db, blobs, view.id, owner, ordinal=0, name=values.Stream.STDOUT)


def test_its_author_and_operators_see_what_is_hidden(
    db: Database, blobs: BlobStore, owner: UUID, other: UUID, submit: Submit
) -> None:
    hidden = replace(easy("secret", hidden=True), visibility=Visibility.PUBLIC)
    problems.create(db, blobs, hidden, owner_id=other)
    view = submit(_by(SUM, owner))
    _end(db, blobs, view, TestResult(0, Verdict.WA, "stdout", stdout=b"what it said"))

    with pytest.raises(NotFound):
        submissions.reveal(db, blobs, view.id, Viewer(owner))
    assert {entry.event for entry in audit.latest(db, 10)} == {"problem_version_created"}
    for viewer in (Viewer(other), Viewer(owner, sees_all=True)):
        (result,) = submissions.reveal(db, blobs, view.id, viewer).execution.results
        assert result.stdout is not None
        assert result.stdout.head == b"what it said"
        entry = audit.latest(db, 1)[0]
        assert (entry.event, entry.actor, entry.submission_id) == (audit.HIDDEN_READ, str(viewer.id), view.id)


def test_a_sample_is_shown(db: Database, blobs: BlobStore, owner: UUID, submit: Submit) -> None:
    problems.create(db, blobs, easy(), owner_id=owner)
    view = submit(_by(SUM, owner))
    _end(db, blobs, view, TestResult(0, Verdict.AC, stdout=b"hello\n"))

    (result,) = submissions.again(db, blobs, view).execution.results

    assert result.stdout is not None
    assert result.stdout.head == b"hello\n"
    with values.stream(db, blobs, view.id, owner, ordinal=0, name=values.Stream.STDOUT).file as file:
        assert file.read() == b"hello\n"


def test_points_are_those_of_the_version(db: Database, blobs: BlobStore, owner: UUID, submit: Submit) -> None:
    problems.create(db, blobs, SUM, owner_id=owner)
    view = submit(_by(SUM, owner))
    _end(db, blobs, view, TestResult(0, Verdict.AC), TestResult(1, Verdict.AC, points=2))

    assert submissions.again(db, blobs, view).execution.points == 2


def _end(db: Database, blobs: BlobStore, view: SubmissionView, *results: TestResult) -> None:
    claim = executions.claim(db, blobs, view.execution.id, worker="here", lease_s=30)
    assert claim is not None
    verdict = next((one.verdict for one in results if one.verdict is Verdict.WA), Verdict.AC)
    outcome = Outcome(verdict, None, ExecutionTelemetry(), results=results)
    assert executions.finish(db, blobs, claim, outcome)

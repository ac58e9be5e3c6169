from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import executions, listing, submissions
from domain.blobs import BlobStore
from domain.db import Connection, Database
from domain.inserting import MOST_ROWS
from domain.model import Artifact, Claim, ExecutionTelemetry, File, Outcome, Submission, TestCase, TestResult, Usage
from domain.scoring import GroupScore, Score
from domain.verdict import State, Verdict
from domain.views import ExecutionView, SubmissionView
from tests.integration.domain.graded import COUNTED, OUTCOME, RESULT, SECOND
from tests.properties import WITH_FIXTURES
from tests.shown import shown, shown_result

Take = Callable[..., Claim]
Rows = Callable[..., list[Mapping[str, object]]]


@pytest.fixture
def read(db: Database, blobs: BlobStore) -> Callable[[Claim], ExecutionView]:
    return lambda claim: submissions.get(db, blobs, claim.submission_id, None).execution


Read = Callable[[Claim], ExecutionView]


def test_it_works(db: Database, blobs: BlobStore, take: Take, read: Read) -> None:
    claim = take()

    for state in (State.PREPARING, State.COMPILING, State.RUNNING):
        assert executions.enter(db, claim, state)
        assert read(claim).state is state
    assert executions.record(db, blobs, claim, [RESULT])
    assert read(claim).results == (shown_result(RESULT),)
    assert executions.record(db, blobs, claim, [SECOND])
    assert executions.finish(db, blobs, claim, OUTCOME)

    view = read(claim)
    assert view.results == (shown_result(RESULT), shown_result(SECOND))
    assert (view.state, view.verdict, view.reason) == (State.DONE, OUTCOME.verdict, OUTCOME.reason)
    assert (view.telemetry, view.compile_output, view.message) == (
        OUTCOME.telemetry,
        shown(b"warning: \xff"),
        OUTCOME.message,
    )
    assert view.started_at is not None
    assert view.finished_at is not None
    assert view.queued_at <= view.started_at <= view.finished_at


def test_it_sums_time_and_takes_the_highest_memory(db: Database, blobs: BlobStore, take: Take, read: Read) -> None:
    claim = take()
    executions.record(db, blobs, claim, [RESULT, SECOND])

    executions.finish(db, blobs, claim, OUTCOME)

    assert read(claim).usage == Usage(11, 22, 5000, "sampled")


def test_it_knows_no_usage_where_nothing_ran(db: Database, blobs: BlobStore, take: Take, read: Read) -> None:
    claim = take()

    executions.finish(db, blobs, claim, Outcome(Verdict.CE, "exit:1", ExecutionTelemetry()))

    view = read(claim)
    assert (view.usage, view.points, view.results) == (None, None, ())
    assert view.telemetry == ExecutionTelemetry(worker=claim.worker)


@pytest.mark.parametrize("before", [0, 1, 2])
def test_results_come_before_the_end_or_with_it(
    db: Database, blobs: BlobStore, take: Take, read: Read, submit: Callable[..., SubmissionView], before: int
) -> None:
    claim = take(submit(_with_points(4, 4)))
    found = (RESULT, replace(SECOND, points=0, telemetry=COUNTED))
    executions.record(db, blobs, claim, found[:before])

    assert executions.finish(db, blobs, claim, replace(OUTCOME, results=found[before:]))

    view = read(claim)
    assert view.results == tuple(map(shown_result, found))
    assert (view.points, view.usage) == (4, Usage(11, 22, 5000, "sampled"))
    assert view.telemetry == OUTCOME.telemetry


@pytest.mark.parametrize("number", [MOST_ROWS, MOST_ROWS + 1])
def test_any_number_of_results_comes_with_the_end(
    db: Database, blobs: BlobStore, take: Take, read: Read, submit: Callable[..., SubmissionView], number: int
) -> None:
    claim = take(submit(_with_points(*[1] * (number + 1))))
    found = tuple(replace(RESULT, ordinal=n, points=1, artifacts=()) for n in range(number + 1))
    executions.record(db, blobs, claim, found[:1])

    assert executions.finish(db, blobs, claim, replace(OUTCOME, results=found[1:]))

    assert read(claim).results == tuple(map(shown_result, found))
    assert read(claim).points == number + 1


def test_whoever_lost_the_claim_adds_no_results_to_the_end(
    db: Database, blobs: BlobStore, take: Take, read: Read, rows: Rows
) -> None:
    claim = take()
    rows("UPDATE executions SET worker = 'another'")
    seen = replace(RESULT, telemetry=replace(COUNTED, denied_syscalls={"ptrace": 1}))

    assert not executions.finish(db, blobs, claim, replace(OUTCOME, results=(seen,)))

    assert read(claim).results == ()
    assert rows("SELECT id FROM audit_log") == []


def _with_points(*points: float | None) -> Submission:
    cases = tuple(TestCase(n, f"case {n}", points=value) for n, value in enumerate(points))
    return Submission("python", (File("main.py", b""),), "main.py", cases)


@pytest.mark.parametrize(
    ("offered", "won", "total"),
    [((3, 5), (3, 0), 3), ((3, 5), (3, 5), 8), ((3, None), (3, None), 3), ((3, 5), (None, None), 0)],
)
def test_it_sums_points_where_any_test_case_has_points(
    db: Database,
    blobs: BlobStore,
    take: Take,
    read: Read,
    submit: Callable[..., SubmissionView],
    offered: tuple[int | None, ...],
    won: tuple[int | None, ...],
    total: int,
) -> None:
    claim = take(submit(_with_points(*offered)))
    executions.record(db, blobs, claim, [TestResult(n, Verdict.AC, points=value) for n, value in enumerate(won)])

    executions.finish(db, blobs, claim, OUTCOME)

    assert read(claim).points == total


def test_what_test_groups_earned_is_kept_in_place_of_the_sum(
    db: Database, blobs: BlobStore, take: Take, read: Read, submit: Callable[..., SubmissionView]
) -> None:
    view = submit(_with_points(2.5, 1 / 3))
    claim = take(view)
    assert [case.points for case in claim.submission.test_cases] == [2.5, 1 / 3]
    groups = (GroupScore("a", None, Verdict.AC, 0.5, 1.0), GroupScore('ü"', "a", None, None, None))
    found = tuple(TestResult(n, Verdict.AC, points=points) for n, points in enumerate((2.5, 1 / 3)))

    executions.finish(db, blobs, claim, replace(OUTCOME, results=found, score=Score(0.5, groups)))

    assert (read(claim).points, read(claim).groups) == (0.5, groups)
    assert [result.points for result in read(claim).results] == [2.5, 1 / 3]
    [listed] = listing.page(db, view.owner_id, before=None, limit=1)
    assert listed.points == 0.5


@pytest.mark.parametrize("score", [None, Score(None)])
def test_points_that_are_not_whole_add_up(
    db: Database,
    blobs: BlobStore,
    take: Take,
    read: Read,
    submit: Callable[..., SubmissionView],
    score: Score | None,
) -> None:
    claim = take(submit(_with_points(2.5, 2)))
    executions.record(db, blobs, claim, [TestResult(0, Verdict.AC, points=2.25)])

    executions.finish(db, blobs, claim, replace(OUTCOME, results=(TestResult(1, Verdict.AC, points=2),), score=score))

    assert (read(claim).points, read(claim).groups) == (4.25, ())


def test_a_result_recorded_again_replaces_the_first(db: Database, blobs: BlobStore, take: Take, read: Read) -> None:
    claim = take()
    executions.record(db, blobs, claim, [RESULT, SECOND])
    anew = replace(RESULT, verdict=Verdict.WA, reason="stdout", artifacts=RESULT.artifacts[:1], telemetry=None)

    assert executions.record(db, blobs, claim, [anew])

    assert read(claim).results == (shown_result(anew), shown_result(SECOND))


def test_of_two_results_of_one_test_case_the_last_counts(
    db: Database, blobs: BlobStore, take: Take, read: Read
) -> None:
    claim = take()

    executions.record(db, blobs, claim, [replace(RESULT, stdout=b"old"), RESULT])

    assert read(claim).results == (shown_result(RESULT),)


def test_it_records_a_thousand_results_at_once(
    db: Database, blobs: BlobStore, take: Take, read: Read, submit: Callable[..., SubmissionView]
) -> None:
    claim = take(submit(_with_points(*[1] * 1000)))
    found = tuple(replace(RESULT, ordinal=n, points=1) for n in range(1000))

    assert executions.record(db, blobs, claim, found)
    assert executions.finish(db, blobs, claim, OUTCOME)

    assert read(claim).results == tuple(map(shown_result, found))
    assert read(claim).points == 1000


_SEED = st.binary(min_size=1, max_size=10) | st.text(min_size=1, max_size=3).map(str.encode)
_BYTES = st.binary(max_size=100) | _SEED.map(lambda seed: seed * 70_000)


@settings(WITH_FIXTURES, max_examples=25)
@given(stdout=_BYTES, stderr=_BYTES, compile_output=_BYTES)
def test_it_shows_the_beginning_of_any_bytes(
    db: Database, blobs: BlobStore, take: Take, read: Read, stdout: bytes, stderr: bytes, compile_output: bytes
) -> None:
    claim = take()
    result = replace(RESULT, stdout=stdout, stderr=stderr)

    executions.record(db, blobs, claim, [result])
    executions.finish(db, blobs, claim, replace(OUTCOME, compile_output=compile_output))

    assert read(claim).results == (shown_result(result),)
    assert read(claim).compile_output == shown(compile_output)


def test_names_that_a_program_made_up_cannot_fail_the_write(
    db: Database, blobs: BlobStore, take: Take, read: Read
) -> None:
    claim = take()
    hostile = "out/\udcff\0.png"
    result = replace(
        RESULT,
        reason=f"file:{hostile}",
        verdict=Verdict.WA,
        message=hostile,
        artifacts=(Artifact(hostile, 1, "ab" * 32),),
        telemetry=replace(COUNTED, sources={hostile: hostile}),
    )
    telemetry = replace(OUTCOME.telemetry, versions={"cc": hostile}, language_metrics={hostile: hostile})

    assert executions.record(db, blobs, claim, [result])
    assert executions.finish(db, blobs, claim, replace(OUTCOME, reason=hostile, message=hostile, telemetry=telemetry))

    told = "out/\\udcff\\x00.png"
    assert read(claim).results[0].artifacts[0].path == told
    assert read(claim).results[0].reason == f"file:{told}"
    assert read(claim).message == told


def test_finishing_twice_changes_nothing(db: Database, blobs: BlobStore, take: Take, read: Read) -> None:
    claim = take()
    executions.record(db, blobs, claim, [RESULT])
    executions.finish(db, blobs, claim, OUTCOME)
    first = read(claim)

    assert executions.finish(db, blobs, claim, replace(OUTCOME, verdict=Verdict.AC, reason=None))

    assert read(claim) == first


def test_nothing_is_written_after_the_end(db: Database, blobs: BlobStore, take: Take, read: Read) -> None:
    claim = take()
    executions.finish(db, blobs, claim, OUTCOME)
    ended = read(claim)

    assert not executions.record(db, blobs, claim, [RESULT])
    assert not executions.enter(db, claim, State.RUNNING)
    assert not executions.renew(db, claim, 30)
    assert not executions.give_back(db, claim)
    assert read(claim) == ended


def test_a_worker_that_lost_its_lease_can_write_nothing(
    db: Database,
    blobs: BlobStore,
    take: Take,
    read: Read,
    submit: Callable[..., SubmissionView],
    expire: Callable[[], None],
) -> None:
    view = submit()
    lost = take(view)
    expire()
    held = take(view, worker="worker-2")
    executions.record(db, blobs, held, [SECOND])
    before = read(held)

    assert not executions.renew(db, lost, 30)
    assert not executions.enter(db, lost, State.RUNNING)
    assert not executions.record(db, blobs, lost, [RESULT])
    assert not executions.finish(db, blobs, lost, OUTCOME)
    assert not executions.give_back(db, lost)
    assert read(held) == before
    assert executions.finish(db, blobs, held, OUTCOME)
    assert not executions.finish(db, blobs, lost, OUTCOME)


def test_the_same_worker_with_an_earlier_attempt_can_write_nothing(
    db: Database, blobs: BlobStore, take: Take, submit: Callable[..., SubmissionView], expire: Callable[[], None]
) -> None:
    view = submit()
    lost = take(view)
    expire()
    take(view)

    assert not executions.record(db, blobs, lost, [RESULT])
    assert not executions.finish(db, blobs, lost, OUTCOME)


def test_a_worker_whose_execution_was_requeued_can_write_nothing(
    db: Database, blobs: BlobStore, take: Take, expire: Callable[[], None]
) -> None:
    lost = take()
    expire()
    executions.sweep(db, message_lost_s=30, max_attempts=3, no_host_s=600)

    assert not executions.record(db, blobs, lost, [RESULT])
    assert not executions.finish(db, blobs, lost, OUTCOME)


def test_a_result_is_not_written_while_another_worker_takes_over(
    db: Database, blobs: BlobStore, take: Take, read: Read
) -> None:
    lost = take()
    with ThreadPoolExecutor(1) as thread, db.transaction() as other:
        other.execute("UPDATE executions SET attempt = attempt + 1, worker = 'worker-2'")
        recorded = thread.submit(executions.record, db, blobs, lost, [RESULT])
        while not recorded.done() and not _someone_waits(other):
            pass

    assert not recorded.result()
    assert read(lost).results == ()


def _someone_waits(tx: Connection) -> bool:
    return tx.execute("SELECT pg_sleep(0.01) FROM pg_locks WHERE NOT granted").fetchone() is not None


def test_a_cancelled_execution_takes_no_verdict(
    db: Database, blobs: BlobStore, take: Take, read: Read, rows: Rows
) -> None:
    claim = take()
    rows("UPDATE executions SET state = 'cancelled', lease_until = NULL, finished_at = now()")

    assert not executions.finish(db, blobs, claim, OUTCOME)
    assert read(claim).verdict is None


@pytest.mark.parametrize("state", [State.QUEUED, State.DONE, State.CANCELLED])
def test_a_worker_enters_working_states_only(db: Database, take: Take, state: State) -> None:
    with pytest.raises(ValueError, match="cannot enter"):
        executions.enter(db, take(), state)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE executions SET state = 'lost'",
        "UPDATE executions SET state = 'done'",
        "UPDATE executions SET verdict = 'AC'",
        "UPDATE executions SET lease_until = NULL",
        "UPDATE executions SET worker = NULL",
        "UPDATE test_results SET verdict = 'RE'",
        "UPDATE test_results SET verdict = NULL",
        "UPDATE test_results SET exit_signal = 9",
        "UPDATE test_results SET ordinal = 99",
        "UPDATE test_results SET stdout = NULL",
        "UPDATE test_results SET stdout = 'of another size'",
        "UPDATE test_results SET stderr_size_bytes = NULL",
        "UPDATE test_results SET stderr_is_text = NULL",
        "UPDATE executions SET compile_output = 'x'",
        "UPDATE executions SET compile_output = 'x', compile_output_size_bytes = 1",
        "UPDATE executions SET compile_output = 'x', compile_output_size_bytes = 2, compile_output_is_text = true",
        "UPDATE executions SET compile_output_is_text = true",
        "UPDATE artifacts SET sha256 = 'abc'",
        "DELETE FROM owners",
    ],
)
def test_the_database_refuses_what_makes_no_sense(
    db: Database, blobs: BlobStore, take: Take, rows: Rows, change: str
) -> None:
    executions.record(db, blobs, take(), [RESULT])

    with pytest.raises(psycopg.IntegrityError):
        rows(change)


def test_a_submission_can_be_deleted_with_everything_of_it(
    db: Database, blobs: BlobStore, take: Take, rows: Rows
) -> None:
    claim = take()
    executions.record(db, blobs, claim, [RESULT])
    executions.finish(db, blobs, claim, OUTCOME)

    rows("DELETE FROM submissions")

    for table in ("executions", "test_results", "artifacts", "telemetry"):
        assert rows(f"SELECT 1 AS found FROM {table}") == []  # noqa: S608 - a name from above

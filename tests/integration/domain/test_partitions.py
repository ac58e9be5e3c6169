"""Partitions: made ahead, filled late, and no statement that knows an id looks into another one."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from structlog.testing import capture_logs

from domain import executions, listing, numbers, operating, partitions, submissions
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Conflict
from domain.ids import first_at
from domain.model import ExecutionTelemetry, Outcome, Phases, TestResult
from domain.verdict import Verdict
from domain.views import SubmissionView

Rows = Callable[..., list[dict[str, object]]]
LATER = datetime(2031, 1, 1, tzinfo=UTC)
DAYS = 30
PARTS = f"^({'|'.join(partitions.TABLES)})_"


def grade(db: Database, blobs: BlobStore, execution_id: UUID) -> None:
    claim = executions.claim(db, blobs, execution_id, worker="here/1", lease_s=30)
    assert claim is not None
    known = ExecutionTelemetry(Phases(1, 2, None, 3, 4, 5), "here", "here/1", {"python": "3"})
    result = TestResult(0, Verdict.AC, exit_code=0, stdout=b"1", stderr=b"")
    assert executions.finish(db, blobs, claim, Outcome(Verdict.AC, None, known, results=(result,)))


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what is sent be made in years, as if by a clock that said so."""
    keys = itertools.count(first_at(LATER).int)
    monkeypatch.setattr("domain.submissions.new_id", lambda: UUID(int=next(keys)))


def test_there_are_some_ahead(db: Database) -> None:
    partitions.keep_ahead(db, DAYS)

    *cut, default = partitions.known(db)

    assert (cut[0].name, cut[0].since, default.name) == ("first", None, "default")
    assert [one.since for one in cut[1:]] == [one.until for one in cut[:-1]]
    last = cut[-1].until
    assert last is not None
    assert last >= datetime.now(UTC) + partitions.AHEAD * timedelta(days=DAYS)
    assert partitions.keep_ahead(db, DAYS) == []


def test_another_length_begins_where_the_last_one_ends(db: Database) -> None:
    *_, last, _ = partitions.known(db)

    made = partitions.keep_ahead(db, 7, now=last.until)

    *_, before, first, second, third, _ = partitions.known(db)
    assert made[-1] == third.name
    assert (before.until, first.until, second.until) == (first.since, second.since, third.since)
    assert third.since is not None
    assert third.until == third.since + timedelta(days=7)


@pytest.mark.usefixtures("late")
def test_what_has_no_partition_is_graded_all_the_same_and_moved_to_its_own(
    db: Database, blobs: BlobStore, rows: Rows, submit: Callable[[], SubmissionView]
) -> None:
    ended, waiting = submit(), submit()
    grade(db, blobs, ended.execution.id)
    assert [row["count"] for row in rows("SELECT count(*) FROM executions_default")] == [2]
    before = submissions.get(db, blobs, ended.id, None)
    assert before.execution.verdict is Verdict.AC

    partitions.keep_ahead(db, DAYS, now=LATER)

    assert [row["count"] for row in rows("SELECT count(*) FROM executions_default")] == [0]
    assert [row["count"] for row in rows("SELECT count(*) FROM test_results_default")] == [0]
    assert submissions.get(db, blobs, ended.id, None) == before
    # Nothing was forgotten by being moved.
    assert len(rows("SELECT 1 FROM execution_numbers")) == 2
    grade(db, blobs, waiting.execution.id)


@pytest.mark.usefixtures("late")
def test_a_clock_that_is_far_off_is_heard_of(db: Database, submit: Callable[[], SubmissionView]) -> None:
    submit()

    with capture_logs() as logs:
        partitions.keep_ahead(db, DAYS)

    assert "partition_default_not_empty" in {line["event"] for line in logs}


def test_of_two_that_are_added_with_one_number_one_is_refused(
    db: Database, rows: Rows, submit: Callable[[], SubmissionView], at_once: Callable[..., list[object]]
) -> None:
    view = submit()
    # Each in a partition of its own, so that no index of one partition holds both.
    add = """
        INSERT INTO executions (id, submission_id, number, priority) VALUES (%s, %s, 2, 'normal')
    """

    def one(number: int) -> object:
        moment = datetime.now(UTC) + number * timedelta(days=31)
        try:
            rows(add, first_at(moment), view.id)
        except psycopg.errors.UniqueViolation as error:
            return error.diag.constraint_name
        return None

    assert sorted(map(str, at_once(4, one))) == ["None", *[numbers.TAKEN] * 3]


def test_of_two_who_send_again_one_is_refused(
    db: Database, rows: Rows, submit: Callable[[], SubmissionView], at_once: Callable[..., list[object]]
) -> None:
    view = submit()
    rows("UPDATE executions SET state = 'done', verdict = 'JE', finished_at = now() WHERE id = %s", view.execution.id)

    def again(_: int) -> object:
        try:
            return operating.requeue(db, view.execution.id)
        except Conflict as error:
            return error

    made = at_once(4, again)

    assert sum(not isinstance(one, Conflict) for one in made) == 1
    assert [row["number"] for row in rows("SELECT number FROM execution_numbers ORDER BY 1")] == [1, 2]


def test_a_partition_that_was_empty_when_it_was_first_asked_is_not_read_from_end_to_end(
    db: Database, blobs: BlobStore, rows: Rows, submit: Callable[[], SubmissionView]
) -> None:
    partitions.keep_ahead(db, DAYS)
    for _ in range(3):
        one = submit()
        grade(db, blobs, one.execution.id)
        submissions.get(db, blobs, one.id, None)

    rows("SELECT pg_stat_force_next_flush()")
    read = rows("SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname ~ %s AND seq_tup_read > 0", PARTS)
    assert read == []


def test_who_is_deleted_is_forgotten(rows: Rows, submit: Callable[[], SubmissionView]) -> None:
    view = submit()
    rows("INSERT INTO places VALUES (%s, %s, '', 1, true)", view.execution.id, view.owner_id)

    rows("DELETE FROM submissions WHERE id = %s", view.id)

    for table in ("executions", "execution_numbers", "places"):
        assert rows(f"SELECT 1 FROM {table}") == []  # noqa: S608 - above


def test_listing_by_verdict_finds_the_current_ones(
    db: Database, blobs: BlobStore, submit: Callable[[], SubmissionView]
) -> None:
    view = submit()
    grade(db, blobs, view.execution.id)

    found = listing.page(db, None, filters=listing.Filters(verdict=Verdict.AC), before=None, limit=5)

    assert [one.execution_id for one in found] == [view.execution.id]

"""What is too old is archived, dropped, and can be had again."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from domain import archives, audit, audit_chain, executions, partitions, restoring, retention, submissions
from domain import db as db_module
from domain.blobs import BlobDamaged, BlobStore
from domain.db import Database
from domain.errors import Conflict, NotFound
from domain.ids import first_at
from domain.model import (
    Artifact,
    ExecutionTelemetry,
    File,
    Outcome,
    Phases,
    RunTelemetry,
    Submission,
    TestCase,
    TestResult,
    Usage,
)
from domain.verdict import Verdict
from domain.views import SubmissionView
from tests.integration.domain.test_partitions import Rows, grade

LONG_AFTER = datetime.now(UTC) + timedelta(days=1000)
AWKWARD = b"tabs\tand\\backslashes\nand \xff\x00 bytes"


def whole(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> SubmissionView:
    """A submission with something in every table."""
    new = Submission(
        language="python",
        sources=(File("main.py", AWKWARD),),
        entry_point="main.py",
        test_cases=(TestCase(0, "a\tb\\n", stdin=AWKWARD, files=(File("in", b"x"),)),),
        metadata={"text": "tab\t, newline\n, backslash\\, ü"},
    )
    view = submit(new)
    claim = executions.claim(db, blobs, view.execution.id, worker="here/1", lease_s=30)
    assert claim is not None
    counted = RunTelemetry(10, 2, 1, 900, 0, 5, sources={"cpu_user_ms": "cgroup"})
    result = TestResult(
        0,
        Verdict.AC,
        exit_code=0,
        stdout=AWKWARD,
        stderr=b"e" * 100_000,
        usage=Usage(12, 20, 9 << 20),
        telemetry=counted,
        artifacts=(Artifact("out\t.png", 3, "ab" * 32, truncated=False),),
    )
    known = ExecutionTelemetry(Phases(1, 2, None, 3, 4, 5), "here", "here/1", {"python": "3"})
    assert executions.finish(db, blobs, claim, Outcome(Verdict.AC, None, known, results=(result,)))
    audit_chain.extend(db)
    return submissions.get(db, blobs, view.id, None)


def _all(rows: Rows) -> dict[str, list[dict[str, object]]]:
    tables = (*archives.PARTS, *partitions.TABLES, "execution_numbers")
    return {table: rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables}  # noqa: S608 - above


def test_it_goes_and_comes_back(
    db: Database, blobs: BlobStore, rows: Rows, submit: Callable[..., SubmissionView]
) -> None:
    views = [whole(db, blobs, submit) for _ in range(3)]
    before = _all(rows)

    assert retention.apply(db, blobs, 30, now=LONG_AFTER)[0] == "first"

    for view in views:
        with pytest.raises(NotFound, match="archived"):
            submissions.get(db, blobs, view.id, None)
    assert not any(_all(rows).values())
    assert "first" not in {one.name for one in partitions.known(db)}
    (found,) = [one for one in archives.every(db) if one.name == "first"]
    assert (found.state, found.tables["executions"].rows, found.tables["submissions"].rows) == ("dropped", 3, 3)

    restoring.restore(db, blobs, "first")

    assert _all(rows) == before
    assert [submissions.get(db, blobs, view.id, None) for view in views] == views
    # What was brought back stays, until it is dropped by hand.
    assert "first" not in retention.apply(db, blobs, 30, now=LONG_AFTER)
    assert retention.drop(db, blobs, "first").state == "dropped"
    said = [one.event for one in audit.latest(db, 100)]
    assert said.count("partition_dropped") > 1
    assert "partition_restored" in said


def test_what_is_kept_for_ever_is(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> None:
    whole(db, blobs, submit)

    assert retention.apply(db, blobs, 0, now=LONG_AFTER) == []


def test_what_is_not_old_enough_stays(db: Database, blobs: BlobStore) -> None:
    until = partitions.known(db)[0].until
    assert until is not None

    assert retention.overdue(db, 30, now=until + timedelta(days=29)) == []
    assert [one.name for one in retention.overdue(db, 30, now=until + timedelta(days=30))] == ["first"]


def test_what_is_not_over_keeps_its_partition(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]
) -> None:
    submit()

    assert "first" not in retention.apply(db, blobs, 30, now=LONG_AFTER)
    with pytest.raises(Conflict, match="1 executions that are not over"):
        retention.archive(db, blobs, "first")


def test_what_is_not_in_the_audit_log_yet_keeps_its_partition(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]
) -> None:
    grade(db, blobs, submit().execution.id)

    assert "first" not in retention.apply(db, blobs, 30, now=LONG_AFTER)
    assert "first" not in [one.name for one in archives.every(db)]
    retention.archive(db, blobs, "first")
    with pytest.raises(Conflict, match="1 ends that are not in the audit log yet"):
        retention.drop(db, blobs, "first")

    audit_chain.extend(db)
    assert retention.apply(db, blobs, 30, now=LONG_AFTER)[0] == "first"


def test_only_what_is_archived_is_dropped(db: Database, blobs: BlobStore) -> None:
    with pytest.raises(NotFound, match="nothing is archived"):
        retention.drop(db, blobs, "first")


def test_a_submission_with_a_later_execution_stays_with_that_one(
    db: Database, blobs: BlobStore, rows: Rows, submit: Callable[..., SubmissionView]
) -> None:
    view = whole(db, blobs, submit)
    later = partitions.known(db)[1].since
    assert later is not None
    again = UUID(int=first_at(later).int + 1)
    rows("INSERT INTO executions (id, submission_id, number, priority) VALUES (%s, %s, 2, 'normal')", again, view.id)
    grade(db, blobs, again)

    retention.archive(db, blobs, "first")
    retention.drop(db, blobs, "first")

    left = submissions.get(db, blobs, view.id, None)
    assert (left.execution.id, left.execution.number) == (again, 2)
    assert [row["number"] for row in rows("SELECT number FROM execution_numbers")] == [2]

    restoring.restore(db, blobs, "first")
    assert [row["number"] for row in rows("SELECT number FROM execution_numbers ORDER BY 1")] == [1, 2]


def test_what_was_changed_meanwhile_is_archived_again(
    db: Database, blobs: BlobStore, rows: Rows, submit: Callable[..., SubmissionView]
) -> None:
    view = whole(db, blobs, submit)
    before = retention.archive(db, blobs, "first")
    rows("UPDATE executions SET message = 'later' WHERE id = %s", view.execution.id)

    after = retention.drop(db, blobs, "first")

    assert after.tables["executions"].sha256 != before.tables["executions"].sha256
    restoring.restore(db, blobs, "first")
    assert submissions.get(db, blobs, view.id, None).execution.message == "later"


def test_what_was_cut_off_goes_on(
    db: Database, blobs: BlobStore, rows: Rows, submit: Callable[..., SubmissionView], monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [whole(db, blobs, submit) for _ in range(3)]
    retention.archive(db, blobs, "first")
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    with monkeypatch.context() as cut, pytest.raises(RuntimeError):
        cut.setattr(retention, "note", _killed)
        cut.setattr(archives, "is_as_archived", _killed)
        retention.drop(db, blobs, "first")
    assert [one.state for one in archives.every(db)] == ["detached"]
    with pytest.raises(NotFound):
        submissions.get(db, blobs, views[0].id, None)
    rows("DELETE FROM submissions WHERE id = %s", views[0].id)  # as far as it came

    assert retention.apply(db, blobs, 0) == ["first"]

    restoring.restore(db, blobs, "first")
    assert [submissions.get(db, blobs, view.id, None) for view in views] == views


def _killed(*_: object) -> None:
    raise RuntimeError("killed")


def test_nothing_is_dropped_that_cannot_be_read_back(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView], monkeypatch: pytest.MonkeyPatch
) -> None:
    view = whole(db, blobs, submit)
    monkeypatch.setattr(archives, "rows", lambda *_: iter([b"something else\n"]))

    with pytest.raises(BlobDamaged, match="not what was written"):
        retention.apply(db, blobs, 30, now=LONG_AFTER)

    assert submissions.get(db, blobs, view.id, None) == view


def test_one_at_a_time(db: Database) -> None:
    with partitions.alone(db), pytest.raises(Conflict, match="somebody else"), partitions.alone(db):
        pass
    with partitions.alone(db):
        pass


def test_it_may_take_longer_than_transactions_may_idle(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_module, "_SESSION", f"{db_module._SESSION} -c idle_in_transaction_session_timeout=3s")
    with closing(Database(database_url, max_size=2)) as db, partitions.alone(db):
        time.sleep(4)  # and 3 s are longer than a machine stalls between two statements
        with pytest.raises(Conflict, match="somebody else"), partitions.alone(db):
            pass


def test_the_same_rows_are_the_same_blobs(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView], tmp_path: Path
) -> None:
    whole(db, blobs, submit)

    assert retention.archive(db, blobs, "first").blob == retention.archive(db, blobs, "first").blob

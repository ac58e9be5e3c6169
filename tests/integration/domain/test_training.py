"""Every end with a verdict is noted for the data set in its own transaction, and is taken once."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain import cancel, executions, training
from domain.blobs import BlobStore
from domain.db import Database
from domain.model import Claim, ExecutionTelemetry, Outcome
from domain.verdict import Verdict
from domain.views import SubmissionView

Rows = Callable[..., list[Mapping[str, object]]]


@pytest.fixture
def ended(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView], take: Callable[..., Claim]
) -> Callable[[], UUID]:
    def end() -> UUID:
        claim = take(submit())
        assert executions.finish(db, blobs, claim, Outcome(Verdict.OK, None, ExecutionTelemetry()))
        return claim.execution_id

    return end


def test_each_is_taken_once(db: Database, ended: Callable[[], UUID], submit: Callable[..., SubmissionView]) -> None:
    ids = [ended() for _ in range(3)]
    waiting = submit()
    cancel.submission(db, waiting.id, None)

    with training.taking(db, 2) as first:
        assert sorted(first) == ids[:2]
        with training.taking(db, 5) as others:
            assert others == ids[2:], "nobody else takes them meanwhile"
    with training.taking(db, 5) as left:
        assert left == []


def test_what_was_not_exported_stays(db: Database, ended: Callable[[], UUID]) -> None:
    own_id = ended()
    with pytest.raises(OSError, match="the disk is full"), training.taking(db, 5):
        raise OSError("the disk is full")
    with training.taking(db, 5) as again:
        assert again == [own_id]


def test_an_end_that_is_undone_is_not_noted(db: Database, submit: Callable[..., SubmissionView], rows: Rows) -> None:
    view = submit()
    with pytest.raises(RuntimeError), db.transaction() as tx:
        tx.execute(
            "UPDATE executions SET state = 'done', verdict = 'OK', finished_at = now() WHERE id = %s",
            (view.execution.id,),
        )
        raise RuntimeError
    assert rows("SELECT * FROM training_outbox") == []


def test_it_is_not_kept_for_ever(db: Database, rows: Rows, ended: Callable[[], UUID]) -> None:
    new = ended()
    old = training._first_id(datetime.now(UTC) - timedelta(days=31))
    rows("INSERT INTO training_outbox VALUES (%s)", old)
    training.forget(db)
    with training.taking(db, 5) as left:
        assert left == [new]

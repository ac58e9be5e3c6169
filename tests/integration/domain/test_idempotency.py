"""Idempotency keys on real PostgreSQL: one submission, however many ask for it at once."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from domain import submissions
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import InvalidRequest
from domain.ids import new_id
from domain.inserting import MOST_ROWS
from domain.model import Submission, TestCase
from domain.views import SubmissionView
from tests.integration.conftest import SENDERS
from tests.integration.domain.graded import HELLO

Rows = Callable[..., list[Mapping[str, object]]]
Create = Callable[..., SubmissionView]
LONG = replace(HELLO, test_cases=tuple(TestCase(n, str(n)) for n in range(MOST_ROWS + 1)))


@pytest.fixture
def sent() -> list[UUID]:
    """The executions that were sent to the queue."""
    return []


@pytest.fixture
def create(db: Database, blobs: BlobStore, owner: UUID, sent: list[UUID]) -> Create:
    def with_key(
        key: str, body: bytes = bytes(32), new: Submission = HELLO, owner_id: UUID | None = None
    ) -> SubmissionView:
        def enqueue(execution_id: UUID, _: str) -> None:
            sent.append(execution_id)

        return submissions.create(
            db,
            blobs,
            new,
            owner_id=owner_id or owner,
            submission_id=None,
            body_sha256=body,
            enqueue=enqueue,
            key=key,
        )

    return with_key


def test_it_works(create: Create, sent: list[UUID]) -> None:
    first, again, other = create("a"), create("a"), create("b")

    assert again == replace(first, replayed=True)
    assert other.id != first.id
    assert sent == [first.execution.id, other.execution.id]


def test_a_key_with_another_body_is_refused(create: Create, rows: Rows) -> None:
    create("a")

    with pytest.raises(InvalidRequest) as refused:
        create("a", b"x" * 32)

    assert refused.value.problems[0].field == "Idempotency-Key"
    assert len(rows("SELECT id FROM submissions")) == 1


def test_a_key_is_its_owners_own(create: Create, rows: Rows) -> None:
    another = new_id()
    rows(
        "INSERT INTO api_keys (id, name, role, prefix, secret_sha256) VALUES (%s, 'another', 'service', 'x', %s)",
        another,
        bytes(32),
    )

    assert create("a", owner_id=another).id != create("a").id


@pytest.mark.parametrize("new", [HELLO, LONG], ids=["short", "long"])
def test_of_many_at_once_one_is_kept(
    create: Create, rows: Rows, sent: list[UUID], at_once: Callable[..., Sequence[SubmissionView]], new: Submission
) -> None:
    views = at_once(SENDERS, lambda _: create("a", new=new))

    assert len({view.id for view in views}) == 1
    assert Counter(view.replayed for view in views) == {False: 1, True: SENDERS - 1}
    assert [row["id"] for row in rows("SELECT id FROM executions")] == sent == [views[0].execution.id]
    assert len(rows("SELECT submission_id FROM test_cases")) == len(new.test_cases)


def test_of_many_with_two_bodies_those_of_one_are_refused(
    create: Create, rows: Rows, at_once: Callable[..., Sequence[SubmissionView | None]]
) -> None:
    def either(number: int) -> SubmissionView | None:
        try:
            return create("a", bytes([number % 2]) * 32)
        except InvalidRequest:
            return None

    views = at_once(SENDERS, either)

    kept = {number % 2 for number, view in enumerate(views) if view is not None}
    assert len(kept) == 1
    assert [view is None for view in views].count(True) == SENDERS // 2
    assert len({view.id for view in views if view is not None}) == 1
    assert len(rows("SELECT id FROM submissions")) == 1


def test_a_key_counts_for_as_long_as_its_submission_is_there(create: Create, rows: Rows) -> None:
    first = create("a")
    rows("DELETE FROM submissions WHERE id = %s", first.id)

    anew = create("a", b"x" * 32)

    assert (anew.replayed, anew.id != first.id) == (False, True)


def test_what_is_refused_takes_no_key(create: Create, rows: Rows) -> None:
    with pytest.raises(InvalidRequest, match="cannot be stored"):
        create("a", new=replace(HELLO, user_id="a\0b"))

    assert rows("SELECT key FROM idempotency_keys") == []
    assert not create("a").replayed

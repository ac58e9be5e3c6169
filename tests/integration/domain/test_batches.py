"""Batches on real PostgreSQL: each item by itself, all of them together, and none lost."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from domain import batch_reading, batch_results, batches, cancel, executions, fair, hosts, submissions
from domain.batches import Item, Made
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Conflict, InvalidRequest, LimitReached, NotFound, Problem, ShipdError
from domain.fair import User, Usual
from domain.host import HostReport
from domain.ids import new_id
from domain.model import ExecutionTelemetry, File, Outcome, Priority, Submission, TestCase, TestResult
from domain.submissions import Sent
from domain.vault import Vault
from domain.verdict import State, Verdict
from domain.views import SubmissionView
from tests.forked import forked
from tests.integration.conftest import SENDERS
from tests.integration.domain.graded import HELLO
from tests.integration.domain.test_create_and_get_submission import FULL

Rows = Callable[..., list[Mapping[str, object]]]
BODY = bytes(32)


@dataclass
class Sender:
    """Sends batches for one owner, and notes what goes to the queue."""

    db: Database
    blobs: BlobStore
    owner: UUID
    queue: list[tuple[UUID, Priority]] = field(default_factory=list)
    calls: int = 0
    usual: Usual = field(default_factory=lambda: Usual(at_once=1000))
    room: int = 1000
    """For so many new submissions."""

    def admit(self, _: User, count: int, some: bool) -> tuple[int, LimitReached | None]:
        error = LimitReached("rate", "too many", retry_after_s=1)
        admitted = min(count, self.room)
        if admitted < count and (not some or admitted == 0):
            raise error
        self.room -= admitted
        return admitted, error if admitted < count else None

    def item(self, position: int, new: Submission = HELLO, own_id: UUID | None = None, body: bytes = BODY) -> Item:
        return Item(position, new, Sent(self.owner, body, own_id), User(self.owner))

    def send(
        self,
        *items: Item,
        refused: Mapping[int, ShipdError] | None = None,
        key: str | None = None,
        body: bytes = BODY,
        atomic: bool = False,
        enqueue: batches.Enqueue | None = None,
    ) -> Made:
        return batches.create(
            self.db,
            self.blobs,
            items,
            refused or {},
            sent=Sent(self.owner, body, key=key),
            atomic=atomic,
            enqueue=enqueue or self.enqueue,
            known=hosts.Remembered(self.db),
            admit=self.admit,
            vault=Vault(self.db),
            usual=self.usual,
        )

    def enqueue(self, messages: Sequence[tuple[UUID, Priority]]) -> None:
        self.queue += messages
        self.calls += 1

    def statuses(self, made: Made) -> list[int]:
        return [item.status for item in batch_reading.items(self.db, made.id)]


@pytest.fixture
def sender(db: Database, blobs: BlobStore, owner: UUID) -> Sender:
    return Sender(db, blobs, owner)


def finish(db: Database, blobs: BlobStore, execution_id: UUID, *found: TestResult) -> None:
    claim = executions.claim(db, blobs, execution_id, worker="test", lease_s=60)
    assert claim is not None
    assert executions.finish(db, blobs, claim, Outcome(Verdict.OK, None, ExecutionTelemetry(), results=found))


def test_it_works(sender: Sender, db: Database) -> None:
    made = sender.send(*(sender.item(n) for n in range(3)), refused={3: InvalidRequest(Problem("language", "is no"))})

    view = batch_reading.get(db, made.id, sender.owner)
    assert (view.accepted, view.refused, view.done) == (3, 1, False)
    assert (view.states, view.verdicts) == ({State.QUEUED: 3}, {})
    found = batch_reading.items(db, made.id)
    assert [(item.position, item.status) for item in found] == [(0, 201), (1, 201), (2, 201), (3, 422)]
    kept = [item.summary for item in found if item.summary is not None]
    assert {one.execution_id for one in kept} == {execution_id for execution_id, _ in sender.queue}
    assert sender.calls == 1


def test_an_item_is_kept_as_a_submission_of_its_own_is(
    sender: Sender, db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]
) -> None:
    long = replace(
        HELLO,
        sources=tuple(File(f"{n}.py", bytes([n]) * (n * 1000)) for n in range(120)),
        test_cases=tuple(TestCase(n, str(n), files=(File("in", b"x"),)) for n in range(60)),
    )
    asked = [FULL, long, HELLO, FULL]
    made = sender.send(*(sender.item(n, new) for n, new in enumerate(asked)))

    for item, new in zip(batch_reading.items(db, made.id), asked, strict=True):
        assert item.summary is not None
        alone, view = submit(new), submissions.get(db, blobs, item.summary.id, sender.owner)
        assert view == replace(
            alone,
            id=view.id,
            created_at=view.created_at,
            execution=replace(alone.execution, id=view.execution.id, queued_at=view.execution.queued_at),
        )
        claim = executions.claim(db, blobs, item.summary.execution_id, worker="test", lease_s=60)
        assert claim is not None
        assert claim.submission == new


def test_ids_count_as_they_do_alone(sender: Sender, submit: Callable[..., SubmissionView], db: Database) -> None:
    there, others = new_id(), new_id()
    first = sender.send(sender.item(0, own_id=there), sender.item(1, own_id=others))
    made = sender.send(
        sender.item(0, own_id=there),
        sender.item(1, own_id=others, body=b"x" * 32),
        sender.item(2, own_id=(fresh := new_id())),
        sender.item(3, own_id=fresh),
        sender.item(4),
    )

    assert (sender.statuses(first), sender.statuses(made)) == ([201, 201], [200, 409, 201, 422, 201])
    assert isinstance(made.refused[1], Conflict)
    assert "item 2" in str(made.refused[3])
    assert len(sender.queue) == 4
    view = batch_reading.get(db, made.id, sender.owner)
    assert (view.accepted, view.refused) == (3, 2)


def test_an_id_of_another_owner_is_refused(sender: Sender) -> None:
    own_id = new_id()
    sender.send(sender.item(0, own_id=own_id))
    stranger = new_id()
    another = Item(0, HELLO, Sent(stranger, BODY, own_id), User(stranger))

    assert sender.statuses(sender.send(another)) == [409]


def test_what_no_host_can_hold_is_refused_by_itself(sender: Sender, db: Database) -> None:
    hosts.report(db, HostReport("small", 1, 2**29, root=True, languages={"python": "3"}))
    large = replace(HELLO, constraints=replace(HELLO.constraints, memory_mb=8192))

    made = sender.send(sender.item(0), sender.item(1, large), sender.item(2, large))

    assert sender.statuses(made) == [201, 422, 422]
    assert "constraints.memory_mb" in str(made.refused[2])


def test_atomic_keeps_all(sender: Sender) -> None:
    assert sender.statuses(sender.send(*(sender.item(n) for n in range(3)), atomic=True)) == [201] * 3


def test_atomic_keeps_nothing_unless_all_can_be(sender: Sender, rows: Rows) -> None:
    own_id = new_id()
    sender.send(sender.item(0, own_id=own_id))

    with pytest.raises(InvalidRequest) as refused:
        sender.send(
            sender.item(0),
            sender.item(2, own_id=own_id, body=b"x" * 32),
            sender.item(3, own_id=(same := new_id())),
            sender.item(4, own_id=same),
            refused={1: InvalidRequest(Problem("language", "is no"), Problem("", "is too deep"))},
            atomic=True,
            key="a",
        )

    assert [problem.field for problem in refused.value.problems] == [
        "submissions[1].language",
        "submissions[1]",
        "submissions[2].id",
        "submissions[4].id",
    ]
    assert (len(rows("SELECT id FROM submissions")), len(rows("SELECT id FROM batches"))) == (1, 1)
    assert len(sender.queue) == 1


def test_the_same_key_gives_the_same_batch(sender: Sender, rows: Rows) -> None:
    first, again = (sender.send(sender.item(0), key="a") for _ in range(2))

    assert again == Made(first.id, replayed=True)
    with pytest.raises(InvalidRequest, match="used before with another body"):
        sender.send(sender.item(0), key="a", body=b"x" * 32)
    assert len(rows("SELECT id FROM executions")) == len(sender.queue) == 1


def test_of_many_at_once_with_one_key_one_is_kept(
    sender: Sender, rows: Rows, at_once: Callable[..., Sequence[Made]]
) -> None:
    def send(_: int) -> Made:
        return sender.send(*(sender.item(n) for n in range(60)), key="a")

    made = at_once(SENDERS, send)

    assert len({one.id for one in made}) == 1
    assert [one.replayed for one in made].count(False) == 1
    assert len(rows("SELECT id FROM executions")) == len(sender.queue) == 60


def test_of_many_with_two_bodies_those_of_one_are_refused(
    sender: Sender, rows: Rows, at_once: Callable[..., Sequence[Made | None]]
) -> None:
    def send(number: int) -> Made | None:
        try:
            return sender.send(sender.item(0), key="a", body=bytes([number % 2]) * 32)
        except InvalidRequest:
            return None

    made = at_once(SENDERS, send)

    assert made.count(None) == SENDERS // 2
    assert len({one.id for one in made if one is not None}) == 1
    assert len(rows("SELECT id FROM submissions")) == 1


def test_batches_with_the_same_ids_at_once_do_not_wait_for_each_other(
    sender: Sender, rows: Rows, at_once: Callable[..., Sequence[Made]]
) -> None:
    ids = [new_id() for _ in range(120)]
    # Each row takes a while to write, so that every batch is within its rows when the others are.
    rows(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END'"
    )
    rows("CREATE TRIGGER linger BEFORE INSERT ON submissions FOR EACH ROW EXECUTE FUNCTION linger()")

    def send(number: int) -> Made:
        ordered = ids if number % 2 else ids[::-1]
        return sender.send(*(sender.item(n, own_id=own_id) for n, own_id in enumerate(ordered)))

    made = at_once(8, send)

    statuses = [sender.statuses(one) for one in made]
    assert {status for found in statuses for status in found} == {200, 201}
    assert [status for found in statuses for status in found].count(201) == len(ids)
    assert len(rows("SELECT id FROM executions")) == len(sender.queue) == len(ids)


def test_a_kill_between_commit_and_send_loses_nothing(sender: Sender, db: Database, rows: Rows) -> None:
    def die(_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    db.close()
    child = forked(lambda: sender.send(*(sender.item(n) for n in range(100)), enqueue=die))
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL

    kept = {row["id"] for row in rows("SELECT id FROM executions WHERE state = 'queued'")}
    found = executions.sweep(db, message_lost_s=0, max_attempts=3, no_host_s=600)

    assert len(kept) == 100
    assert {execution_id for execution_id, _ in found} == kept


def test_only_what_has_a_place_is_sent(sender: Sender, db: Database) -> None:
    sender.usual = Usual(at_once=3)

    sender.send(*(sender.item(number) for number in range(10)))
    sender.send(*(sender.item(number) for number in range(10)))

    assert len(sender.queue) == 3
    assert fair.send_waiting(db, User(sender.owner), Usual(at_once=5)) != []


def test_what_is_beyond_a_rate_is_refused_and_the_rest_is_kept(sender: Sender) -> None:
    sender.room = 3

    made = sender.send(*(sender.item(number) for number in range(5)))
    none = sender.send(sender.item(0), sender.item(1))

    assert (sender.statuses(made), sender.statuses(none)) == ([201, 201, 201, 429, 429], [429, 429])
    assert isinstance(made.refused[4], LimitReached)


def test_atomic_is_refused_where_a_rate_does_not_take_all(sender: Sender, rows: Rows) -> None:
    sender.room = 3

    with pytest.raises(LimitReached):
        sender.send(*(sender.item(number) for number in range(5)), atomic=True)

    assert (sender.room, rows("SELECT id FROM submissions")) == (3, [])


def test_a_day_that_is_over_refuses_all(sender: Sender, db: Database) -> None:
    with db.statement() as tx:
        tx.execute(
            "INSERT INTO spending (day, owner_id, user_id, part, cpu_time_ms)"
            " VALUES ((now() AT TIME ZONE 'UTC')::date, %s, '', 0, 5000)",
            (sender.owner,),
        )
    sender.usual = Usual(at_once=10, cpu_s_per_day=5)

    made = sender.send(sender.item(0), sender.item(1))

    assert sender.statuses(made) == [429, 429]
    assert "CPU seconds" in str(made.refused[0])


def test_what_it_made_is_cancelled_at_once(sender: Sender, db: Database, rows: Rows) -> None:
    own_id = new_id()
    sender.send(sender.item(0, own_id=own_id))  # is there before
    made = sender.send(sender.item(0, own_id=own_id), *(sender.item(number) for number in range(1, 4)))
    [first, *_] = [row["id"] for row in rows("SELECT id FROM executions ORDER BY id DESC")]
    assert executions.claim(db, sender.blobs, UUID(str(first)), worker="worker-7", lease_s=30) is not None

    assert cancel.batch(db, made.id, new_id()) == []
    ended = cancel.batch(db, made.id, sender.owner)

    assert sorted(one.worker or "" for one in ended) == ["", "", "worker-7"]
    assert own_id not in {one.submission_id for one in ended}
    states = {State(str(row["state"])) for row in rows("SELECT state FROM executions")}
    assert states == {State.QUEUED, State.CANCELLED}
    assert cancel.batch(db, made.id, None) == []
    assert batch_reading.get(db, made.id, sender.owner).states == {State.CANCELLED: 3, State.QUEUED: 1}


def test_only_its_owner_reads_it(sender: Sender, db: Database) -> None:
    made = sender.send(sender.item(0))

    assert batch_reading.get(db, made.id, None).owner_id == sender.owner
    for wrong in ((made.id, new_id()), (new_id(), sender.owner)):
        with pytest.raises(NotFound):
            batch_reading.get(db, *wrong)


def test_pages_are_no_longer_than_an_answer_should_be(
    sender: Sender, db: Database, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_results, "MAX_SHOWN_TOGETHER_BYTES", 100_000)
    made = sender.send(*(sender.item(n) for n in range(12)), refused={12: InvalidRequest(Problem("id", "is no"))})
    for execution_id, _ in sender.queue:
        finish(db, blobs, execution_id, TestResult(0, Verdict.OK, stdout=b"x" * 40_000))

    pages: list[list[int]] = []
    start: int | None = 0
    while start is not None:
        page = batch_results.page(db, blobs, made.id, start=start, limit=5)
        pages.append([place.position for place, _ in page.results])
        start = page.next_start

    assert pages == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12]]


def test_a_submission_that_is_gone_is_no_item_any_more(
    sender: Sender, db: Database, blobs: BlobStore, rows: Rows
) -> None:
    made = sender.send(*(sender.item(n) for n in range(3)))
    second = batch_reading.items(db, made.id)[1].summary
    assert second is not None
    rows("DELETE FROM submissions WHERE id = %s", second.id)

    page = batch_results.page(db, blobs, made.id, start=0, limit=10)

    assert [place.position for place, _ in page.results] == [0, 2]
    assert batch_reading.get(db, made.id, None).accepted == 2

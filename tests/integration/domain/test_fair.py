"""Of one user a few executions stand in the queue at a time; the others wait for a place, and none is forgotten."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from domain import executions, fair, hosts, submissions
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import LimitReached
from domain.fair import User, Usual
from domain.host import HostReport
from domain.inserting import MOST_ROWS
from domain.model import Claim, ExecutionTelemetry, Outcome, Priority, TestCase, TestResult, Usage
from domain.storing import Place
from domain.verdict import State, Verdict
from tests.integration.conftest import HELLO

Rows = Callable[..., list[dict[str, object]]]
INTERACTIVE, NORMAL, BULK = Priority


@dataclass
class Queue:
    """Some users' submissions, and what was sent to the queue."""

    db: Database
    blobs: BlobStore
    owner: UUID
    usual: Usual = field(default_factory=lambda: Usual(at_once=3))
    sent: list[tuple[UUID, Priority]] = field(default_factory=list)

    def submit(self, user: str = "", priority: Priority = NORMAL, cases: int = 2) -> UUID:
        """Submit as a user; gives the execution."""
        test_cases = tuple(TestCase(number, str(number)) for number in range(cases))
        new = replace(HELLO, priority=priority, test_cases=test_cases)
        view = submissions.create(
            self.db,
            self.blobs,
            new,
            owner_id=self.owner,
            submission_id=None,
            body_sha256=bytes(32),
            enqueue=lambda *message: self.sent.append(message),
            place=Place(User(self.owner, user), priority, self.usual),
        )
        return view.execution.id

    def claim(self, execution_id: UUID, worker: str = "worker-1") -> Claim | None:
        return executions.claim(self.db, self.blobs, execution_id, worker=worker, lease_s=30)

    def finish(self, execution_id: UUID, *, cpu_time_ms: int = 5, cached: bool = False) -> None:
        """Grade it as a worker does, which then sends what waited for its place."""
        claim = self.claim(execution_id)
        assert claim is not None
        usage = Usage(cpu_time_ms, cpu_time_ms, 1)
        cases = claim.submission.test_cases
        results = tuple(TestResult(case.ordinal, Verdict.OK, usage=usage, cached=cached) for case in cases)
        outcome = Outcome(Verdict.OK, None, ExecutionTelemetry(), results=results)
        assert executions.finish(self.db, self.blobs, claim, outcome, usual=self.usual, freed=self.send_waiting)

    def send_waiting(self, user: User) -> None:
        self.sent += fair.send_waiting(self.db, user, self.usual)

    def sweep(self) -> list[tuple[UUID, Priority]]:
        return executions.sweep(self.db, message_lost_s=30, max_attempts=3, no_host_s=600, usual=self.usual)

    @property
    def ids(self) -> list[UUID]:
        return [execution_id for execution_id, _ in self.sent]


@pytest.fixture
def queue(db: Database, blobs: BlobStore, owner: UUID) -> Queue:
    return Queue(db, blobs, owner)


def test_only_so_many_of_a_user_are_sent_and_the_others_as_those_end(queue: Queue) -> None:
    made = [queue.submit() for _ in range(6)]
    assert queue.ids == made[:3]

    for number, execution_id in enumerate(made):
        queue.finish(execution_id)
        assert queue.ids == made[: min(6, 4 + number)]

    assert queue.sweep() == []


def test_users_do_not_take_each_others_places(queue: Queue) -> None:
    flood = [queue.submit("flood") for _ in range(10)]
    other = queue.submit("other")

    assert queue.ids == [*flood[:3], other]


def test_users_with_more_than_their_places_take_turns(queue: Queue) -> None:
    queue.usual = Usual(at_once=1)
    made = {user: [queue.submit(user) for _ in range(3)] for user in ("a", "b")}
    owners = {execution_id: user for user, ids in made.items() for execution_id in ids}

    for number in range(6):
        queue.finish(queue.ids[number])

    assert [owners[execution_id] for execution_id in queue.ids] == ["a", "b"] * 3


def test_without_a_setting_the_slots_of_live_hosts_decide(queue: Queue, db: Database, rows: Rows) -> None:
    queue.usual = Usual()
    hosts.report(db, HostReport("one", 2, 2**30, root=False, languages={}))
    hosts.report(db, HostReport("gone", 20, 2**30, root=False, languages={}))
    rows("UPDATE hosts SET seen_at = now() - interval '1 h' WHERE name = 'gone'")

    made = [queue.submit() for _ in range(10)]

    assert queue.ids == made[:4]


def test_a_key_may_have_fewer_places(queue: Queue, rows: Rows) -> None:
    rows("""UPDATE api_keys SET limits = '{"at_once": 1}'""")

    made = [queue.submit() for _ in range(3)]
    assert queue.ids == made[:1]

    queue.finish(made[0])
    assert queue.ids == made[:2]


def test_what_waits_is_not_to_be_claimed(queue: Queue) -> None:
    made = [queue.submit() for _ in range(4)]

    assert queue.claim(made[3]) is None
    assert submissions.state_of(queue.db, made[3]) is State.QUEUED


def test_the_most_urgent_of_a_user_is_next(queue: Queue) -> None:
    queue.usual = Usual(at_once=1)
    first = queue.submit()
    assert queue.claim(first) is not None
    bulk, normal, interactive = (queue.submit(priority=priority) for priority in (BULK, NORMAL, INTERACTIVE))
    later = queue.submit(priority=INTERACTIVE)

    order = [first]
    for _ in range(4):
        with queue.db.transaction() as tx:
            tx.execute(
                "UPDATE executions SET state = 'cancelled', finished_at = now(), lease_until = NULL WHERE id = %s",
                (order[-1],),
            )
        queue.send_waiting(User(queue.owner))
        order.append(queue.ids[-1])

    assert order == [first, interactive, later, normal, bulk]


def test_who_has_more_than_their_places_is_no_more_urgent_than_others(queue: Queue) -> None:
    for _ in range(4):
        queue.submit(priority=INTERACTIVE)
    queue.finish(queue.ids[0])

    assert [priority for _, priority in queue.sent] == [INTERACTIVE] * 3 + [NORMAL]


def test_the_place_of_a_long_one_is_given_on_too(queue: Queue, rows: Rows) -> None:
    queue.usual = Usual(at_once=1)
    long, short = queue.submit(cases=MOST_ROWS + 1), queue.submit()

    queue.finish(long, cpu_time_ms=10)

    assert queue.ids == [long, short]
    assert _spent(rows) == 10 * (MOST_ROWS + 1)


def test_what_is_urgent_takes_the_place_of_what_was_not_begun(queue: Queue) -> None:
    made = [queue.submit(priority=BULK) for _ in range(4)]
    assert queue.claim(made[0]) is not None

    urgent = queue.submit(priority=INTERACTIVE)

    assert queue.sent[-1] == (urgent, INTERACTIVE)
    # The message of the youngest comes in vain; it is sent again when a place is free, before those that came later.
    assert queue.claim(made[2]) is None
    queue.finish(urgent)
    assert queue.ids[-1] == made[2]


def test_whoever_ends_it_and_however_its_place_is_free(queue: Queue, rows: Rows) -> None:
    made = [queue.submit() for _ in range(6)]
    rows("UPDATE executions SET state = 'cancelled', finished_at = now() WHERE id = %s", made[0])
    rows("DELETE FROM submissions WHERE id = (SELECT submission_id FROM executions WHERE id = %s)", made[1])
    swept = []
    for _ in range(3):
        assert queue.claim(made[2]) is not None
        rows("UPDATE executions SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL")
        swept = queue.sweep()

    # Two at the first sweep; the third when the last attempt is over.
    assert swept == [(made[5], NORMAL)]
    assert rows("SELECT count(*) FROM places WHERE sent") == [{"count": 3}]


def test_a_lost_worker_keeps_the_place_of_what_is_graded_again(queue: Queue, rows: Rows) -> None:
    made = [queue.submit() for _ in range(4)]
    assert queue.claim(made[0]) is not None
    rows("UPDATE executions SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL")

    assert queue.sweep() == [(made[0], NORMAL)]
    queue.finish(made[0])
    assert queue.ids[-1] == made[3]


def test_what_was_given_a_place_and_never_sent_is_sent_by_the_sweeper(queue: Queue, rows: Rows) -> None:
    made = [queue.submit() for _ in range(4)]
    claim = queue.claim(made[0])
    assert claim is not None
    # The worker is killed after the commit of the end, or after that of the place, but before it sends.
    executions.finish(queue.db, queue.blobs, claim, Outcome(Verdict.OK, None, ExecutionTelemetry()))
    assert queue.sweep() == [(made[3], NORMAL)]

    rows("UPDATE executions SET sent_at = sent_at - interval '31 s' WHERE id = %s", made[3])
    assert queue.sweep() == [(made[3], NORMAL)]


def test_nobody_overtakes_what_waits_for_a_place_that_was_not_given_on(queue: Queue) -> None:
    queue.usual = Usual(at_once=1)
    made = [queue.submit() for _ in range(2)]
    claim = queue.claim(made[0])
    assert claim is not None
    executions.finish(queue.db, queue.blobs, claim, Outcome(Verdict.OK, None, ExecutionTelemetry()))

    made.append(queue.submit())
    assert queue.ids == made[:1]

    assert queue.sweep() == [(made[1], NORMAL)]
    queue.finish(made[1])
    assert queue.ids[-1] == made[2]


def test_one_sweep_sends_for_every_user(queue: Queue) -> None:
    made = {user: [queue.submit(user) for _ in range(5)] for user in ("a", "b", "c")}
    with queue.db.transaction() as tx:
        tx.execute("UPDATE executions SET state = 'cancelled', finished_at = now() WHERE sent_at < 'infinity'")

    assert sorted(queue.sweep()) == sorted((one, NORMAL) for ids in made.values() for one in ids[3:])


def test_at_the_same_moment_no_more_are_sent_than_there_are_places(
    queue: Queue, rows: Rows, at_once: Callable[..., list[object]]
) -> None:
    made = at_once(6, lambda _: [queue.submit() for _ in range(4)])
    assert len(queue.sent) == 3
    everything = {execution_id for ids in made for execution_id in ids}  # type: ignore[attr-defined]

    def work(number: int) -> None:
        while queue.sent:
            try:
                execution_id, _ = queue.sent.pop(0)
            except IndexError:
                continue
            ended.append(execution_id)
            queue.finish(execution_id)
            taken.append(int(str(rows("SELECT count(*) FROM places WHERE sent")[0]["count"])))

    ended: list[UUID] = []
    taken: list[int] = []
    at_once(3, work)
    while queue.sent or (swept := queue.sweep()):
        queue.sent += swept if not queue.sent else []
        work(0)

    assert sorted(ended) == sorted(everything)
    assert max(taken) <= 3
    assert rows("SELECT count(*) FROM places") == [{"count": 0}]


def _spent(rows: Rows) -> object:
    return rows("SELECT coalesce(sum(cpu_time_ms), 0)::int AS ms FROM spending")[0]["ms"]


def test_what_was_run_is_spent_and_what_was_told_again_is_not(queue: Queue, rows: Rows) -> None:
    queue.finish(queue.submit(), cpu_time_ms=500)
    queue.finish(queue.submit(), cpu_time_ms=700, cached=True)

    assert _spent(rows) == 1000


def test_a_budget_holds_from_when_it_is_reached(queue: Queue, rows: Rows) -> None:
    queue.usual = Usual(at_once=3, cpu_s_per_day=2)
    queue.finish(queue.submit(), cpu_time_ms=999)
    queue.finish(queue.submit(), cpu_time_ms=1)

    with pytest.raises(LimitReached, match="2 CPU seconds") as raised:
        queue.submit()

    assert (raised.value.code, raised.value.ours) == ("cpu_budget", False)
    assert 0 < raised.value.retry_after_s <= 24 * 3600
    assert rows("SELECT count(*) FROM submissions") == [{"count": 2}]
    queue.submit("another user of the same key")


def test_just_below_its_budget_a_user_may_go_on(queue: Queue) -> None:
    queue.usual = Usual(cpu_s_per_day=2)
    queue.finish(queue.submit(), cpu_time_ms=999)

    queue.submit()


def test_a_day_is_over_at_midnight(queue: Queue, rows: Rows) -> None:
    queue.usual = Usual(cpu_s_per_day=1)
    queue.finish(queue.submit(), cpu_time_ms=1000)
    rows("UPDATE spending SET day = day - 1")

    queue.submit()


def test_what_waits_when_the_budget_is_spent_waits_for_the_next_day(queue: Queue, rows: Rows) -> None:
    queue.usual = Usual(at_once=1, cpu_s_per_day=1)
    first, second = queue.submit(), queue.submit()
    queue.finish(first, cpu_time_ms=1000)
    assert queue.ids == [first]
    assert queue.sweep() == []

    rows("UPDATE spending SET day = day - 1")
    assert queue.sweep() == [(second, NORMAL)]


def test_a_key_may_have_a_budget_of_its_own(queue: Queue, rows: Rows) -> None:
    queue.usual = Usual(cpu_s_per_day=1)
    queue.finish(queue.submit(), cpu_time_ms=1000)
    rows("""UPDATE api_keys SET limits = '{"cpu_s_per_day": 3}'""")
    queue.submit()

    rows("""UPDATE api_keys SET limits = '{"cpu_s_per_day": 0}'""")
    queue.submit()


def test_no_other_key_takes_an_owners_budget_away(queue: Queue, rows: Rows) -> None:
    rows("""UPDATE api_keys SET limits = '{"cpu_s_per_day": 1}'""")
    queue.finish(queue.submit(), cpu_time_ms=1000)
    rows(
        "INSERT INTO api_keys (id, owner_id, name, role, prefix, secret_sha256, limits) SELECT gen_random_uuid(),"
        """ owner_id, 'unlimited', role, '0123456789ab', secret_sha256, '{"cpu_s_per_day": 0}' FROM api_keys"""
    )

    with pytest.raises(LimitReached, match="1 CPU seconds"):
        queue.submit()

"""Regrades on a real PostgreSQL: nothing is graded twice, and what was current stays so until it is decided."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from uuid import UUID

import pytest

from domain import (
    audit,
    cancel,
    executions,
    history,
    hosts,
    listing,
    operating,
    regrade,
    regrade_diff,
    regrade_end,
    regrade_pump,
    regrade_start,
    standing,
    submissions,
)
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Conflict, InvalidRequest, NotFound
from domain.host import HostReport
from domain.listing import Filters
from domain.model import Cache, Priority, TestCase
from domain.regrade import Options, RegradeState, Seed
from domain.regrade_selection import Selection
from domain.verdict import Verdict
from domain.views import SubmissionView
from tests.integration.domain.regrading import FAILED, PASSED, WRONG, Hands

Rows = Callable[..., list[Mapping[str, object]]]
ACCEPTED = Selection(verdicts=(Verdict.AC,))
BY = "tests"


@pytest.fixture
def hands(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> Hands:
    return Hands(db, blobs, submit)


def _current(db: Database, blobs: BlobStore, submission_id: UUID) -> tuple[int, Verdict | None]:
    view = submissions.get(db, blobs, submission_id, None)
    return view.execution.number, view.execution.verdict


def test_it_works(db: Database, blobs: BlobStore, hands: Hands) -> None:
    first, second, third = hands.many([PASSED, PASSED, WRONG])

    made = regrade_start.start(db, ACCEPTED, Options(at_once=2), BY)
    assert (made.state, made.total, made.made_by) == (RegradeState.RUNNING, 2, BY)
    sent = hands.regrade({second: WRONG})

    ready = regrade.get(db, made.id)
    assert (ready.state, ready.done, ready.changed, ready.failed) == (RegradeState.READY, 2, 1, 0)
    assert len(sent) == len(set(sent)) == 2
    assert [(move.old, move.new, move.count) for move in regrade_diff.matrix(db, made.id)] == [
        (Verdict.AC, Verdict.AC, 1),
        (Verdict.AC, Verdict.WA, 1),
    ]
    (changed,) = regrade_diff.items(db, made.id, changed=True)
    assert (changed.submission_id, changed.time_ratio) == (second, 1.0)
    assert _current(db, blobs, second) == (1, Verdict.AC)

    applied, _ = regrade_end.apply(db, made.id, BY)
    assert (applied.state, applied.applied, applied.ended_by) == (RegradeState.APPLIED, 2, BY)
    assert _current(db, blobs, first) == (2, Verdict.AC)
    assert _current(db, blobs, second) == (2, Verdict.WA)
    assert _current(db, blobs, third) == (1, Verdict.WA)
    assert regrade_end.apply(db, made.id, "again")[0] == applied
    events = [(entry.event, entry.actor) for entry in audit.latest(db, 10)]
    assert events == [("regrade_applied", BY), ("regrade_started", BY)]


def test_until_it_is_applied_nobody_sees_a_candidate(db: Database, blobs: BlobStore, hands: Hands) -> None:
    own = hands.graded()
    before = submissions.version(db, own, None)
    made = regrade_start.start(db, ACCEPTED, Options(), BY)
    (candidate,) = regrade_pump.step(db)

    def seen() -> list[object]:
        view = submissions.get(db, blobs, own, None)
        (listed,) = listing.page(db, None, filters=Filters(verdict=Verdict.AC), before=None, limit=9)
        (other,) = listing.page(db, None, before=None, limit=9)
        current = standing.current(db, own, None).execution_id
        return [view.execution.id, listed.execution_id, other.execution_id, current, submissions.version(db, own, None)]

    assert cancel.submission(db, own, None) == []
    queued = seen()
    hands.grade(candidate, WRONG)
    assert seen() == queued
    assert candidate not in queued
    assert seen()[-1] == before
    owner_id = submissions.get(db, blobs, own, None).owner_id
    assert [past.number for past in history.executions(db, own, owner_id)] == [1]
    assert [(p.number, p.current, p.candidate) for p in history.executions(db, own, None)] == [
        (1, True, False),
        (2, False, True),
    ]

    regrade_pump.step(db)
    regrade_end.apply(db, made.id, BY)
    (first, second) = history.executions(db, own, owner_id)
    assert (first.current, first.regrade_id, second.current, second.regrade_id) == (False, None, True, made.id)
    assert (second.verdict, second.reason, second.candidate) == (Verdict.WA, "stdout", False)
    assert submissions.version(db, own, None) != before


def test_a_discarded_one_leaves_everything_as_it_was(db: Database, blobs: BlobStore, hands: Hands, rows: Rows) -> None:
    first, second = hands.many([PASSED, PASSED])
    made = regrade_start.start(db, ACCEPTED, Options(at_once=1), BY)
    (candidate,) = regrade_pump.step(db)
    assert executions.claim(db, blobs, candidate, worker="worker-1", lease_s=30) is not None

    discarded, cancelled = regrade_end.discard(db, made.id, BY)

    assert (discarded.state, discarded.done, discarded.failed) == (RegradeState.DISCARDED, 1, 1)
    assert [(one.execution_id, one.worker, one.announced) for one in cancelled] == [(candidate, "worker-1", False)]
    assert regrade_pump.step(db) == []
    assert {_current(db, blobs, one) for one in (first, second)} == {(1, Verdict.AC)}
    assert regrade_end.discard(db, made.id, BY)[0] == discarded
    with pytest.raises(Conflict, match="was discarded"):
        regrade_end.apply(db, made.id, BY)
    again = regrade_start.start(db, ACCEPTED, Options(), BY)
    hands.regrade({})
    regrade_end.apply(db, again.id, BY)
    assert rows("SELECT max(number) AS most FROM executions") == [{"most": 3}]
    assert sorted(_current(db, blobs, one) for one in (first, second)) == [(2, Verdict.AC), (3, Verdict.AC)]


def test_je_never_takes_the_place_of_a_result(db: Database, blobs: BlobStore, hands: Hands) -> None:
    first, second = hands.many([PASSED, PASSED])
    made = regrade_start.start(db, ACCEPTED, Options(), BY)
    hands.regrade({first: FAILED}, WRONG)

    assert regrade.get(db, made.id).failed == 1
    assert regrade_end.apply(db, made.id, BY)[0].applied == 1
    assert _current(db, blobs, first) == (1, Verdict.AC)
    assert _current(db, blobs, second) == (2, Verdict.WA)


def test_what_was_graded_by_hand_meanwhile_keeps_that_result(db: Database, blobs: BlobStore, hands: Hands) -> None:
    """Before its candidate was made or after: the candidate would hide it, or be told of and be nobody's result."""
    failed = (Verdict.JE, "sandbox")
    before, after, left = hands.many([failed, failed, failed])
    made = regrade_start.start(db, Selection(verdicts=(Verdict.JE,)), Options(at_once=9), BY)
    hands.grade(operating.requeue(db, submissions.get(db, blobs, before, None).execution.id).execution_id)
    sent = regrade_pump.step(db)
    hands.grade(operating.requeue(db, submissions.get(db, blobs, after, None).execution.id).execution_id)
    for execution_id in sent:
        hands.grade(execution_id, WRONG)
    regrade_pump.step(db)

    applied, _ = regrade_end.apply(db, made.id, BY)

    assert applied.applied == 1
    assert [_current(db, blobs, one)[1] for one in (before, after, left)] == [Verdict.AC, Verdict.AC, Verdict.WA]


def test_one_that_is_not_ready_is_applied_in_part_only_where_that_is_asked_for(
    db: Database, blobs: BlobStore, hands: Hands
) -> None:
    own = hands.many([PASSED] * 3)
    made = regrade_start.start(db, ACCEPTED, Options(at_once=1), BY)
    (ended,) = regrade_pump.step(db)
    hands.grade(ended, WRONG)
    (under_way,) = regrade_pump.step(db)

    with pytest.raises(Conflict, match="2 of its 3 submissions are not graded yet"):
        regrade_end.apply(db, made.id, BY)
    applied, cancelled = regrade_end.apply(db, made.id, BY, partial=True)

    assert (applied.applied, [one.execution_id for one in cancelled]) == (1, [under_way])
    assert [_current(db, blobs, one) for one in own] == [(2, Verdict.WA), (1, Verdict.AC), (1, Verdict.AC)]


def test_no_more_is_queued_than_may_be_at_once_and_none_while_it_is_paused(db: Database, hands: Hands) -> None:
    hands.many([PASSED] * 5)
    made = regrade_start.start(db, ACCEPTED, Options(at_once=2), BY)

    first = regrade_pump.step(db)
    assert (len(first), regrade_pump.step(db)) == (2, [])
    assert regrade_end.pause(db, made.id, BY).state is RegradeState.PAUSED
    hands.grade(first[0])
    assert regrade_pump.step(db) == []
    assert regrade.get(db, made.id).done == 1
    assert regrade_end.pause(db, made.id, BY).state is RegradeState.PAUSED
    assert regrade_end.resume(db, made.id, BY).state is RegradeState.RUNNING
    assert len(regrade_pump.step(db)) == 1
    regrade_end.discard(db, made.id, BY)
    with pytest.raises(Conflict, match="only one that is paused"):
        regrade_end.resume(db, made.id, BY)


def test_half_of_the_slots_that_live_are_taken_by_default(db: Database, hands: Hands) -> None:
    hands.many([PASSED] * 5)
    assert regrade_start.estimate(db, ACCEPTED, Options()).at_once == 1
    hosts.report(db, HostReport("host-1", 6, 1 << 34, root=True, languages={}))

    regrade_start.start(db, ACCEPTED, Options(), BY)

    assert len(regrade_pump.step(db)) == 3


@pytest.mark.parametrize("priority", [Priority.INTERACTIVE, Priority.NORMAL])
def test_nothing_is_queued_while_live_traffic_waits(
    db: Database, blobs: BlobStore, hands: Hands, submit: Callable[..., SubmissionView], priority: Priority, rows: Rows
) -> None:
    hands.graded()
    regrade_start.start(db, ACCEPTED, Options(), BY)
    live = submit()
    rows("UPDATE executions SET priority = %s WHERE id = %s", priority.value, live.execution.id)

    assert regrade_pump.step(db) == []
    assert executions.claim(db, blobs, live.execution.id, worker="worker-1", lease_s=30) is not None
    (candidate,) = regrade_pump.step(db)
    assert rows("SELECT priority, state FROM executions WHERE id = %s", candidate) == [
        {"priority": "bulk", "state": "queued"}
    ]


def test_regrades_take_turns(db: Database, hands: Hands) -> None:
    first = [hands.graded(user_id="first") for _ in range(2)]
    second = hands.graded(user_id="second")
    for user in ("first", "second"):
        regrade_start.start(db, Selection(user_id=user), Options(at_once=1), BY)

    assert [hands.submission_of(one) for one in hands.regrade({})] == [*first, second]


def test_a_submission_is_in_one_regrade_at_a_time(db: Database, hands: Hands) -> None:
    hands.graded(problem_id="aplusb")
    made = regrade_start.start(db, ACCEPTED, Options(), BY)

    with pytest.raises(Conflict, match=str(made.id)):
        regrade_start.start(db, Selection(problem_id="aplusb"), Options(), BY)


def test_everything_and_nothing_are_refused(db: Database, hands: Hands) -> None:
    hands.graded(WRONG)
    with pytest.raises(InvalidRequest, match="every submission"):
        regrade_start.estimate(db, Selection(), Options())
    with pytest.raises(InvalidRequest, match="every submission"):
        regrade_start.start(db, Selection(), Options(), BY)
    assert regrade_start.estimate(db, Selection(language="@"), Options()).total == 0
    assert regrade_start.estimate(db, ACCEPTED, Options()).total == 0
    with pytest.raises(InvalidRequest, match="selects no submission"):
        regrade_start.start(db, ACCEPTED, Options(), BY)
    with pytest.raises(NotFound):
        regrade.get(db, UUID(int=1))


def test_it_selects_by_all_that_is_named(db: Database, hands: Hands, submit: Callable[..., SubmissionView]) -> None:
    one = hands.graded(WRONG, problem_id="p", user_id="u", language="cpp@17")
    hands.graded(PASSED, problem_id="p", user_id="u", language="cpp@17")
    other = hands.graded(WRONG, problem_id="q")
    submit()  # not done

    def chosen(**asked: object) -> set[UUID]:
        made = regrade_start.start(db, Selection(**asked), Options(), BY)  # type: ignore[arg-type]
        assert regrade.get(db, made.id).selection == Selection(**asked)  # type: ignore[arg-type]
        found = {item.submission_id for item in regrade_diff.every(db, made.id)}
        regrade_end.discard(db, made.id, BY)
        return found

    view = listing.page(db, None, before=None, limit=9)[-1]
    assert chosen(verdicts=(Verdict.WA,)) == {one, other}
    assert chosen(verdicts=(Verdict.WA, Verdict.AC), problem_id="p", reason="stdout") == {one}
    assert chosen(language="cpp", user_id="u", verdicts=(Verdict.WA,)) == {one}
    assert chosen(language="cpp@17", verdicts=(Verdict.WA,)) == {one}
    assert chosen(ids=(other, UUID(int=9))) == {other}
    assert chosen(created_from=view.created_at, verdicts=(Verdict.WA,)) == {one, other}
    assert regrade_start.estimate(db, Selection(created_to=view.created_at), Options()).total == 0
    assert regrade_start.estimate(db, Selection(owner_id=UUID(int=9)), Options()).total == 0
    assert regrade_start.estimate(db, Selection(problem_version=1), Options()).total == 0


def test_the_estimate_is_what_it_did_cost(db: Database, hands: Hands) -> None:
    hands.many([PASSED, PASSED, WRONG])
    hosts.report(db, HostReport("host-1", 2, 1 << 34, root=True, languages={}))

    found = regrade_start.estimate(db, Selection(language="python"), Options(at_once=2))

    assert (found.total, found.verdicts, found.languages) == (3, {"AC": 2, "WA": 1}, {"python": 3})
    assert (found.cpu_time_ms, found.wall_time_ms, found.expected_s) == (600, 1800, 0.9)


def test_it_is_claimed_without_caches_and_with_the_seeds_of_before(
    db: Database, blobs: BlobStore, hands: Hands, submit: Callable[..., SubmissionView]
) -> None:
    view = submit()
    hands.grade(view.execution.id, seed=77)
    for seed, seeds in ((Seed.RECORDED, {0: 77, 1: 77}), (Seed.NEW, {})):
        made = regrade_start.start(db, ACCEPTED, Options(seed=seed), BY)
        (candidate,) = regrade_pump.step(db)
        claim = executions.claim(db, blobs, candidate, worker="worker-1", lease_s=30)
        assert claim is not None
        assert (claim.seeds, claim.regrade_id) == (seeds, made.id)
        assert (claim.submission.cache, claim.submission.priority) == (Cache.NONE, Priority.BULK)
        assert executions.look(db, blobs, candidate, 1) == claim
        regrade_end.discard(db, made.id, BY)


def test_steps_at_the_same_moment_send_nothing_twice(
    db: Database, hands: Hands, at_once: Callable[..., list[object]], rows: Rows
) -> None:
    hands.many([PASSED] * 12)
    made = regrade_start.start(db, ACCEPTED, Options(at_once=10), BY)

    sent = at_once(6, lambda _: regrade_pump.step(db))

    assert sum(len(some) for some in sent if isinstance(some, list)) == 10
    assert rows("SELECT count(DISTINCT new_execution_id) AS n FROM regrade_items WHERE regrade_id = %s", made.id) == [
        {"n": 10}
    ]


STEP = """
import sys
from domain import regrade_pump
from domain.db import Database
db = Database(sys.argv[1])
with db.transaction() as tx:
    print(len(regrade_pump._step(tx)), flush=True)
    sys.stdin.read()
"""


def test_a_step_that_is_killed_has_done_nothing(db: Database, database_url: str, hands: Hands, rows: Rows) -> None:
    hands.many([PASSED] * 3)
    regrade_start.start(db, ACCEPTED, Options(at_once=2), BY)
    process = subprocess.Popen(
        [sys.executable, "-c", STEP, database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "2\n"

    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    assert len(regrade_pump.step(db)) == 2
    assert rows("SELECT count(*) AS n FROM executions WHERE candidate") == [{"n": 2}]


def test_a_submission_that_is_deleted_meanwhile_holds_nothing_up(db: Database, hands: Hands, rows: Rows) -> None:
    first, _ = hands.many([PASSED, PASSED])
    made = regrade_start.start(db, ACCEPTED, Options(at_once=1), BY)
    regrade_pump.step(db)
    rows("DELETE FROM submissions WHERE id = %s", first)

    hands.regrade({})

    assert regrade.get(db, made.id).state is RegradeState.READY


def test_what_a_hidden_test_case_says_is_not_in_the_diff(db: Database, hands: Hands) -> None:
    own = hands.graded(test_cases=(TestCase(0, "secret", is_hidden=True),))
    made = regrade_start.start(db, ACCEPTED, Options(), BY)
    hands.regrade({own: (Verdict.RTE, "exit:3")})

    (item,) = regrade_diff.items(db, made.id)
    assert item.new is not None
    assert (item.new.verdict, item.new.reason) == (Verdict.RTE, "runtime")
    assert history.executions(db, own, None)[1].reason == "runtime"

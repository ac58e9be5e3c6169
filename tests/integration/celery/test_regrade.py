"""A regrade whose worker and sweeper are killed, twice: it ends with each submission graded again once.

The worker is the benchmarks' one, a real Celery process that runs nothing: what is tested is who queues what.
"""

from collections.abc import Callable, Iterator, Mapping
from uuid import UUID

import pytest

from domain import regrade, regrade_diff, regrade_end, regrade_start, submissions
from domain.blobs import BlobStore
from domain.db import Database
from domain.model import Expectation, TestCase
from domain.regrade import Options, RegradeState
from domain.regrade_selection import Selection
from domain.verdict import Verdict
from domain.views import ExecutionView, SubmissionView
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet
from tests.integration.domain.regrading import Hands
from tests.waiting import eventually

COUNT = 240
KILLED_AT = (20, 60)
"""With much left to do: the worker goes on until it is killed."""
PROBLEM = "regraded"


@pytest.fixture
def quick_sweeper(host: Callable[..., ProcessContainer], sweeper: ProcessContainer) -> Iterator[ProcessContainer]:
    """In the place of the usual sweeper, one that soon misses a message.

    A worker that is killed between taking a message and beginning its execution leaves an execution that is queued, and
    neither a message nor a lease: only its age tells.
    """
    sweeper.kill()
    container = host("quick-sweeper", "beat", SHIPD_MESSAGE_LOST_S="3")
    container.ready()
    yield container
    container.teardown()


def _graded(hands: Hands) -> dict[UUID, Verdict]:
    """Grade submissions as accepted, of which a program that says nothing passes two of three; gives what it gets."""
    found = {}
    for number in range(COUNT):
        expected = Expectation(stdout=b"" if number % 3 else b"something")
        case = TestCase(0, "only", expected=expected)
        found[hands.graded(test_cases=(case,), problem_id=PROBLEM)] = Verdict.AC if number % 3 else Verdict.WA
    return found


def _wait_for(db: Database, regrade_id: UUID, least: int) -> None:
    eventually(lambda: regrade.get(db, regrade_id).done >= least)


def test_it_goes_on_whatever_is_killed(
    fleet: Fleet,
    quick_sweeper: ProcessContainer,
    instead: Callable[..., ProcessContainer],
    db: Database,
    blobs: BlobStore,
    submit: Callable[..., SubmissionView],
    rows: Callable[..., list[Mapping[str, object]]],
) -> None:
    worker = instead("noop", module="benchmarks.noop_worker")
    expected = _graded(Hands(db, blobs, submit))
    made = regrade_start.start(db, Selection(problem_id=PROBLEM), Options(at_once=2), "tests")

    for enough in KILLED_AT:
        _wait_for(db, made.id, enough)
        worker.kill_all()
        quick_sweeper.kill()
        assert regrade.get(db, made.id).state is RegradeState.RUNNING
        for container in (quick_sweeper, worker):
            container.start()
    eventually(lambda: regrade.get(db, made.id).state is RegradeState.READY)

    found = regrade.get(db, made.id)
    assert (found.done, found.changed, found.failed) == (COUNT, COUNT // 3, 0)
    assert [(move.old, move.new, move.count) for move in regrade_diff.matrix(db, made.id)] == [
        (Verdict.AC, Verdict.AC, COUNT * 2 // 3),
        (Verdict.AC, Verdict.WA, COUNT // 3),
    ]
    items = {item.submission_id: item for item in regrade_diff.every(db, made.id)}
    assert {own: item.new.verdict for own, item in items.items() if item.new} == expected
    assert rows("SELECT DISTINCT number, count(*) AS n FROM executions GROUP BY number ORDER BY number") == [
        {"number": 1, "n": COUNT},
        {"number": 2, "n": COUNT},
    ]
    assert rows(
        "SELECT max(n) AS most FROM (SELECT count(*) AS n FROM test_results GROUP BY execution_id) AS each"
    ) == [{"most": 1}]

    assert regrade_end.apply(db, made.id, "tests")[0].applied == COUNT
    current = {own: submissions.get(db, blobs, own, None).execution.verdict for own in expected}
    assert current == expected
    assert fleet.waiting() == 0


def test_a_program_shuffles_as_it_did_before(fleet: Fleet, sweeper: ProcessContainer, db: Database) -> None:
    source = "print(hash('shipd'))"
    own = [fleet.submit_many(source, 1), fleet.submit_many(source, 2)]
    before = {one: _outputs(fleet.done(one)) for one in own}

    made = regrade_start.start(db, Selection(ids=tuple(own)), Options(), "tests")
    eventually(lambda: regrade.get(db, made.id).state is RegradeState.READY)
    regrade_end.apply(db, made.id, "tests")

    assert {one: _outputs(fleet.execution(one)) for one in own} == before
    assert {fleet.execution(one).number for one in own} == {2}


def _outputs(execution: ExecutionView) -> list[tuple[bytes, int | None]]:
    """What each test case printed, and the seed that it was told to have."""
    return [
        (result.stdout.head, result.telemetry.hash_seed)
        for result in execution.results
        if result.stdout is not None and result.telemetry is not None
    ]

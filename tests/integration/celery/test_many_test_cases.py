"""Many test cases on a host of two slots: both are used, no CPU by two at once, and nobody waits for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

import psutil
import pytest

from domain.verdict import State, Verdict
from domain.views import ExecutionView
from tests.integration.celery.conftest import StandIns, Start, end_worker
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, gone, groups_of_runs, jailed, sleeping
from tests.waiting import eventually

MANY, SOME = 40, 24
TELL = """
import json, os, sys, time
started = time.monotonic()
time.sleep({seconds})
print(json.dumps([sorted(os.sched_getaffinity(0)), started, time.monotonic()]))
sys.exit(input() == {failing!r})
"""
"""All jails and their host have one monotonic clock."""


@dataclass(frozen=True)
class Run:
    """When one test case ran, and on which CPUs."""

    cpus: frozenset[int]
    slot: int
    began: float
    ended: float

    def meets(self, other: "Run") -> bool:
        """Whether both ran at the same moment."""
        return self.began < other.ended and other.began < self.ended


EITHER_WAY = pytest.mark.parametrize("two_slots", ["0", "256"], indirect=True, ids=["cold", "warm"])


def tell(seconds: float, failing: str = "none") -> str:
    return TELL.format(seconds=seconds, failing=failing)


def runs(execution: ExecutionView) -> list[Run]:
    found = []
    for result in execution.results:
        assert result.stdout is not None
        assert result.telemetry is not None
        cpus, began, ended = json.loads(result.stdout.head)
        found.append(Run(frozenset(cpus), result.telemetry.slot or 0, began, ended))
    return found


@pytest.fixture(scope="module", params=["0"], ids=["cold"])
def two_slots(host: Start, request: pytest.FixtureRequest) -> Iterator[ProcessContainer]:
    """A worker of two slots, for the tests of this file; jails stand ready in it only where a test says so."""
    pool_mb = request.param
    container = host(f"two-slots-{pool_mb}", SHIPD_SLOTS="2", SHIPD_POOL_MB=pool_mb)
    assert container.ready()
    yield container
    container.teardown()


@pytest.fixture
def fleet(calm: Fleet) -> Fleet:
    """All but the usual worker."""
    return calm


@pytest.fixture
def pair(
    fleet: Fleet, worker: ProcessContainer, stand_ins: StandIns, two_slots: ProcessContainer
) -> Iterator[ProcessContainer]:
    """The worker of two slots, and no other."""
    stand_ins.end()
    end_worker(worker)
    if two_slots.status != "running":
        two_slots.start()
        two_slots.ready()
    yield two_slots
    with fleet.db.statement() as tx:
        at_work = tx.execute("SELECT FROM executions WHERE lease_until IS NOT NULL").fetchone()
    if at_work is not None:
        two_slots.kill_all()


@EITHER_WAY
def test_they_use_both_slots_and_no_cpu_twice(fleet: Fleet, pair: ProcessContainer) -> None:
    # Each runs for much longer than the pause behind it, or they would hardly meet.
    execution = fleet.done(fleet.submit_many(tell(0.5), SOME))
    assert execution.verdict is Verdict.OK
    assert [result.ordinal for result in execution.results] == list(range(SOME))
    found = runs(execution)
    met = [(one, other) for one, other in combinations(found, 2) if one.meets(other)]
    assert not [pair for pair in met if pair[0].slot == pair[1].slot or pair[0].cpus & pair[1].cpus]
    assert {run.slot for run in found} == {0, 1}
    assert len({run for pair in met for run in pair}) > SOME / 2


@EITHER_WAY
def test_an_interactive_one_does_not_wait_for_them(fleet: Fleet, pair: ProcessContainer) -> None:
    """Nor does it share a CPU with them."""
    many = fleet.submit_many(tell(0.45), MANY)
    eventually(lambda: len(jailed(pair)) >= 2)
    one = fleet.done(fleet.submit_many(tell(0.1), 1))
    assert fleet.execution(many).state is State.RUNNING
    execution = fleet.done(many)
    assert (one.verdict, execution.verdict, execution.attempt) == (Verdict.OK, Verdict.OK, 1)
    [run] = runs(one)
    others = runs(execution)
    assert sum(other.began > run.ended for other in others) > MANY / 2
    assert {other.slot for other in others if other.began > run.ended} == {0, 1}
    assert not [other for other in others if other.meets(run) and (other.slot == run.slot or other.cpus & run.cpus)]


def test_a_test_case_that_takes_long_does_not_hold_up_who_waits(fleet: Fleet, pair: ProcessContainer) -> None:
    many = fleet.submit_many(tell(5), 2)
    programs = eventually(lambda: found if len(found := jailed(pair)) == 2 else None)
    fleet.done(fleet.submit(sleeping(0)))
    assert fleet.execution(many).state is State.RUNNING
    # What ran in the other slot was broken off, and has its turn again.
    assert len([program for program in programs if program.is_running()]) == 1
    execution = fleet.done(many)
    assert (execution.verdict, len(execution.results)) == (Verdict.OK, 2)


def test_after_a_failure_the_rest_is_skipped_wherever_it_ran(fleet: Fleet, pair: ProcessContainer) -> None:
    execution = fleet.done(fleet.submit_many(tell(0.1, failing="7"), MANY, stop_on_first_failure=True))
    assert (execution.verdict, execution.reason) == (Verdict.RTE, "exit:1")
    assert [result.verdict for result in execution.results] == [*[Verdict.OK] * 7, Verdict.RTE, *[None] * (MANY - 8)]
    assert {(result.reason, result.stdout) for result in execution.results[8:]} == {("skipped", None)}


def test_all_its_jails_end_with_the_process_that_grades(fleet: Fleet, pair: ProcessContainer) -> None:
    many = fleet.submit_many(tell(5), 2)
    programs = _two_at_once(many, fleet, pair)
    _grading(programs).kill()
    eventually(lambda: gone(programs))
    execution = fleet.done(many)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.OK, 2, 2)
    assert not groups_of_runs(pair)


def test_told_to_stop_a_worker_gives_back_all_of_it(fleet: Fleet, pair: ProcessContainer) -> None:
    many = fleet.submit_many(tell(4), 3)
    programs = _two_at_once(many, fleet, pair)
    pair.kill("SIGTERM")
    assert pair.wait() == 0
    assert gone(programs)
    assert fleet.execution(many).state is State.QUEUED
    assert not groups_of_runs(pair)
    pair.start()
    pair.ready()
    execution = fleet.done(many)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.OK, 2, 3)


def _two_at_once(submission: UUID, fleet: Fleet, worker: ProcessContainer) -> list[psutil.Process]:
    assert eventually(lambda: fleet.execution(submission).state is State.RUNNING)
    return eventually(lambda: found if len(found := jailed(worker)) == 2 else None)


def _grading(programs: list[psutil.Process]) -> psutil.Process:
    """The one process of the pool that both were started by."""
    above = [{parent.pid: parent for parent in program.parents()} for program in programs]
    shared = set(above[0]) & set(above[1])
    return next(parent for parent in programs[0].parents() if parent.pid in shared)

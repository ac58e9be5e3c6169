"""Whatever is killed on a worker's host, an execution ends once, and nothing of it is left running."""

from domain import operating
from domain.verdict import Verdict
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, gone, groups_of_runs, pool, sleeping
from tests.waiting import eventually


def test_an_execution_outlives_its_host(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(5))
    processes = fleet.running(submission, worker)
    assert groups_of_runs(worker) or worker.environ["SHIPD_CGROUPS"] == "none"
    worker.kill_all()
    eventually(lambda: gone(processes))
    worker.restart()
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 2, 1)
    assert not groups_of_runs(worker)


def test_a_jail_ends_with_the_process_that_made_it(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(5))
    processes = fleet.running(submission, worker)
    pool(worker).kill()
    eventually(lambda: gone(processes))
    assert worker.status == "running"
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 2, 1)
    assert not groups_of_runs(worker)


def test_an_execution_that_kills_its_worker_each_time_is_quarantined(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(60))
    for attempt in (1, 2):
        fleet.running(submission, worker, attempt)
        pool(worker).kill()
    execution = fleet.done(submission)
    assert (execution.verdict, execution.reason, execution.attempt) == (Verdict.JE, "attempts", 2)
    (poison,) = operating.quarantined(fleet.db, 10)
    assert [(one.attempt, one.state) for one in poison.story] == [(1, "running"), (2, "running")]
    assert all(one.worker.startswith("worker/") for one in poison.story)
    assert "worker/" not in execution.message

    again = operating.release(fleet.db, poison.id)
    assert again is not None
    fleet.send(again.execution_id)
    fleet.running(submission, worker)
    assert fleet.execution(submission).id == again.execution_id


def test_an_idle_pool_process_that_lost_its_worker_ends(fleet: Fleet, worker: ProcessContainer) -> None:
    assert fleet.waiting() == 0
    processes = eventually(worker.children)
    worker.kill()
    eventually(lambda: gone(processes))


def test_a_pool_process_that_lost_its_worker_finishes_what_it_holds_and_ends(
    fleet: Fleet, worker: ProcessContainer
) -> None:
    submission = fleet.submit(sleeping(5))
    processes = fleet.running(submission, worker)
    worker.kill()
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt) == (Verdict.AC, 1)
    eventually(lambda: gone(processes))
    assert not groups_of_runs(worker)

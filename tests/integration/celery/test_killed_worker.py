"""Whatever is killed on a worker's host, an execution ends once, and nothing of it is left running."""

import psutil

from domain.verdict import State, Verdict
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, eventually, gone, jailed, runs_left, sleeping


def pool(worker: ProcessContainer) -> psutil.Process:
    """The one process of its pool."""
    [child] = psutil.Process(worker.pid).children()
    return child


def test_an_execution_outlives_its_host(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(1))
    processes = fleet.running(submission, worker)
    worker.kill_all()
    eventually(lambda: gone(processes))
    worker.restart()
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 2, 1)
    assert not runs_left(worker)


def test_jails_end_with_the_process_that_made_them(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(60))
    processes = fleet.running(submission, worker)
    pool(worker).kill()
    eventually(lambda: gone(processes))
    assert worker.status == "running"


def test_an_execution_outlives_the_pool_process_that_graded_it(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(1))
    fleet.running(submission, worker)
    pool(worker).kill()
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 2, 1)
    assert not runs_left(worker)


def test_a_pool_process_without_a_worker_finishes_what_it_holds_and_ends(
    fleet: Fleet, worker: ProcessContainer
) -> None:
    submission = fleet.submit(sleeping(1))
    processes = fleet.running(submission, worker)
    worker.kill()
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt) == (Verdict.AC, 1)
    eventually(lambda: gone(processes))
    assert not runs_left(worker)


def test_an_execution_that_kills_every_worker_is_given_up(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(60))
    for _ in range(2):
        fleet.running(submission, worker)
        pool(worker).kill()
        eventually(lambda: fleet.execution(submission).state is not State.RUNNING)
    execution = fleet.done(submission)
    assert (execution.verdict, execution.reason, execution.attempt) == (Verdict.JE, "attempts", 2)


def test_a_worker_that_is_told_to_stop_gives_back_what_it_holds(
    fleet: Fleet, worker: ProcessContainer, second: ProcessContainer
) -> None:
    submission = fleet.submit(sleeping(4))
    holder, other = (worker, second) if eventually(lambda: jailed(worker) or jailed(second))[0] in jailed(worker) else (second, worker)
    fleet.running(submission, holder)
    holder.kill("SIGTERM")
    assert holder.wait() == 0
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt) == (Verdict.AC, 2)

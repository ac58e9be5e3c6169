"""Two workers share the work: each takes what it can do now, and hands over what it cannot finish."""

from collections.abc import Callable

import psutil

from domain.verdict import Verdict
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, gone, groups_of_runs, jailed, pool, sleeping
from tests.waiting import eventually


def test_no_worker_keeps_messages_that_another_could_use(
    fleet: Fleet, worker: ProcessContainer, second: ProcessContainer
) -> None:
    submissions = [fleet.submit(sleeping(seconds)) for seconds in (5, 5, 0)]
    eventually(lambda: jailed(worker) and jailed(second))
    assert (fleet.held(), fleet.waiting()) == (2, 1)
    executions = [fleet.done(submission) for submission in submissions]
    assert [(execution.verdict, execution.attempt) for execution in executions] == [(Verdict.AC, 1)] * 3


def test_a_message_that_comes_twice_gives_one_result(
    fleet: Fleet, worker: ProcessContainer, second: ProcessContainer
) -> None:
    submission = fleet.submit(sleeping(0.5))
    fleet.send(fleet.execution(submission).id)
    fleet.send(fleet.execution(submission).id)
    execution = fleet.done(submission)
    eventually(lambda: fleet.waiting() + fleet.held() == 0)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 1, 1)
    assert fleet.execution(submission) == execution


def test_a_worker_that_is_told_to_stop_gives_back_what_takes_too_long(
    fleet: Fleet, worker: ProcessContainer, second: ProcessContainer, rows: Callable[..., object]
) -> None:
    submission = fleet.submit(sleeping(5))
    [holder] = eventually(lambda: [host for host in (worker, second) if jailed(host)])
    processes = fleet.running(submission, holder)
    holder.kill("SIGTERM")
    assert holder.wait() == 0
    assert gone(processes)
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 2, 1)
    assert not groups_of_runs(holder)
    assert rows("SELECT given_back FROM executions") == [{"given_back": 1}]


def test_a_worker_that_wakes_up_after_its_lease_was_over_writes_nothing(
    fleet: Fleet, worker: ProcessContainer, second: ProcessContainer, rows: Callable[..., object]
) -> None:
    submission = fleet.submit(sleeping(5))
    [holder] = eventually(lambda: [host for host in (worker, second) if jailed(host)])
    fleet.running(submission, holder)
    frozen = [psutil.Process(holder.pid), pool(holder)]
    for process in frozen:
        process.suspend()
    try:
        execution = fleet.done(submission)
        kept = rows("SELECT * FROM executions"), rows("SELECT * FROM test_results"), rows("SELECT * FROM telemetry")
    finally:
        for process in frozen:
            process.resume()
    eventually(lambda: "claim_lost" in holder.logs())
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 2, 1)
    after = rows("SELECT * FROM executions"), rows("SELECT * FROM test_results"), rows("SELECT * FROM telemetry")
    assert after == kept

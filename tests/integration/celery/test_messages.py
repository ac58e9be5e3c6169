"""A message is a hint: twice, in vain, or late, it does no harm; and none is kept by a worker that cannot use it."""

from domain.ids import new_id
from domain.model import Priority
from domain.verdict import State, Verdict
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, eventually, jailed, sleeping


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


def test_messages_of_what_is_done_or_unknown_are_dropped(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(0))
    execution = fleet.done(submission)
    for execution_id in (execution.id, new_id()):
        fleet.send(execution_id)
    eventually(lambda: worker.logs().count("claim_refused") >= 2)
    eventually(lambda: fleet.waiting() + fleet.held() == 0)
    assert fleet.execution(submission) == execution


def test_no_worker_keeps_messages_that_another_could_use(
    fleet: Fleet, worker: ProcessContainer, second: ProcessContainer
) -> None:
    submissions = [fleet.submit(sleeping(1)) for _ in range(3)]
    eventually(lambda: jailed(worker) and jailed(second))
    assert (fleet.held(), fleet.waiting()) == (2, 1)
    executions = [fleet.done(submission) for submission in submissions]
    assert [(execution.verdict, execution.attempt) for execution in executions] == [(Verdict.AC, 1)] * 3


def test_what_is_urgent_goes_first(fleet: Fleet, worker: ProcessContainer) -> None:
    blocker = fleet.submit(sleeping(1))
    fleet.running(blocker, worker)
    queued = {priority: fleet.submit(sleeping(0), priority) for priority in reversed(Priority)}
    assert [fleet.execution(submission).state for submission in queued.values()] == [State.QUEUED] * 3

    def started(priority: Priority) -> object:
        return fleet.done(queued[priority]).started_at

    assert sorted(Priority, key=started) == [Priority.INTERACTIVE, Priority.NORMAL, Priority.BULK]

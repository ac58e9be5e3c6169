"""A message is a hint: in vain it does no harm, and the most urgent is taken first."""

import json
import secrets
from datetime import datetime
from uuid import UUID

from domain import tracing
from domain.ids import new_id
from domain.model import Priority
from domain.verdict import State
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, sleeping
from tests.waiting import eventually


def test_messages_of_what_is_done_or_unknown_are_dropped(fleet: Fleet, worker: ProcessContainer) -> None:
    submission = fleet.submit(sleeping(0))
    execution = fleet.done(submission)
    for execution_id in (execution.id, new_id()):
        fleet.send(execution_id)
    eventually(lambda: worker.logs().count("claim_refused") >= 2)
    eventually(lambda: fleet.waiting() + fleet.held() == 0)
    assert fleet.execution(submission) == execution


def test_what_is_urgent_goes_first(fleet: Fleet, worker: ProcessContainer) -> None:
    blocker = fleet.submit(sleeping(60))
    fleet.running(blocker, worker)
    queued = {priority: fleet.submit(sleeping(0), priority) for priority in reversed(Priority)}
    assert [fleet.execution(submission).state for submission in queued.values()] == [State.QUEUED] * 3
    fleet.cancel(blocker)

    def started(priority: Priority) -> datetime:
        started_at = fleet.done(queued[priority]).started_at
        assert started_at is not None
        return started_at

    assert sorted(queued, key=started) == [Priority.INTERACTIVE, Priority.NORMAL, Priority.BULK]


def test_a_trace_goes_on_in_the_worker_s_log(fleet: Fleet, worker: ProcessContainer) -> None:
    trace_id = secrets.token_hex(16)
    with tracing.span(f"00-{trace_id}-00f067aa0ba902b7-01"):
        traced = fleet.submit(sleeping(0))
    other = fleet.submit(sleeping(0))
    fleet.done(traced)
    fleet.done(other)

    def lines(submission_id: UUID) -> list[str]:
        execution_id = str(fleet.execution(submission_id).id)
        return [line for line in worker.logs().splitlines() if execution_id in line and "execution_done" in line]

    [line] = eventually(lambda: lines(traced))
    assert json.loads(line)["trace_id"] == trace_id
    [line] = eventually(lambda: lines(other))
    assert "trace_id" not in json.loads(line)

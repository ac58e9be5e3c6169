"""The broker may be away, come back, or come back without its memory: what is queued goes on by itself."""

import shutil

import pytest
import redis
from pytest_celery import CeleryTestBroker

from domain.verdict import State, Verdict
from standalone.servers import Valkey
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, sleeping
from tests.waiting import eventually


@pytest.mark.parametrize("keeps_data", [True, False])
def test_work_goes_on_when_the_broker_was_restarted(
    fleet: Fleet, worker: ProcessContainer, celery_broker: CeleryTestBroker, valkey: Valkey, keeps_data: bool
) -> None:
    held = fleet.submit(sleeping(5))
    fleet.running(held, worker)
    queued = fleet.submit(sleeping(0))
    celery_broker.kill()
    if not keeps_data:
        shutil.rmtree(valkey.folder / "data")
        valkey.prepare()
    celery_broker.restart()
    executions = [fleet.done(held), fleet.done(queued)]
    assert [(execution.verdict, execution.attempt) for execution in executions] == [(Verdict.AC, 1)] * 2


def test_what_was_submitted_while_the_broker_was_away_is_sent_later(
    fleet: Fleet, celery_broker: CeleryTestBroker
) -> None:
    celery_broker.kill()
    submission = fleet.submit(sleeping(0))
    assert fleet.execution(submission).state is State.QUEUED
    celery_broker.restart()
    assert fleet.done(submission).verdict is Verdict.AC


def test_what_was_queued_when_the_broker_was_emptied_goes_on(
    fleet: Fleet, worker: ProcessContainer, valkey: Valkey
) -> None:
    held = fleet.submit(sleeping(5))
    fleet.running(held, worker)
    queued = [fleet.submit(sleeping(0)) for _ in range(3)]
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    executions = [fleet.done(submission) for submission in (held, *queued)]
    assert [(execution.verdict, execution.attempt) for execution in executions] == [(Verdict.AC, 1)] * 4


def test_leases_are_looked_at_while_the_broker_is_away(
    fleet: Fleet, celery_broker: CeleryTestBroker, worker: ProcessContainer
) -> None:
    submission = fleet.submit(sleeping(5))
    fleet.running(submission, worker)
    worker.kill_all()
    celery_broker.kill()
    eventually(lambda: fleet.execution(submission).state is State.QUEUED)
    celery_broker.restart()
    worker.restart()
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt) == (Verdict.AC, 2)

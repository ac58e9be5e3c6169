"""The sweeper runs beside the workers, in one process of its own."""

from collections.abc import Callable

import psutil

from domain.verdict import State
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, jailed, sleeping
from tests.waiting import eventually


def test_it_sweeps_while_every_slot_is_busy(
    fleet: Fleet, worker: ProcessContainer, rows: Callable[..., object]
) -> None:
    busy = fleet.submit(sleeping(60))
    fleet.running(busy, worker)
    lost = fleet.submit(sleeping(0))
    rows(
        "UPDATE executions SET state = 'running', attempt = 2, worker = 'dead', lease_until = now() WHERE id = %s",
        fleet.execution(lost).id,
    )
    assert fleet.done(lost).reason == "attempts"
    assert fleet.execution(busy).state is State.RUNNING
    assert jailed(worker)


def test_nothing_of_it_is_left_when_it_is_told_to_end(fleet: Fleet, sweeper: ProcessContainer) -> None:
    assert psutil.Process(sweeper.pid).children() == []
    sweeper.kill("SIGTERM")
    assert sweeper.wait() == 0
    submission = fleet.submit(sleeping(0))
    assert eventually(lambda: fleet.execution(submission).state is State.DONE)

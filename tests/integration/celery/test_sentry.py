"""What a worker, a sweeper and who delivers tell Sentry when they fail: where, and nothing of what they were doing."""

import secrets
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from domain import queue
from domain.ids import new_id
from tests.envelopes import Envelopes, receiving
from tests.integration.celery.conftest import StandIns, Start, end_worker
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, sleeping
from tests.waiting import eventually

FAILING = "tests.integration.celery.failing"
SWEEPING = "chore_failed"
"""The sweeper has no tasks: what it logs is told."""


@pytest.fixture
def sentry() -> Iterator[Envelopes]:
    with receiving() as running:
        yield running


@pytest.fixture
def canary() -> str:
    return f"canary{secrets.token_hex(8)}"


@pytest.fixture
def started(
    calm: Fleet,
    stand_ins: StandIns,
    worker: ProcessContainer,
    host: Start,
    sentry: Envelopes,
    canary: str,
    sweeper: ProcessContainer,
) -> Iterator[list[ProcessContainer]]:
    """Programs that fail at what they do, and none beside them that would do it."""
    stand_ins.end()
    end_worker(worker)
    sweeper.teardown()
    own = {"SENTRY_DSN": sentry.dsn, "CANARY": canary, "SHIPD_TEST_SECRET": canary}
    containers = [
        host(f"fails-{word or 'at-grading'}", *filter(None, [word]), module=FAILING, **own)
        for word in ("", "beat", "deliver")
    ]
    for container in containers:
        container.ready()
    yield containers
    for container in containers:
        container.teardown()


def where(event: dict[str, Any]) -> str:
    """Name the task that failed, or what was logged of it."""
    name: str = event.get("transaction") or event["logentry"]["message"]
    return name


def tell(fleet: Fleet) -> tuple[UUID, UUID]:
    """Have the worker grade, and who delivers deliver; the sweeper sweeps by itself."""
    submission_id, delivery_id = fleet.submit(sleeping(0)), new_id()
    queue.deliver(fleet.celery, delivery_id)
    return fleet.execution(submission_id).id, delivery_id


def test_no_program_tells_what_it_was_given(
    calm: Fleet, started: list[ProcessContainer], sentry: Envelopes, canary: str
) -> None:
    execution_id, delivery_id = tell(calm)

    def told() -> bool:
        return {where(event) for event in sentry.errors("PlatformFault")} >= {
            queue.TASK_GRADE,
            queue.TASK_DELIVER,
            SWEEPING,
        }

    eventually(told)
    for container in started:
        container.teardown()

    said = b"\n".join(sentry.raw)
    assert canary.encode() not in said
    password = calm.celery.conf.broker_url.split("@")[0].rpartition(":")[2]
    assert password.encode() not in said
    by_task = {where(event): event for event in sentry.errors("PlatformFault")}
    graded, delivered = by_task[queue.TASK_GRADE], by_task[queue.TASK_DELIVER]
    assert graded["tags"]["execution_id"] == str(execution_id)
    assert delivered["tags"]["delivery_id"] == str(delivery_id)
    for event in by_task.values():
        assert [one["type"] for one in event["exception"]["values"]] == ["KeyError", "PlatformFault"]
        frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
        assert (frames[-1]["function"], "vars" in frames[-1]) == ("fail", False)
        assert {"extra", "user", "modules"}.isdisjoint(event)
    assert "step_taken" in {crumb["message"] for crumb in graded["breadcrumbs"]["values"]}
    logged = [event for event in sentry.errors("KeyError") if event.get("logentry", {}).get("message") == "step_failed"]
    assert logged  # with its stack, though structlog had made words of it

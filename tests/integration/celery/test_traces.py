"""A worker that traces: its processes record what they do, and what they did not send yet is sent when they end."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from benchmarks.otlp import Receiver
from domain import tracing
from tests.integration.celery.conftest import end_worker
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, sleeping
from tests.waiting import eventually

SENDER = "00f067aa0ba902b7"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def test_what_is_left_is_sent_at_the_end(
    calm: Fleet, instead: Callable[..., ProcessContainer], receiver: Receiver
) -> None:
    worker = instead("traced", **{**receiver.environ, "OTEL_BSP_SCHEDULE_DELAY": "3600000"})
    trace_id = secrets.token_hex(16)
    with tracing.span(f"00-{trace_id}-{SENDER}-01"):
        sent = tracing.current()
        calm.done(calm.submit(sleeping(0)))
    assert receiver.spans() == []

    end_worker(worker)

    names = {one.name: one for one in eventually(lambda: receiver.spans(trace_id))}
    assert {"queue", "grade", "claim", "prepare", "slot", "test case", "jail run", "finish"} <= names.keys()
    assert sent is not None
    assert names["grade"].parent_id == names["queue"].parent_id == sent.span_id

from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker.consumer import Consumer

from workers.consumer import FLUSH_S, PatientConsumer


class Hub:
    """Celery's event loop, that somebody else turns."""

    def __init__(self) -> None:
        self.later: list[tuple[float, object]] = []

    def call_later(self, delay: float, callback: object) -> None:
        """Note it."""
        self.later.append((delay, callback))


def test_events_wait_for_those_that_follow_and_are_sent_once() -> None:
    flushed: list[str] = []
    consumer = PatientConsumer.__new__(PatientConsumer)
    consumer.hub = Hub()
    consumer.event_dispatcher = SimpleNamespace(flush=lambda: flushed.append("flushed"))
    for _ in range(3):
        consumer.on_send_event_buffered()
    ((delay, flush),) = consumer.hub.later
    assert (delay, flushed) == (FLUSH_S, [])

    flush()
    assert flushed == ["flushed"]
    consumer.on_send_event_buffered()
    assert len(consumer.hub.later) == 2


def test_workers_come_back_to_a_broker_at_times_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, float, float]] = []

    def note(*_: object, interval_start: float, interval_step: float, interval_max: float, **__: object) -> None:
        asked.append((interval_start, interval_step, interval_max))

    monkeypatch.setattr(Consumer, "ensure_connected", lambda _, conn: conn.ensure_connection())
    consumer = PatientConsumer.__new__(PatientConsumer)
    for _ in range(20):
        conn: Any = SimpleNamespace(ensure_connection=note)
        consumer.ensure_connected(conn)

    assert len(set(asked)) == 20
    assert all(0.5 <= start == step <= 1.5 and 5 <= longest <= 15 for start, step, longest in asked)

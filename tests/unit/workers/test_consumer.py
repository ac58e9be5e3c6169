from types import SimpleNamespace

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

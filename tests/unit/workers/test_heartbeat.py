"""From which queues a worker takes."""

from collections.abc import Callable

import pytest

from domain.host import HostReport
from domain.model import Priority
from workers import heartbeat


class FakeConsumer:
    """Celery's consumer, whose thread does at once what it is asked to."""

    def __init__(self, *taken: str) -> None:
        self.taken = set(taken)
        self.task_consumer: FakeConsumer | None = self

    def consuming_from(self, queue: str) -> bool:
        return queue in self.taken

    def call_soon(self, action: Callable[[str], object], queue: str, /) -> None:
        action(queue)

    def add_task_queue(self, queue: str) -> None:
        self.taken.add(queue)

    def cancel_task_queue(self, queue: str) -> None:
        self.taken.remove(queue)


HERE = HostReport("here", 1, 1, root=True, languages={})
THERE = HostReport("there", 1, 1, root=True, languages={}, region="eu")


@pytest.mark.parametrize("before", [(), tuple(Priority), ("normal",), ("help.here", "bulk"), ("host.here.bulk",)])
@pytest.mark.parametrize("paused", [(), ("bulk",), tuple(Priority)])
def test_it_takes_from_what_is_not_paused(before: tuple[str, ...], paused: tuple[str, ...]) -> None:
    consumer = FakeConsumer(*before)

    heartbeat.settle(consumer, frozenset(paused), HERE)

    others = {queue for queue in before if queue.startswith("help.")}
    wanted = {one.value for one in Priority if one not in paused}
    assert consumer.taken == wanted | {f"host.here.{one}" for one in wanted} | others


def test_a_pause_holds_for_the_queues_of_a_region_and_of_a_host() -> None:
    consumer = FakeConsumer()

    heartbeat.settle(consumer, {"normal", "interactive"}, THERE)

    assert consumer.taken == {"eu.bulk", "host.there.bulk"}


def test_without_a_broker_there_is_nothing_to_be_done() -> None:
    consumer = FakeConsumer("bulk")
    consumer.task_consumer = None

    heartbeat.settle(consumer, frozenset({"bulk"}), HERE)

    assert consumer.taken == {"bulk"}

"""From which queues a worker takes."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from domain import hosts, queues
from domain.db import Database
from domain.host import HEARTBEAT_S, HostLoad, HostReport
from domain.hosts import Heard
from domain.model import Priority
from tests.unit.workers.ledger import NOWHERE
from workers import heartbeat
from workers.heartbeat import Heartbeat
from workers.taking import Taking


@dataclass(frozen=True)
class FakeQueue:
    name: str


class FakeConsumer:
    """Celery's consumer, whose thread does at once what it is asked to."""

    def __init__(self, *taken: str) -> None:
        self.taken = set(taken)
        self.task_consumer: FakeConsumer | None = self

    @property
    def queues(self) -> list[FakeQueue]:
        return [FakeQueue(name) for name in self.taken]

    def consuming_from(self, queue: str) -> bool:
        return queue in self.taken

    def call_soon(self, action: Callable[[str], object], queue: str, /) -> None:
        action(queue)

    def add_task_queue(self, queue: str) -> None:
        self.taken.add(queue)

    def cancel_task_queue(self, queue: str) -> None:
        self.taken.remove(queue)


@pytest.mark.parametrize("before", [(), tuple(Priority), ("normal",), ("help.here", "bulk"), ("host.here.bulk",)])
@pytest.mark.parametrize("paused", [(), ("bulk",), tuple(Priority)])
def test_it_takes_from_what_is_not_paused(before: tuple[str, ...], paused: tuple[str, ...]) -> None:
    consumer = FakeConsumer(*before)

    heartbeat.settle(consumer, frozenset(paused), "here", "default")

    others = {queue for queue in before if queue.startswith("help.")}
    wanted = {one.value for one in Priority if one not in paused}
    assert consumer.taken == wanted | {f"host.here.{one}" for one in wanted} | others


def test_a_pause_holds_for_the_queues_of_a_region_and_of_a_host() -> None:
    consumer = FakeConsumer()

    heartbeat.settle(consumer, {"normal", "interactive"}, "there", "eu")

    assert consumer.taken == {"eu.bulk", "host.there.bulk"}


def test_without_a_broker_there_is_nothing_to_be_done() -> None:
    consumer = FakeConsumer("bulk")
    consumer.task_consumer = None

    heartbeat.settle(consumer, frozenset({"bulk"}), "here", "default")

    assert consumer.taken == {"bulk"}


@dataclass
class FakeHosts:
    """What PostgreSQL knows of the host."""

    draining: bool = False
    known: bool = True
    reported: int = 0
    idle: list[bool] = field(default_factory=list)

    def report(self, _: Database, _said: HostReport) -> None:
        self.reported += 1
        self.known = True

    def heartbeat(self, _: Database, _name: str, _load: HostLoad, *, idle: bool) -> Heard | None:
        self.idle.append(idle)
        return Heard(draining=self.draining) if self.known else None


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> FakeHosts:
    found = FakeHosts()
    monkeypatch.setattr(hosts, "report", found.report)
    monkeypatch.setattr(hosts, "heartbeat", found.heartbeat)
    monkeypatch.setattr(queues, "paused", lambda _: frozenset({"bulk"}))
    return found


def beating(held: Callable[[], int]) -> Heartbeat:
    said = HostReport("here", 1, 1, root=False, languages={})
    return Heartbeat(NOWHERE, "here", "default", lambda: said, HostLoad, Taking(), held=held)


def test_a_host_that_drains_takes_nothing_and_says_so_once_it_holds_nothing(known: FakeHosts) -> None:
    consumer, messages = FakeConsumer("interactive", "normal", "help.here"), [1]
    beat = beating(lambda: messages[0])
    known.draining = True

    beat.beat(consumer, known=True)
    assert consumer.taken == {"help.here"}
    assert beat.taking.stopped
    beat.beat(consumer, known=True)
    messages[0] = 0
    beat.beat(consumer, known=True)
    assert known.idle == [False, False, True]

    known.draining = False
    beat.beat(consumer, known=True)
    assert consumer.taken == {"interactive", "normal", "host.here.interactive", "host.here.normal", "help.here"}
    beat.beat(consumer, known=True)
    assert known.idle == [False, False, True, True, False]
    assert beat._pause(consumer, Heard(draining=False)) > heartbeat.SOON_S


def test_while_a_queue_is_taken_from_it_is_not_idle(known: FakeHosts) -> None:
    beat = beating(lambda: 0)
    beat.taking.stop(stopped=True)

    assert not beat.idle(FakeConsumer("normal"), Heard(draining=True))
    assert beat.idle(FakeConsumer("help.here"), Heard(draining=True))
    assert not beat.idle(FakeConsumer("help.here"), Heard(draining=False))
    assert known.idle == []


def test_a_host_that_is_unknown_reports(known: FakeHosts) -> None:
    beat = beating(lambda: 0)
    known.known = False
    assert beat.beat(FakeConsumer(), known=True) is None
    assert known.reported == 0

    assert beat.beat(FakeConsumer(), known=False) == Heard(draining=False)
    assert known.reported == 1


def test_the_next_is_soon_while_there_is_something_to_be_told_and_never_late(known: FakeHosts) -> None:
    beat = beating(lambda: 1)
    assert known.known

    assert beat._pause(FakeConsumer(), None) == heartbeat.SOON_S
    assert beat._pause(FakeConsumer(), Heard(draining=True)) == heartbeat.SOON_S
    pauses = {beat._pause(FakeConsumer(), Heard(draining=False)) for _ in range(100)}
    assert len(pauses) > 50
    assert all(8 <= pause <= HEARTBEAT_S for pause in pauses)

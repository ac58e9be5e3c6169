"""The ends of many executions: told as they come, whatever becomes of the events."""

import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
import redis

from domain import endings as endings_module
from domain import events as events_module
from domain.endings import endings
from domain.events import Events
from domain.ids import new_id
from standalone import ports
from tests.waiting import eventually

LONG_S = 60.0


class Truth:
    """Stands for the database: what has ended, and how often it was asked."""

    def __init__(self, *ended: UUID) -> None:
        self.ended = set(ended)
        self.asked = threading.Semaphore(0)

    def __call__(self, execution_ids: set[UUID]) -> set[UUID]:
        self.asked.release()
        return execution_ids & self.ended


@pytest.fixture(autouse=True)
def _no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing but an event end the waiting, except where a test wants otherwise."""
    monkeypatch.setattr(events_module, "DOUBT_S", LONG_S)


@pytest.fixture
def listeners(redis_url: str) -> Callable[[UUID], int]:
    """Count who listens to an execution."""

    def count(execution_id: UUID) -> int:
        with redis.Redis.from_url(redis_url) as client:
            return int(client.pubsub_numsub(events_module.channel(execution_id))[0][1])

    return count


def after(truth: Truth, action: Callable[[], None]) -> threading.Thread:
    """Do something once the database was asked, which is after the subscription."""

    def wait_and_act() -> None:
        assert truth.asked.acquire(timeout=LONG_S)
        action()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_it_works(events: Events, listeners: Callable[[UUID], int]) -> None:
    before, later, cancelled, other = ids = [new_id() for _ in range(4)]
    truth = Truth(before)

    def work() -> None:
        events.publish(later, "running")
        for execution_id, state in ((later, "done"), (other, "done"), (later, "done"), (cancelled, "cancelled")):
            events.publish(execution_id, state)

    worker = after(truth, work)
    told = list(endings(events, {before, later, cancelled}, truth, LONG_S))
    worker.join()

    assert told[0] == {before}
    assert [one for found in told for one in found].count(later) == 1
    assert set().union(*told) == {before, later, cancelled}
    # The server takes a moment to see that a connection was closed.
    assert eventually(lambda: [listeners(one) for one in ids] == [0] * 4)


def test_a_thousand_are_listened_to_on_one_connection(events: Events, redis_url: str) -> None:
    ids = {new_id() for _ in range(1000)}
    truth = Truth()
    clients: list[int] = []

    def work() -> None:
        with redis.Redis.from_url(redis_url) as client:
            clients.append(sum(1 for one in client.client_list() if int(one["sub"]) > 0))
        for execution_id in ids:
            events.publish(execution_id, "done")

    worker = after(truth, work)
    told = list(endings(events, ids, truth, LONG_S))
    worker.join()

    assert sum(map(len, told)) == 1000
    assert clients == [1]


def test_it_ends_after_its_time(events: Events) -> None:
    there, not_there = new_id(), new_id()

    assert list(endings(events, {there, not_there}, Truth(there), 0.05)) == [{there}]
    assert list(endings(events, {there, not_there}, Truth(there), 0)) == [{there}]
    assert list(endings(events, set(), Truth(), LONG_S)) == []


def test_whoever_stops_listens_no_more(events: Events, listeners: Callable[[UUID], int]) -> None:
    first, second = new_id(), new_id()
    told: Iterator[set[UUID]] = endings(events, {first, second}, Truth(first), LONG_S)

    assert next(told) == {first}
    assert listeners(second) == 1
    told.close()  # type: ignore[attr-defined] # it is a generator

    assert eventually(lambda: listeners(second) == 0)


def test_lost_events_are_made_up_for_by_asking(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "DOUBT_S", 0.02)
    execution_id, truth = new_id(), Truth()
    worker = after(truth, lambda: truth.ended.add(execution_id))

    assert list(endings(events, {execution_id}, truth, LONG_S)) == [{execution_id}]
    worker.join()


def test_without_redis_the_database_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings_module, "ASK_S", 0.02)
    away = Events(f"redis://127.0.0.1:{ports.choose(1)[0]}/0")
    execution_id, truth = new_id(), Truth()
    worker = after(truth, lambda: truth.ended.add(execution_id))

    assert list(endings(away, {execution_id}, truth, LONG_S)) == [{execution_id}]
    worker.join()
    away.close()


def test_it_goes_on_when_redis_ends_the_connection(
    events: Events, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # redis-py connects again by itself; what was told meanwhile is lost.
    monkeypatch.setattr(events_module, "DOUBT_S", 0.1)
    execution_id, truth = new_id(), Truth()

    def cut() -> None:
        truth.ended.add(execution_id)
        with redis.Redis.from_url(redis_url) as client:
            client.client_kill_filter(_type="pubsub")

    worker = after(truth, cut)

    assert list(endings(events, {execution_id}, truth, LONG_S)) == [{execution_id}]
    worker.join()

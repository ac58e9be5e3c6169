import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain import events as events_module
from domain.events import Events
from domain.ids import new_id
from standalone import ports
from standalone.servers import Valkey

LONG_S = 60.0


class Truth:
    """Stands for the database: what it says, and when it was asked."""

    def __init__(self, *, final: bool = False) -> None:
        self.final = final
        self.asked = threading.Event()

    def __call__(self) -> bool:
        self.asked.set()
        return self.final


@pytest.fixture(autouse=True)
def _no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing but an event end the waiting, except where a test wants otherwise."""
    monkeypatch.setattr(events_module, "DOUBT_S", LONG_S)


@contextmanager
def waiting(events: Events, truth: Truth, execution_id: object) -> Iterator[list[bool]]:
    """Wait in a thread; what came of it is in the list after the block."""
    result: list[bool] = []
    thread = threading.Thread(target=lambda: result.append(events.wait_final(execution_id, truth, LONG_S)))  # type: ignore[arg-type]
    thread.start()
    yield result
    thread.join()


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_it_works(events: Events, state: str) -> None:
    execution_id, truth = new_id(), Truth()

    with waiting(events, truth, execution_id) as result:
        assert truth.asked.wait(10)  # it is subscribed before it asks
        events.publish(execution_id, state)

    assert result == [True]


def test_it_waits_on_through_other_states_and_other_executions(events: Events) -> None:
    execution_id, truth = new_id(), Truth()

    with waiting(events, truth, execution_id) as result:
        assert truth.asked.wait(10)
        events.publish(new_id(), "done")
        events.publish(execution_id, "running")
        assert result == []
        events.publish(execution_id, "done")

    assert result == [True]


def test_what_is_final_already_is_not_waited_for(events: Events) -> None:
    assert events.wait_final(new_id(), Truth(final=True), LONG_S)


def test_it_gives_up_after_its_time(events: Events) -> None:
    assert not events.wait_final(new_id(), Truth(), 0.05)
    assert not events.wait_final(new_id(), Truth(), 0)


def test_a_lost_event_is_made_up_for_by_asking(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "DOUBT_S", 0.02)
    truth = Truth()

    with waiting(events, truth, new_id()) as result:
        assert truth.asked.wait(10)
        truth.final = True

    assert result == [True]


@pytest.fixture
def unreachable() -> Iterator[Events]:
    made = Events(f"redis://127.0.0.1:{ports.choose(1)[0]}/0")
    yield made
    made.close()


def test_without_redis_publishing_does_not_raise(unreachable: Events) -> None:
    unreachable.publish(new_id(), "done")


def test_without_redis_it_asks(unreachable: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "ASK_S", 0.01)
    truth = Truth()

    with waiting(unreachable, truth, new_id()) as result:
        assert truth.asked.wait(10)
        truth.final = True

    assert result == [True]
    assert not unreachable.wait_final(new_id(), Truth(), 0.05)


def test_a_redis_that_hangs_does_not_hold_the_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as hung:
        events = Events(f"redis://127.0.0.1:{hung.getsockname()[1]}/0")
        events.publish(new_id(), "done")
        assert events.wait_final(new_id(), Truth(final=True), LONG_S)
        events.close()


def test_it_goes_on_asking_when_redis_goes_away_while_it_waits(tmp_path: Path) -> None:
    server = Valkey(tmp_path, ports.choose(1)[0])
    server.start()
    events, truth = Events(server.url), Truth()

    with waiting(events, truth, new_id()) as result:
        assert truth.asked.wait(10)
        truth.final = True
        server.stop()

    assert result == [True]
    events.close()


def test_it_publishes_again_after_redis_was_restarted(tmp_path: Path) -> None:
    server = Valkey(tmp_path, ports.choose(1)[0])
    server.start()
    events, execution_id, truth = Events(server.url), new_id(), Truth()
    events.publish(execution_id, "queued")
    server.stop()
    server.start()

    with waiting(events, truth, execution_id) as result:
        assert truth.asked.wait(10)
        events.publish(execution_id, "done")

    assert result == [True]
    events.close()
    server.stop()


def test_whoever_listens_next_does_not_hear_what_the_last_one_waited_for(events: Events) -> None:
    first, second = new_id(), new_id()
    assert not events.expect(first).wait(Truth(), 0.01)
    (kept,) = events._listeners

    expected = events.expect(second)
    events.publish(first, "done")
    assert not expected.wait(Truth(), 0.1)
    again = events.expect(second)
    events.publish(second, "done")

    assert again.wait(Truth(), LONG_S)
    assert list(events._listeners) == [kept]


def test_what_is_expected_before_it_begins_is_not_asked_for(events: Events) -> None:
    execution_id, truth = new_id(), Truth()
    expected = events.expect(execution_id)
    events.publish(execution_id, "running")
    events.publish(execution_id, "done")

    assert expected.wait(truth, LONG_S)
    assert not truth.asked.is_set()

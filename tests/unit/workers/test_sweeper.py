"""The order of a sweep, and what is left out while the broker is away; real ones are in tests/integration/celery."""

from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

import pytest
from celery import Celery
from prometheus_client import CollectorRegistry

from domain import broker_mark, deliveries, fair, outbox, problems, stranded, sweep, training
from domain.errors import Unavailable
from domain.events import Events
from domain.live import Live
from domain.model import Priority
from domain.queue import make_celery
from domain.router import Router
from domain.settings import Settings
from tests.unit.workers.ledger import NOWHERE
from workers.sweeper import MOST_BATCHES, Sweeper

SETTINGS = Settings("postgresql://127.0.0.1:1/nowhere", "redis://127.0.0.1:1/0", "redis://127.0.0.1:1/0", Path("var"))
ID, OTHER = UUID(int=7), UUID(int=8)
Sent = list[tuple[str, object]]


@pytest.fixture
def sweeper() -> Sweeper:
    events, live = Events(SETTINGS.redis_url), Live(SETTINGS.redis_url)
    return Sweeper(make_celery(SETTINGS), SETTINGS, NOWHERE, Router(NOWHERE), events, live)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Have one thing of each kind to send; gives what is sent."""
    found: Sent = []

    def note(kind: str) -> Callable[[object, object, object], bool]:
        def send(_: object, __: object, what: object) -> bool:
            found.extend([(kind, what)] if what else [])
            return True

        return send

    monkeypatch.setattr(sweep, "settle", lambda *_, **__: None)
    monkeypatch.setattr(training, "forget", lambda _: None)
    monkeypatch.setattr(broker_mark, "look", lambda *_: None)
    monkeypatch.setattr(sweep, "to_send", lambda *_: [(ID, Priority.INTERACTIVE)])
    monkeypatch.setattr(fair, "send_all_waiting", lambda *_: [(OTHER, Priority.BULK)])
    monkeypatch.setattr(deliveries, "sweep", lambda *_, **__: [ID, OTHER])
    monkeypatch.setattr(problems, "sweep", lambda *_, **__: [OTHER])
    monkeypatch.setattr(stranded, "move", lambda *_: [(OTHER, "eu.normal")])
    for name in ("send_all", "deliver_all"):
        monkeypatch.setattr(outbox, name, note(name))
    for name in ("send", "check_problems"):
        monkeypatch.setattr(Router, name, note(name))
    return found


def test_what_has_no_message_is_sent(sweeper: Sweeper, sent: Sent) -> None:
    sweeper.sweep()
    assert sent == [
        ("send", [(ID, Priority.INTERACTIVE)]),
        ("send", [(OTHER, Priority.BULK)]),
        ("send_all", [(OTHER, "eu.normal")]),
        ("deliver_all", [ID, OTHER]),
        ("check_problems", [OTHER]),
    ]


def test_without_the_broker_nothing_is_taken_to_be_sent(
    sweeper: Sweeper, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[Mapping[str, object]] = []

    def away(*_: object) -> None:
        raise Unavailable("the broker does not answer")

    monkeypatch.setattr(sweep, "settle", lambda _, **limits: settled.append(limits))
    monkeypatch.setattr(broker_mark, "look", away)
    monkeypatch.setattr(sweep, "to_send", away)
    sweeper.sweep()
    assert sent == []
    assert [(one["max_attempts"], one["no_host_s"]) for one in settled] == [(3, 600)]


def test_many_are_sent_in_one_sweep_but_not_without_end(
    sweeper: Sweeper, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "to_send", lambda *_: [(ID, Priority.BULK)] * sweep.BATCH)
    sweeper.sweep()
    assert len([one for kind, one in sent if kind == "send"]) == MOST_BATCHES + 1


def test_a_broker_that_goes_away_is_sent_no_more(
    sweeper: Sweeper, sent: Sent, monkeypatch: pytest.MonkeyPatch, shared: CollectorRegistry
) -> None:
    tried: list[int] = []

    def fails(_: Router, __: Celery, what: list[object]) -> bool:
        tried.append(len(what))
        return False

    monkeypatch.setattr(sweep, "to_send", lambda *_: [(ID, Priority.BULK)] * sweep.BATCH)
    monkeypatch.setattr(Router, "send", fails)
    sweeper.sweep()
    assert tried == [sweep.BATCH]
    assert shared.get_sample_value("shipd_executions_sent_again_total") == 0


def test_what_ended_is_told(sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def settle(_: object, *, finished: Callable[[UUID, str], None], **__: object) -> None:
        finished(OTHER, "no_host")

    monkeypatch.setattr(sweep, "settle", settle)
    monkeypatch.setattr(Events, "publish", lambda _, *what: told.append(what))
    monkeypatch.setattr(Live, "append", lambda _, *what: told.append(what))
    sweeper.sweep()
    assert told == [
        (OTHER, "done"),
        (OTHER, "done", {"state": "done", "verdict": "JE", "reason": "no_host"}),
    ]

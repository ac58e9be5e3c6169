"""When a key was used last is written behind the requests, and seldom."""

import os
import queue
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain import keys, last_use
from domain.db import Database
from domain.last_use import LastUse

Rows = Callable[..., list[dict[str, datetime]]]
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def key_id(db: Database) -> UUID:
    found = keys.verify(db, keys.create(db, name="n", role="service"))
    assert found is not None
    assert found.key_id is not None
    return found.key_id


def test_it_works(db: Database, key_id: UUID, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    written: queue.SimpleQueue[object] = queue.SimpleQueue()
    write = last_use.write
    monkeypatch.setattr(last_use, "write", lambda *args: written.put(write(*args)))

    LastUse(db).note(key_id)

    written.get(timeout=20)
    (row,) = rows("SELECT last_used_at FROM api_keys")
    assert abs(row["last_used_at"] - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_use_within_the_minute_is_not_noted_again(
    db: Database, key_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: queue.SimpleQueue[object] = queue.SimpleQueue()
    uses = LastUse(db)
    monkeypatch.setitem(uses._waiting, os.getpid(), noted)

    for _ in range(100):
        uses.note(key_id)
    uses.note(UUID(int=1))

    assert noted.qsize() == 2


def test_it_is_written_once_a_minute_whoever_noted_it(db: Database, key_id: UUID, rows: Rows) -> None:
    for seconds in (0, 10, 59, 61, 30):
        last_use.write(db, {key_id: NOW + timedelta(seconds=seconds)})

    assert rows("SELECT last_used_at FROM api_keys") == [{"last_used_at": NOW + timedelta(seconds=61)}]


def test_a_database_that_is_away_costs_a_use_and_nothing_else(
    key_id: UUID, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("domain.db.WAIT_S", 0.1)
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    monkeypatch.setitem(vars(last_use.log), "warning", lambda event, **_: told.put(event))
    away = Database("postgresql://127.0.0.1:1/none", min_size=0)

    LastUse(away).note(key_id)

    assert told.get(timeout=20) == "last_use_not_written"
    away.close()

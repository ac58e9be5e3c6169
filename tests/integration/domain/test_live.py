"""Live events over a real Redis, and listeners whose Redis or sender fails."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
import redis

from domain import listening as listening_module
from domain import live, standing
from domain.db import Database
from domain.following import Following
from domain.ids import new_id
from domain.listening import Listening
from domain.live import Event, Live
from domain.standing import Standing
from domain.verdict import State, Verdict
from domain.views import SubmissionView
from standalone import ports
from standalone.servers import Valkey
from tests.waiting import eventually

Submit = Callable[..., SubmissionView]


@pytest.fixture
def told(redis_url: str) -> Iterator[Live]:
    made = Live(redis_url)
    yield made
    made.close()


@pytest.fixture
def listen(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Listening]]:
    """Make listeners of a process; PostgreSQL is asked only where a test has them doubt."""
    monkeypatch.setattr(listening_module, "DOUBT_S", 3600.0)
    monkeypatch.setattr(live, "BLOCK_S", 0.1)
    made: list[Listening] = []

    def make(told: Live, standing_of: Callable[..., dict[UUID, Standing]] | None = None) -> Listening:
        made.append(Listening(told, standing_of or partial(standing.of, db)))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        for thread in one._threads:
            thread.join(10)


@pytest.fixture
def listening(listen: Callable[..., Listening], told: Live) -> Listening:
    return listen(told)


class Heard:
    """Follows an execution in a thread."""

    def __init__(self, listening: Listening, told: Live, db: Database, execution_id: UUID) -> None:
        self.events: list[Event] = []
        self.first = threading.Event()
        self._following = Following(listening, told, partial(standing.of, db), execution_id, None, lambda: None)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for event in self._following.events():
            if event is not None:
                self.events.append(event)
                self.first.set()
        self._following.close()

    def names(self) -> list[str]:
        """Give the names of all, once it has ended."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return [event.name for event in self.events]

    def await_count(self, count: int) -> None:
        eventually(lambda: len(self.events) >= count)


def test_it_works(told: Live) -> None:
    execution_id = new_id()
    told.append(execution_id, "state", {"state": State.RUNNING})
    told.append(execution_id, "done", {"state": "done"})

    first, second = told.past(execution_id, live.START)
    assert (first.name, first.data, second.name) == ("state", '{"state":"running"}', "done")
    assert first.place is not None
    assert told.past(execution_id, first.place) == [second]
    assert told.last(execution_id) == second
    assert told.newest() == second.place
    before = (first.place[0], first.place[1] - 1) if first.place[1] else (first.place[0] - 1, 2**63)
    assert told.following(before) == live.Batch(second.place, 2, [(execution_id, first), (execution_id, second)])


def test_what_nobody_understands_keeps_nobody_from_what_comes_next(told: Live, redis_url: str) -> None:
    before, execution_id = told.newest(), new_id()
    with redis.Redis.from_url(redis_url) as client:
        client.xadd(live.GLOBAL, {"execution": "nobody", "event": "state", "data": "{}"})
        client.xadd(live.GLOBAL, {"something": "else"})
    assert told.following(before).events == []
    assert told.following(before).last == told.newest()
    told.append(execution_id, "state", {})

    assert [found for found, _ in told.following(before).events] == [execution_id]


def test_what_is_kept_of_one_execution_has_an_end(told: Live, redis_url: str) -> None:
    execution_id = new_id()
    for number in range(3 * live.OWN_MOST):
        told.append(execution_id, "output", {"offset": number})

    with redis.Redis.from_url(redis_url) as client:
        name = f"shipd:live:{execution_id}"
        assert live.OWN_MOST <= client.xlen(name) < 1.2 * live.OWN_MOST
        assert 0 < client.ttl(name) <= live.TTL_S
        assert client.xlen(live.GLOBAL) < 1.2 * live.GLOBAL_MOST
    kept = told.past(execution_id, live.START)
    assert kept[-1].data == f'{{"offset":{3 * live.OWN_MOST - 1}}}'
    assert len(kept) > live.AT_ONCE


def test_what_is_typed_has_an_end(told: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TYPED_MOST", 2)
    execution_id = new_id()

    assert [told.type(execution_id, data) for data in (b"\xff\x00", None, b"more")] == [True, True, False]


def test_what_is_typed_takes_no_more_of_redis_than_it_may(told: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TYPED_MOST_BYTES", 256 * 1024)
    execution_id = new_id()

    taken = [told.type(execution_id, bytes(64 * 1024)) for _ in range(10)]

    assert taken[:3] == [True] * 3
    assert taken[-1] is False


def test_without_redis_nothing_is_raised(redis_url: str) -> None:
    del redis_url
    nowhere = Live(f"redis://127.0.0.1:{ports.choose(1)[0]}/0")
    nowhere.append(new_id(), "done", {})
    nowhere.close()


def test_a_listener_hears_what_is_told(
    listening: Listening, told: Live, db: Database, submit: Submit, rows: Callable[..., object]
) -> None:
    execution_id = submit().execution.id
    heard = Heard(listening, told, db, execution_id)
    assert heard.first.wait(10)
    told.append(execution_id, "state", Standing(State.RUNNING, None, None).data)
    rows("UPDATE executions SET state = 'done', verdict = 'AC', finished_at = now() WHERE id = %s", execution_id)
    told.append(execution_id, "done", Standing(State.DONE, Verdict.AC, None).data)

    assert heard.names() == ["state", "state", "done"]
    assert '"verdict":"AC"' in heard.events[-1].data


def test_all_hear_all_without_gap_or_double_while_it_is_told(
    listening: Listening, told: Live, db: Database, submit: Submit
) -> None:
    execution_id, count = submit().execution.id, 400

    def tell() -> None:
        for number in range(count):
            told.append(execution_id, "output", {"offset": number})

    teller = threading.Thread(target=tell)
    teller.start()
    all_heard = [Heard(listening, told, db, execution_id) for _ in range(8)]
    teller.join()
    told.append(execution_id, "done", {"state": "done", "verdict": "AC", "reason": None})

    for heard in all_heard:
        assert heard.names() == ["state", *["output"] * count, "done"]
        assert [event.data for event in heard.events[1:-1]] == [f'{{"offset":{number}}}' for number in range(count)]


def test_an_end_that_was_never_told_comes_from_postgresql_in_one_question_for_all(
    told: Live,
    listen: Callable[..., Listening],
    db: Database,
    submit: Submit,
    rows: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening_module, "DOUBT_S", 0.05)
    asked: list[int] = []

    def standing_of(ids: Sequence[UUID]) -> dict[UUID, Standing]:
        asked.append(len(ids))
        return standing.of(db, ids)

    listening = listen(told, standing_of)
    ids = [submit().execution.id for _ in range(5)]
    all_heard = [Heard(listening, told, db, execution_id) for execution_id in ids]
    for heard in all_heard:
        assert heard.first.wait(10)
    eventually(lambda: len(ids) in asked)
    before = len(asked)
    rows("UPDATE executions SET state = 'done', verdict = 'JE', reason = 'attempts', finished_at = now()")

    for heard in all_heard:
        assert heard.names() == ["state", "state", "done"]
    # Each question is about all that are left: about all of them, up to the one that found the ends.
    assert max(asked) == asked[before] == len(ids)
    assert asked[before:] == sorted(asked[before:], reverse=True)


def test_one_that_is_deleted_ends_its_listeners(
    told: Live,
    listen: Callable[..., Listening],
    db: Database,
    submit: Submit,
    rows: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening_module, "DOUBT_S", 0.05)
    listening = listen(told)
    heard = Heard(listening, told, db, submit().execution.id)
    assert heard.first.wait(10)
    rows("TRUNCATE submissions CASCADE")

    assert heard.names() == ["state"]


def test_listeners_go_on_when_redis_comes_back_and_miss_nothing_that_it_kept(
    tmp_path: Path,
    listen: Callable[..., Listening],
    db: Database,
    submit: Submit,
    rows: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening_module, "AWAY_S", 0.05)
    monkeypatch.setattr(listening_module, "DOUBT_S", 0.2)
    server = Valkey(tmp_path, ports.choose(1)[0])
    server.start()
    told, execution_id = Live(server.url), submit().execution.id
    listening = listen(told)
    heard = Heard(listening, told, db, execution_id)
    told.append(execution_id, "output", {"offset": 0})
    heard.await_count(2)
    server.stop()

    # Away: what PostgreSQL says comes all the same.
    rows(
        "UPDATE executions SET state = 'running', attempt = 1, worker = 'w', started_at = now(),"
        " lease_until = now() + interval '1 h' WHERE id = %s",
        execution_id,
    )
    heard.await_count(3)  # that it is queued was told before, and does not come again
    assert heard.events[-1] == live.event("state", {"state": "running", "verdict": None, "reason": None})

    server.start()
    told.append(execution_id, "output", {"offset": 1})
    told.append(execution_id, "done", {"state": "done", "verdict": "AC", "reason": None})

    names = heard.names()
    assert names[:2] == ["state", "output"]
    assert names[-2:] == ["output", "done"]
    assert names.count("output") == 2
    listening.stop()
    for thread in listening._threads:
        thread.join(10)
    told.close()
    server.stop()

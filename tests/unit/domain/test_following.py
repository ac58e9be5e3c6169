"""What one listener is told, out of what PostgreSQL, the execution's stream and the fan-out say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
import redis

from domain import following as following_module
from domain import live
from domain.errors import NotFound, Unavailable
from domain.following import Following
from domain.ids import new_id
from domain.listening import Listening, Signal
from domain.live import Event, Live, Place
from domain.standing import Standing
from domain.verdict import State, Verdict

RUNNING = Standing(State.RUNNING, None, None)
ENDED = Standing(State.DONE, Verdict.AC, None, datetime.fromtimestamp(1000, UTC))
DONE = live.event("done", ENDED.data, (9, 0))


class Kept(Live):
    """An execution's stream in memory."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1/0")
        self.events: list[Event] = []
        self.away = False
        self.asked = 0

    def past(self, execution_id: UUID, after: Place) -> list[Event]:  # noqa: ARG002 - as it is called
        self.asked += 1
        if self.away:
            raise redis.ConnectionError
        return [event for event in self.events if event.place is not None and event.place > after]

    def last(self, execution_id: UUID) -> Event | None:  # noqa: ARG002 - as it is called
        return self.events[-1] if self.events else None


class Still(Listening):
    """Listeners whom only the test tells something."""

    def _read(self) -> None:
        """Nothing is read."""

    def _doubt(self) -> None:
        """Nobody is asked."""


@dataclass
class World:
    """Everything that a listener hears of."""

    kept: Kept = field(default_factory=Kept)
    standing: Standing | Exception = RUNNING
    execution_id: UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        self.listening = Still(self.kept, self.standing_of)

    def standing_of(self, ids: Sequence[UUID]) -> Mapping[UUID, Standing]:
        if isinstance(self.standing, Exception):
            raise self.standing
        return dict.fromkeys(ids, self.standing)

    def follow(self, after: Place | None = None) -> Following:
        return Following(self.listening, self.kept, self.standing_of, self.execution_id, after, lambda: None)

    def tell(self, *told: Event | Signal) -> None:
        for one in told:
            self.listening._tell(self.execution_id, one)


@pytest.fixture
def world() -> World:
    return World()


def output(number: int) -> Event:
    return live.event("output", {"offset": number}, (number, 0))


def told(following: Following) -> list[tuple[str, str | None]]:
    return [(event.name, event.id) for event in following.events() if event is not None]


def test_it_works(world: World) -> None:
    following = world.follow()
    world.tell(output(1), DONE)

    assert told(following) == [("state", None), ("output", "1-0"), ("done", "9-0")]


def test_the_state_is_told_before_redis_is_waited_for(world: World) -> None:
    assert next(world.follow().events()) == live.event("state", RUNNING.data)
    assert world.kept.asked == 0


def test_what_is_replayed_and_told_again_comes_once(world: World) -> None:
    following = world.follow()
    world.kept.events = [output(1), output(2)]
    world.tell(output(2), output(3), DONE)

    assert [name for name, _ in told(following)] == ["state", "output", "output", "output", "done"]


def test_whoever_comes_back_has_what_came_later_alone(world: World) -> None:
    world.kept.events = [output(1), output(2), output(3)]
    following = world.follow(after=(2, 0))
    world.tell(DONE)

    assert told(following) == [("state", None), ("output", "3-0"), ("done", "9-0")]


def test_what_was_missed_meanwhile_is_read_from_the_stream(world: World) -> None:
    following = world.follow()
    heard = following.events()
    assert next(heard) is not None
    world.kept.events = [output(1), output(2)]
    world.tell(output(1), Signal.RESUME, output(2), output(3), DONE)

    assert [event.id for event in heard if event is not None] == ["1-0", "2-0", "3-0", "9-0"]


def test_nothing_comes_after_the_end(world: World) -> None:
    following = world.follow()
    world.tell(DONE, output(10), live.event("done", ENDED.data, (11, 0)))

    assert told(following) == [("state", None), ("done", "9-0")]
    assert following.ended


def test_one_that_is_final_already_ends_at_once(world: World) -> None:
    world.standing = ENDED
    world.kept.events = [output(1), DONE]

    assert told(world.follow()) == [("state", None), ("done", "1000000-0")]


def test_one_that_is_final_already_tells_first_what_came_later(world: World) -> None:
    world.standing = ENDED
    world.kept.events = [output(1), output(2), DONE]

    assert told(world.follow(after=(1, 0))) == [("output", "2-0"), ("state", None), ("done", "9-0")]


@pytest.mark.parametrize("after", [(9, 0), (1_000_000, 0)])
def test_whoever_heard_the_end_is_known(world: World, after: Place) -> None:
    world.standing = ENDED
    world.kept.events = [output(1), DONE]

    assert world.follow(after=after).told_all
    assert not world.follow(after=(1, 0)).told_all
    assert not world.follow().told_all


def test_an_end_that_nobody_told_is_told_by_postgresql(world: World) -> None:
    following = world.follow()
    world.kept.events = [output(1)]
    world.standing = ENDED
    world.tell(Signal.OVER)

    assert told(following) == [("state", None), ("output", "1-0"), ("state", None), ("done", "1000000-0")]


@pytest.mark.parametrize("error", [Unavailable("away"), NotFound("gone")])
def test_an_end_that_postgresql_cannot_tell_now_is_waited_for(world: World, error: Exception) -> None:
    following = world.follow()
    world.standing = error
    heard = following.events()
    assert next(heard) is not None
    world.tell(Signal.OVER, output(10))
    assert next(heard) == output(10)  # it was not ended

    world.standing = ENDED
    world.tell(Signal.OVER)

    assert [event.name for event in heard if event is not None] == ["state", "done"]


def test_without_redis_the_states_that_postgresql_tells_come(world: World) -> None:
    world.kept.away = True
    following = world.follow()
    world.tell(live.event("state", {"state": "compiling"}), Signal.RESUME)
    heard = following.events()
    assert [next(heard), next(heard)] == [
        live.event("state", RUNNING.data),
        live.event("state", {"state": "compiling"}),
    ]

    world.standing = ENDED
    world.tell(Signal.OVER)

    assert [event.name for event in heard if event is not None] == ["state", "done"]


def test_a_state_that_postgresql_tells_and_that_was_told_last_does_not_come_again(world: World) -> None:
    compiling, running = live.event("state", {"state": "compiling"}), live.event("state", RUNNING.data)
    following = world.follow()
    world.tell(running, replace(compiling, place=(1, 0)), compiling)
    world.tell(output(2), running, replace(running, place=(3, 0)), DONE)

    assert told(following) == [
        ("state", None),
        ("state", "1-0"),
        ("output", "2-0"),
        ("state", None),
        ("state", "3-0"),
        ("done", "9-0"),
    ]


@pytest.mark.parametrize("signal", [Signal.STOP, Signal.DROPPED])
def test_it_ends_without_an_end_where_it_must(world: World, signal: Signal) -> None:
    following = world.follow()
    world.tell(signal, output(1))

    assert told(following) == [("state", None)]
    assert not following.ended


def test_silence_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following_module, "HEARTBEAT_S", 0.001)
    heard = world.follow().events()
    next(heard)

    assert next(heard) is None
    assert next(heard) is None


def test_nobody_listens_for_longer_than_an_hour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following_module, "LONGEST_S", 0.001)
    following = world.follow()

    assert told(following) == [("state", None)]
    assert not following.ended


def test_whoever_closes_is_told_nothing_more(world: World) -> None:
    following = world.follow()
    assert world.listening.count() == 1
    following.close()
    following.close()

    assert world.listening.count() == 0


def test_a_standing_that_cannot_be_had_leaves_no_listener(world: World) -> None:
    world.standing = Unavailable("away")

    with pytest.raises(Unavailable):
        world.follow()
    assert world.listening.count() == 0


@pytest.mark.parametrize("last", [Signal.OVER, Signal.STOP, DONE])
def test_the_end_alone_can_be_waited_for(world: World, last: Event | Signal) -> None:
    following = world.follow()
    world.tell(output(1), last)

    following.await_end(60)


def test_waiting_ends_with_its_time(world: World) -> None:
    world.follow().await_end(0.01)


def test_whoever_comes_when_the_process_ends_is_sent_away(world: World) -> None:
    world.listening.stop()

    assert told(world.follow()) == [("state", None)]

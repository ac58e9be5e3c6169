"""Following one execution: its state now, what was told before and what is told from now on, without gap or double.

The order is what makes it so: listen, ask PostgreSQL, read what the stream has kept, and then pass over what is told
again.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import redis

from domain import live
from domain.errors import NotFound, Unavailable
from domain.listening import Listening, Signal
from domain.live import Event, Live, Place
from domain.logging import logger
from domain.standing import Standing

HEARTBEAT_S = 15.0
"""So long nothing is said at the most."""
LONGEST_S = 3600.0
"""So long one listens at the most: whoever comes back shows its key again."""

log = logger(__name__)

StandingOf = Callable[[Sequence[UUID]], Mapping[UUID, Standing]]


class Following:
    """The events of one execution, from a moment on; to be closed.

    Whether it may be listened to at all was asked before. Making it raises NotFound and Unavailable.
    """

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        listening: Listening,
        own: Live,
        standing_of: StandingOf,
        execution_id: UUID,
        after: Place | None,
        on_drop: Callable[[], None],
    ) -> None:
        self._live = own
        self._listening = listening
        self._standing_of = standing_of
        self._id = execution_id
        self._after = after
        self._last = after or live.START
        self._state = ""
        self._ended = False
        self._listener = listening.join(execution_id, on_drop)
        try:
            self._standing = self._now()
        except BaseException:
            self.close()
            raise

    @property
    def told_all(self) -> bool:
        """Whether whoever comes back was told the end already: then nothing is left to say."""
        if self._after is None or not self._standing.state.final:
            return False
        return self._after in {_end_place(self._standing), self._place_of_done()}

    @property
    def dropped(self) -> bool:
        """Whether it was too slow, and is told nothing more."""
        return self._listener.dropped

    @property
    def ended(self) -> bool:
        """Whether the end was told."""
        return self._ended

    def quit(self) -> None:
        """Have whoever goes through `events` come to the end of them."""
        self._listener.offer(Signal.STOP)

    def close(self) -> None:
        """Listen no more."""
        self._listening.leave(self._listener)

    def await_end(self, seconds: float) -> None:
        """Listen until the execution is final, `seconds` at most."""
        until = time.monotonic() + seconds
        while not self._standing.state.final and (left := until - time.monotonic()) > 0:
            told = self._listener.next(left)
            if told in {Signal.OVER, Signal.STOP, Signal.DROPPED} or (
                isinstance(told, Event) and told.name == live.DONE
            ):
                return

    def events(self) -> Iterator[Event | None]:
        """Give one event after the other up to the end; None where nothing was said for a while."""
        if self._standing.state.final:
            yield from self._end(self._past() if self._after else [])
            return
        yield from self._new([live.event(live.STATE, self._standing.data)])
        yield from self._new(self._past())
        until = time.monotonic() + LONGEST_S
        while not self._ended and (left := until - time.monotonic()) > 0:
            match self._listener.next(min(HEARTBEAT_S, left)):
                case None:
                    yield None
                case Signal.RESUME:
                    yield from self._new(self._past())
                case Signal.OVER:
                    yield from self._over()
                case Signal.STOP | Signal.DROPPED:
                    return
                case Event() as event:
                    yield from self._new([event])

    def _new(self, told: Iterable[Event]) -> Iterator[Event]:
        """Pass over what was told before; after the end, over everything."""
        for event in told:
            if self._ended or self._is_known(event):
                continue
            self._last = event.place or self._last
            self._ended = event.name == live.DONE
            if event.name == live.STATE:
                self._state = event.data
            yield event

    def _is_known(self, event: Event) -> bool:
        """Whether it was told before. What PostgreSQL says has no place: it is known where it was said last."""
        return event.data == self._state if event.place is None else event.place <= self._last

    def _over(self) -> Iterator[Event]:
        """End although no event said so."""
        try:
            self._standing = self._now()
        except (NotFound, Unavailable) as error:
            log.warning("end_not_told", execution_id=str(self._id), error=str(error))
            return
        if self._standing.state.final:
            yield from self._end(self._past())

    def _end(self, kept: Sequence[Event]) -> Iterator[Event]:
        """Tell what the stream has kept, and then how it ended."""
        where = _end_place(self._standing)
        for event in kept:
            if event.name == live.DONE:
                where = event.place
                break
            yield event
        yield live.event(live.STATE, self._standing.data)
        self._ended = True
        yield live.event(live.DONE, self._standing.data, where)

    def _past(self) -> list[Event]:
        """Read what the stream has kept of what was not told yet; nothing while Redis is away."""
        try:
            return self._live.past(self._id, self._last)
        except (redis.RedisError, OSError) as error:
            log.warning("past_events_unavailable", execution_id=str(self._id), error=str(error))
            return []

    def _place_of_done(self) -> Place | None:
        try:
            last = self._live.last(self._id)
        except (redis.RedisError, OSError) as error:
            log.warning("past_events_unavailable", execution_id=str(self._id), error=str(error))
            return None
        return last.place if last is not None and last.name == live.DONE else None

    def _now(self) -> Standing:
        found = self._standing_of([self._id]).get(self._id)
        if found is None:
            raise NotFound(f"there is no execution {self._id} any more; it was deleted meanwhile")
        return found


def _end_place(standing: Standing) -> Place | None:
    """Give the end an id of its own, by which whoever comes back is known to have heard it."""
    return None if standing.finished_at is None else (int(standing.finished_at.timestamp() * 1000), 0)

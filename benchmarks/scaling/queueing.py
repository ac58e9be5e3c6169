"""A simulator of queues: jobs travel through stations that serve first come, first served (pure, seeded by its users).

A job is a generator, its journey. What it yields says what it waits for, and it goes on when it has got it:

    yield station, seconds    to be served by the station for so long
    yield None, seconds       to let so much time pass
    yield slots, 0            to hold one of the slots; the answer is which, and `give` gives it back
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

Want = tuple["Station | Slots | None", float]
Journey = Generator[Want, Any, None]


@dataclass(eq=False)
class Station:
    """Some servers with one line before them."""

    name: str
    servers: int
    busy_s: float = 0.0
    """Time served so far, of all servers together."""
    free: int = field(init=False)
    waiting: "deque[tuple[Journey, float]]" = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        self.free = self.servers


@dataclass(eq=False)
class Slots:
    """Things that are held for as long as their holder likes, each with a number; the longest free goes first."""

    free: "deque[int]"
    waiting: "deque[Journey]" = field(default_factory=deque, init=False)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Slots":
        """Make some that are all free."""
        return cls(deque(numbers))


class Simulation:
    """One run: a clock, and what is to happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Station | None, Journey, int | None]] = []
        self._order = itertools.count()

    def start(self, journey: Journey, after_s: float = 0.0) -> None:
        """Have a job set out."""
        self._at(self.now + after_s, None, journey)

    def give(self, slots: Slots, number: int) -> None:
        """Give back a slot: whoever waits longest has it at once."""
        if slots.waiting:
            self._at(self.now, None, slots.waiting.popleft(), number)
        else:
            slots.free.append(number)

    def run(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Let everything happen until it is enough, or until nothing is left to happen."""
        while self._events and not enough():
            self.now, _, station, journey, answer = heapq.heappop(self._events)
            if station is not None:
                self._release(station)
            self._advance(journey, answer)

    def _at(self, when: float, station: Station | None, journey: Journey, answer: int | None = None) -> None:
        heapq.heappush(self._events, (when, next(self._order), station, journey, answer))

    def _release(self, station: Station) -> None:
        if station.waiting:
            journey, seconds = station.waiting.popleft()
            self._serve(station, journey, seconds)
        else:
            station.free += 1

    def _serve(self, station: Station, journey: Journey, seconds: float) -> None:
        station.busy_s += seconds
        self._at(self.now + seconds, station, journey)

    def _advance(self, journey: Journey, answer: int | None) -> None:
        try:
            place, seconds = journey.send(answer)
            while isinstance(place, Slots) and place.free:
                place, seconds = journey.send(place.free.popleft())
        except StopIteration:
            return
        if isinstance(place, Slots):
            place.waiting.append(journey)
        elif place is None:
            self._at(self.now + seconds, None, journey)
        elif place.free:
            place.free -= 1
            self._serve(place, journey, seconds)
        else:
            place.waiting.append((journey, seconds))

"""The simulator against what is known of queues in closed form."""

import math
import random
from collections.abc import Iterator

import pytest

from benchmarks.scaling.queueing import Journey, Simulation, Slots, Station

COUNT = 60_000


class Line:
    """Arrivals and services at random (exponentially) at one station: M/M/c."""

    def __init__(self, arrivals_per_s: float, served_per_s: float, servers: int, seed: int = 1) -> None:
        self.simulation, self.station = Simulation(), Station("line", servers)
        self._random = random.Random(seed)  # noqa: S311 - a simulation is to be repeated
        self._rates = (arrivals_per_s, served_per_s)
        self.stayed: list[float] = []
        self.area = 0.0
        self._inside, self._changed = 0, 0.0

    def run(self, count: int = COUNT) -> "Line":
        self.simulation.start(self._arrivals(count))
        self.simulation.run()
        return self

    @property
    def mean_s(self) -> float:
        return sum(self.stayed) / len(self.stayed)

    def _arrivals(self, count: int) -> Journey:
        for _ in range(count):
            yield None, self._random.expovariate(self._rates[0])
            self.simulation.start(self._job())

    def _job(self) -> Journey:
        came = self.simulation.now
        self._change(1)
        yield self.station, self._random.expovariate(self._rates[1])
        self._change(-1)
        self.stayed.append(self.simulation.now - came)

    def _change(self, by: int) -> None:
        self.area += self._inside * (self.simulation.now - self._changed)
        self._inside, self._changed = self._inside + by, self.simulation.now


def _erlang_c(load: float, servers: int) -> float:
    """Say how likely it is that somebody has to wait, in M/M/c."""
    terms = [load**number / math.factorial(number) for number in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last)


@pytest.mark.parametrize("used", [0.3, 0.6, 0.8])
def test_one_server_is_as_slow_as_is_known(used: float) -> None:
    line = Line(used, 1.0, 1).run()

    assert line.mean_s == pytest.approx(1 / (1 - used), rel=0.08)
    assert line.station.busy_s / line.simulation.now == pytest.approx(used, rel=0.03)


@pytest.mark.parametrize("servers", [2, 4, 16])
def test_several_servers_are_as_slow_as_is_known(servers: int) -> None:
    load = 0.8 * servers
    line = Line(load, 1.0, servers).run()

    waited = _erlang_c(load, servers) / (servers - load)
    assert line.mean_s == pytest.approx(1 + waited, rel=0.06)


def test_littles_law_holds() -> None:
    line = Line(1.5, 1.0, 2).run(20_000)

    inside = line.area / line.simulation.now
    assert inside == pytest.approx(len(line.stayed) / line.simulation.now * line.mean_s, rel=1e-6)


def test_a_seed_gives_one_run() -> None:
    assert Line(0.7, 1.0, 1, seed=3).run(500).stayed == Line(0.7, 1.0, 1, seed=3).run(500).stayed
    assert Line(0.7, 1.0, 1, seed=3).run(500).stayed != Line(0.7, 1.0, 1, seed=4).run(500).stayed


def test_slots_go_to_who_waits_longest() -> None:
    simulation, slots, told = Simulation(), Slots.of([7]), list[tuple[str, int, float]]()

    def holder(name: str) -> Journey:
        number = yield slots, 0.0
        told.append((name, number, simulation.now))
        yield None, 2.0
        simulation.give(slots, number)

    for number, name in enumerate(("first", "second", "third")):
        simulation.start(holder(name), number / 10)
    simulation.run()

    assert told == [("first", 7, 0.0), ("second", 7, 2.0), ("third", 7, 4.0)]
    assert list(slots.free) == [7]


def test_it_stops_when_it_is_enough() -> None:
    simulation, seen = Simulation(), list[int]()

    def count() -> Iterator[tuple[None, float]]:
        for number in range(10):
            seen.append(number)
            yield None, 1.0

    simulation.start(count())  # type: ignore[arg-type] # a plain iterator of steps is a journey, too
    simulation.run(lambda: len(seen) == 4)

    assert seen == [0, 1, 2, 3]

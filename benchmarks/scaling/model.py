"""How a submission travels through a fleet, as the simulator plays it (pure).

What costs CPU time waits for a CPU of its station; what is held is a slot. Times of the control plane are drawn around
their measured means (exponentially, piece by piece), those of runs from what was measured. On a host of a fleet a slot
is a CPU; on one machine (`Fleet.one_machine`) every station is the same few CPUs, which are shared in slices.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.samples import percentile
from benchmarks.scaling.queueing import Journey, Simulation, Slots, Station

STATIONS = ("api", "stream", "postgresql", "redis")
"""Of the control plane, each on machines of its own."""
TRANSACTIONS = 6
"""A submission's, where nobody waits for places (docs/performance.md): three for the API, three for who grades."""
ROUND_TRIPS = 12
"""Between machines, one after the other: six transactions, messages there and back, events."""
SLICE_S = 0.001
POST_SHARE = 0.6
"""Of the API's time, before the message is sent; the rest is the answer."""


@dataclass(frozen=True)
class Demand:
    """What one submission of a kind takes, in seconds of CPU time by who takes it."""

    api: float
    stream: float
    postgresql: float
    redis: float
    celery: float
    """Of its host's main process, of which there is one."""
    grade: float
    after: float = 0.0
    """On its host, with nobody waiting: the next jail, and what is left of a run."""
    other: float = 0.0
    """Process manager, Flower, beat, the client: on one machine beside the rest; in a fleet they are elsewhere."""
    runs: Sequence[float] = field(default=(0.0,), repr=False)
    """What a slot was busy with jails, as measured one by one."""
    latency: float = 0.0
    """What an idle platform takes beside all that is served: waking up, and being told."""

    @property
    def run(self) -> float:
        """The mean of `runs`."""
        return sum(self.runs) / len(self.runs)

    @property
    def host(self) -> float:
        """All of it that a host's CPUs do."""
        return self.celery + self.grade + self.run + self.after


@dataclass(frozen=True)
class Fleet:
    """What there is to run it on."""

    hosts: int
    slots: int = 16
    """Of each host; a CPU each."""
    api: int = 16
    stream: int = 4
    postgresql: int = 16
    redis: int = 1
    """It runs commands in one thread."""
    network_ms: float = 0.3
    """One round trip between two machines."""
    one_machine: int = 0
    """So many CPUs do everything; 0: each station has its own."""

    def servers(self, station: str) -> int:
        """Give the CPUs of a station of the control plane."""
        return int(getattr(self, station))

    def times(self, factor: int) -> "Fleet":
        """Give the same fleet with so many times the control plane."""
        return replace(self, **{name: self.servers(name) * factor for name in STATIONS})


@dataclass(frozen=True)
class Outcome:
    """What came of a simulated load."""

    per_s: float
    p50_ms: float
    p95_ms: float
    used: Mapping[str, float]
    """Which part of each station's CPUs was busy; `celery` is the main process of a host."""


class Model:
    """One fleet under one kind of load. Everything that is random comes from the seed."""

    def __init__(self, fleet: Fleet, demand: Demand, seed: int = 1) -> None:
        self.fleet, self.demand = fleet, demand
        self._random = random.Random(seed)  # noqa: S311 - a simulation is to be repeated, nothing is kept secret
        self._simulation = Simulation()
        self._ended: list[float] = []
        """Latencies, in the order of ends."""
        self._build()

    def closed(self, clients: int, count: int) -> Outcome:
        """Play `clients`, each sending the next as soon as the last has ended: `count`, after as many to warm up."""
        for _ in range(clients):
            self._simulation.start(self._client())
        return self._outcome(count)

    def open(self, per_s: float, count: int) -> Outcome:
        """Play arrivals that wait for nobody, so many a second in the mean: `count`, after as many to warm up."""
        self._simulation.start(self._arrivals(per_s))
        return self._outcome(count)

    def _build(self) -> None:
        fleet, shared = self.fleet, self.fleet.one_machine
        one = Station("machine", shared) if shared else None
        self._slice_s = SLICE_S if shared else float("inf")
        self._network_s = 0.0 if shared else fleet.network_ms / 1000
        self._control = {name: one or Station(name, fleet.servers(name)) for name in STATIONS}
        self._hosts = [one or Station("host", fleet.slots) for _ in range(fleet.hosts)]
        # What one process does is done one after the other, whatever CPUs there are.
        self._main = [Slots.of([0]) for _ in range(fleet.hosts)]
        self._slots = Slots.of(host for _ in range(fleet.slots) for host in range(fleet.hosts))
        self._main_s = [0.0] * fleet.hosts

    def _client(self) -> Journey:
        while True:
            yield from self._submission()

    def _arrivals(self, per_s: float) -> Journey:
        while True:
            yield None, self._random.expovariate(per_s)
            self._simulation.start(self._submission())

    def _submission(self) -> Journey:
        began, take, piece = self._simulation.now, self.demand, self._control_piece
        statement = take.postgresql / TRANSACTIONS
        yield from piece("api", take.api * POST_SHARE)
        yield from piece("postgresql", statement)
        yield from piece("postgresql", statement)
        yield from piece("redis", take.redis / 2)
        yield None, take.latency + ROUND_TRIPS * self._network_s
        yield from self._graded(statement)
        yield from piece("redis", take.redis / 2)
        yield from piece("stream", take.stream)
        yield from piece("postgresql", statement)
        yield from piece("api", take.api * (1 - POST_SHARE))
        self._ended.append(self._simulation.now - began)

    def _graded(self, statement: float) -> Journey:
        host = yield self._slots, 0.0
        take = self.demand
        yield from self._by_main(host, take.celery / 2)
        yield from self._control_piece("postgresql", statement)
        yield from self._on(self._hosts[host], self._drawn(take.grade / 2))
        yield from self._control_piece("postgresql", statement)
        yield from self._on(self._hosts[host], self._random.choice(take.runs))
        yield from self._on(self._hosts[host], self._drawn(take.grade / 2))
        yield from self._control_piece("postgresql", statement)
        self._simulation.start(self._afterwards(host))
        self._simulation.give(self._slots, host)

    def _afterwards(self, host: int) -> Journey:
        yield from self._by_main(host, self.demand.celery / 2)
        spent = self.demand.after + (self.demand.other if self.fleet.one_machine else 0.0)
        yield from self._on(self._hosts[host], spent)

    def _by_main(self, host: int, mean_s: float) -> Journey:
        seconds = self._drawn(mean_s)
        self._main_s[host] += seconds
        yield self._main[host], 0.0
        yield from self._on(self._hosts[host], seconds)
        self._simulation.give(self._main[host], 0)

    def _control_piece(self, name: str, mean_s: float) -> Journey:
        return self._on(self._control[name], self._drawn(mean_s))

    def _on(self, station: Station, seconds: float) -> Journey:
        while seconds > 0:
            yield station, min(seconds, self._slice_s)
            seconds -= self._slice_s

    def _drawn(self, mean_s: float) -> float:
        return self._random.expovariate(1 / mean_s) if mean_s else 0.0

    def _outcome(self, count: int) -> Outcome:
        self._run_until(count)
        began, before = self._simulation.now, self._busy_s()
        self._run_until(2 * count)
        seconds, measured = self._simulation.now - began, self._ended[count:]
        used = {name: (busy - before[name]) / seconds for name, busy in self._busy_s().items()}
        p50, p95 = (1000 * percentile(measured, percent) for percent in (50, 95))
        return Outcome(len(measured) / seconds, p50, p95, used)

    def _run_until(self, ended: int) -> None:
        self._simulation.run(lambda: len(self._ended) >= ended)

    def _busy_s(self) -> Mapping[str, float]:
        """Give the seconds that each was busy, each of its CPUs in the mean."""
        if self.fleet.one_machine:
            return {"machine": self._hosts[0].busy_s / self.fleet.one_machine}
        control = {name: station.busy_s / station.servers for name, station in self._control.items()}
        hosts = sum(host.busy_s for host in self._hosts) / self.fleet.slots / self.fleet.hosts
        return {**control, "host": hosts, "celery": sum(self._main_s) / self.fleet.hosts}

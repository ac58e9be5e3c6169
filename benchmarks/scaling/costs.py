"""What a submission of each kind costs, what an idle host costs, and what processes keep open: measured in one run."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from os import environ
from pathlib import Path
from typing import Any

from benchmarks.control import nothing_expected
from benchmarks.host import progress
from benchmarks.over_http import PHASES, Kind
from benchmarks.running import Body, Load, Platform, platform
from benchmarks.samples import percentile
from benchmarks.scaling import counters
from benchmarks.scaling.counters import Spent
from benchmarks.scaling.model import Demand
from domain import executions, hosts
from domain.db import Database

NOOP = "no-op"
KINDS = (
    Kind("hello", "python", 1),
    Kind("python_10", "python", 10),
    Kind("cpp_10", "cpp", 10),
    Kind("cpp_10_cached", "cpp", 10, same_source=True),
    Kind("java", "java", 1),
)
TITLES = {
    NOOP: "nothing is run",
    "hello": "Python, hello",
    "python_10": "Python, 10 test cases",
    "cpp_10": "C++, 10 test cases, compiled",
    "cpp_10_cached": "C++, 10 test cases, from the cache",
    "java": "Java, one test case, compiled",
}
BODIES: Mapping[str, Callable[[int], Body]] = {NOOP: nothing_expected, **{kind.name: kind.body for kind in KINDS}}
BUSY_CLIENTS = 8
SETTLE_S = 1.5
"""PostgreSQL's processes tell what they did about once a second."""
CONTROL = ("api", "stream", "celery", "grade", "postgresql", "redis")


@dataclass(frozen=True)
class Cost:
    """What one submission of a kind costs. Times in ms of CPU, by program."""

    cpu_ms: Mapping[str, float]
    numbers: Mapping[str, float]
    """`transactions`, `wal_bytes`, `redis_commands`, `redis_bytes`, `database_bytes`."""
    disk: Mapping[str, float]
    runs_ms: Sequence[float] = field(repr=False)
    """What each slot was busy with jails, one client sending one after the other."""
    alone_p50_ms: float
    alone_mean_ms: float
    busy_per_s: float
    beside_ms: float = 0.0
    """CPU ms of the machine that are no program's of the platform: the client's, and kernel threads'."""

    def demand(self, grade_ms: float) -> Demand:
        """Give it as the model takes it. What is left of a submission alone, beside all that is served, is latency.

        `grade_ms` is what who grades takes where nothing is run: the rest it spends while jails run, within `runs_ms`.
        """
        spent = {name: self.cpu_ms.get(name, 0.0) / 1000 for name in CONTROL}
        grade = min(spent["grade"], grade_ms / 1000)
        runs = [each / 1000 for each in self.runs_ms]
        run = sum(runs) / len(runs)
        after = max(self.cpu_ms.get("jails", 0.0) / 1000 + spent["grade"] - grade - run, 0.0)
        other = sum(self.cpu_ms.get(name, 0.0) for name in ("flower", "other", "beat", "deliver"))
        second = {**spent, "grade": grade, "after": after, "other": (other + self.beside_ms) / 1000}
        served = sum(second[name] for name in CONTROL) - second["celery"] / 2 + run
        return Demand(**second, runs=runs, latency=max(self.alone_mean_ms / 1000 - served, 0.0))


@dataclass(frozen=True)
class Costs:
    """Everything that was measured."""

    kinds: Mapping[str, Cost]
    idle: Mapping[str, float]
    """A second of a platform that nobody asks anything of: CPU ms by program, transactions, commands."""
    at_rest: Mapping[str, Mapping[str, int]]
    at_work: Mapping[str, Mapping[str, int]]
    """Connections by program."""
    heartbeat_ms: float
    """CPU of PostgreSQL."""
    sweep_ms: float
    memory_mb: Mapping[str, float]
    slots: int

    def demand(self, kind: str) -> Demand:
        """Give a kind of submission as the model takes it."""
        return self.kinds[kind].demand(self.kinds[NOOP].cpu_ms["grade"])

    def json(self) -> dict[str, Any]:
        """Give it for machines."""
        return asdict(self)

    @classmethod
    def read(cls, data: dict[str, Any]) -> "Costs":
        """Read what `json` gave."""
        return cls(**{**data, "kinds": {name: Cost(**cost) for name, cost in data["kinds"].items()}})


@contextmanager
def with_slots(folder: Path, slots: int, *worker: str) -> Iterator[Platform]:
    """Start a platform whose worker has so many slots."""
    before = environ.get("SHIPD_SLOTS")
    environ["SHIPD_SLOTS"] = str(slots)
    try:
        with platform(folder, *worker) as running:
            yield running
    finally:
        environ.pop("SHIPD_SLOTS")
        if before is not None:
            environ["SHIPD_SLOTS"] = before


def measure(folder: Path, times: int, slots: int) -> Costs:
    """Measure all kinds, each by one client and by many: `times` of each, and as many again for each client."""
    with with_slots(folder, slots, "benchmarks.noop_worker") as running:
        noop = _cost(running, nothing_expected, times * 4, _idle(running))
    with with_slots(folder, slots) as running:
        at_rest, idle = counters.connections(running), _idle(running)
        kinds = {kind.name: _cost(running, kind.body, times, idle) for kind in progress(KINDS, "costs")}
        at_work, memory = counters.connections(running), counters.memory(running)
        with closing(Database(running.database_url, max_size=1)) as db:
            heartbeat_ms = _each(running, times * 10, lambda: hosts.heartbeat(db, "nobody"))
            sweep_ms = _each(running, times, lambda: _sweep(db))
    megabytes = {name: size / 2**20 for name, size in memory.items()}
    rest = {**{f"{name}_cpu_ms": 1000 * value for name, value in idle.cpu_s.items()}, **idle.numbers}
    return Costs({NOOP: noop, **kinds}, rest, at_rest, at_work, heartbeat_ms, sweep_ms, megabytes, slots)


def _sweep(db: Database) -> None:
    executions.sweep(db, message_lost_s=3600, max_attempts=3, no_host_s=3600)


def _cost(running: Platform, body: Callable[[int], Body], times: int, idle: Spent) -> Cost:
    """Measure one kind, without what the platform spends all the time: heartbeats, polling, the sweeper."""
    running.load(Load(), BUSY_CLIENTS * 2, BUSY_CLIENTS, body)
    alone, busy = Load(), Load()
    graded = running.load(alone, times, 1, body)
    before, machine, began = _settled(running), counters.machine_s(), time.perf_counter()
    running.load(busy, times * 4, BUSY_CLIENTS, body)
    machine = counters.machine_s() - machine
    spent, count = _settled(running).since(before), len(busy.latencies_ms)
    spent = spent.without(idle, time.perf_counter() - began)
    return Cost(
        {name: 1000 * value / count for name, value in spent.cpu_s.items()},
        {name: value / count for name, value in spent.numbers.items()},
        {name: value / count for name, value in spent.disk.items()},
        [_run_ms(execution) for execution in graded],
        percentile(alone.latencies_ms, 50),
        sum(alone.latencies_ms) / len(alone.latencies_ms),
        count / busy.seconds,
        1000 * max(machine - busy.cpu_s, 0.0) / count,
    )


def _run_ms(execution: Mapping[str, Any]) -> float:
    phases = execution["telemetry"]["phases"]
    return float(sum(phases.get(phase) or 0 for phase in PHASES if phase != "queue_ms"))


def _settled(running: Platform) -> Spent:
    time.sleep(SETTLE_S)
    return counters.look(running)


def _idle(running: Platform, seconds: float = 10.0) -> Spent:
    """Give what a second costs in which nobody asks anything."""
    before, began = _settled(running), time.perf_counter()
    time.sleep(seconds)
    return counters.look(running).since(before).a_second(time.perf_counter() - began)


def _each(running: Platform, times: int, call: Callable[[], object]) -> float:
    """Give PostgreSQL's CPU time of one call, in ms."""
    before = counters.look(running)
    for _ in range(times):
        call()
    return 1000 * counters.look(running).since(before).cpu_s["postgresql"] / times

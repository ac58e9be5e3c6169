"""The model against the machine: the platform with one slot and with two, by one client and by several.

The model is given the costs of one client alone and of eight, with all slots, and has to say what other numbers come
to: no load that is compared is one that costs were measured with. One machine runs everything, so the model shares its
CPUs among all stations.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.host import progress
from benchmarks.running import Body, Load, Platform
from benchmarks.scaling.costs import BODIES, NOOP, Costs, with_slots
from benchmarks.scaling.model import Demand, Fleet, Model

SLOTS = (1, 2)
CLIENTS = (2, 4, 16)
NAMES = (NOOP, "hello")
PLAYED = 3000


@dataclass(frozen=True)
class Compared:
    """One load: what the model said, and what the platform did."""

    kind: str
    slots: int
    clients: int
    model: dict[str, float]
    measured: dict[str, float]

    def error(self, figure: str) -> float:
        """Give by how many per cent the model was above what was measured."""
        return 100 * (self.model[figure] / self.measured[figure] - 1)


def said(demand: Demand, slots: int, clients: int, cpus: int) -> dict[str, float]:
    """Ask the model about one machine (pure)."""
    outcome = Model(Fleet(1, slots, one_machine=cpus), demand).closed(clients, PLAYED)
    return {"per_s": outcome.per_s, "p50_ms": outcome.p50_ms, "p95_ms": outcome.p95_ms}


def compare(folder: Path, costs: Costs, times: int) -> list[Compared]:
    """Compare everything; the model speaks first."""
    return [found for name in NAMES for slots in SLOTS for found in _with(folder, costs, name, slots, times)]


def _with(folder: Path, costs: Costs, name: str, slots: int, times: int) -> Iterator[Compared]:
    body, demand, cpus = BODIES[name], costs.demand(name), len(os.sched_getaffinity(0))
    with with_slots(folder, slots, *(["benchmarks.noop_worker"] if name == NOOP else [])) as running:
        running.load(Load(), 16, 8, body)
        for clients in progress(CLIENTS, f"check: {name}, {slots} slots"):
            model = said(demand, slots, clients, cpus)
            yield Compared(name, slots, clients, model, _measured(running, body, times * clients, clients))


def _measured(running: Platform, body: Callable[[int], Body], count: int, clients: int) -> dict[str, float]:
    load = Load()
    running.load(load, count, clients, body)
    figures = load.figures()
    return {name: figures[name] for name in ("per_s", "p50_ms", "p95_ms")}

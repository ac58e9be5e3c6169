"""What fleets of several sizes carry, as the model plays them (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.scaling import limits
from benchmarks.scaling.costs import Costs
from benchmarks.scaling.model import STATIONS, Fleet, Model, Outcome

SIZES = (10, 100, 1000)
PLOTTED = (1, 3, 10, 30, 100, 300, 1000)
SLOTS = 16
FULL = 1.5
"""Clients for each slot, where all are to be busy."""
EASY = 0.8
"""Of the first limit: at this load latencies are looked at."""
PLAYED = 6000
WORKLOADS = ("hello", "python_10", "cpp_10")


@dataclass(frozen=True)
class Played:
    """One fleet under one kind of submissions."""

    kind: str
    fleet: Fleet
    full: Outcome
    """As many at once as all slots take, and half as many waiting."""
    easy: Outcome
    first: tuple[str, float]
    """The station that is full first, and at how many a second."""
    alone: float
    """What the hosts alone would carry."""


def play(costs: Costs, kind: str, hosts: int, seed: int = 1) -> Played:
    """Play a fleet of so many hosts."""
    fleet, demand = Fleet(hosts, SLOTS), costs.demand(kind)
    first = limits.first(fleet, demand)
    clients = round(hosts * SLOTS * FULL)
    full = Model(fleet, demand, seed).closed(clients, max(PLAYED, clients))
    easy = Model(fleet, demand, seed).open(first[1] * EASY, PLAYED)
    ceilings = limits.ceilings(fleet, demand)
    alone = min(value for name, value in ceilings.items() if name not in STATIONS)
    return Played(kind, fleet, full, easy, first, alone)


def order(costs: Costs, kind: str) -> Sequence[tuple[str, float, float]]:
    """List what is full first as hosts are added: station, submissions a second, hosts."""
    fleet, demand = Fleet(1, SLOTS), costs.demand(kind)
    ceilings = limits.ceilings(fleet, demand)
    found = [(name, ceilings[name], limits.hosts_until(fleet, demand, name)) for name in STATIONS if name in ceilings]
    return sorted(found, key=lambda each: each[1])


def per_host(costs: Costs, server: str, when: str) -> float:
    """Give the connections of one host with 16 slots: its main process, and each slot's."""
    counts = getattr(costs, when)
    main, grade = (counts.get(name, {server: 0, "processes": 1}) for name in ("celery", "grade"))
    return float(main[server] + SLOTS * grade[server] / max(grade["processes"], 1))

"""What each part of a fleet can carry at the most, by measured demands, and which is the first that cannot (pure).

A station with `c` CPUs of which a submission takes `d` seconds ends at c / d submissions a second, whatever comes.
"""

from collections.abc import Mapping

from benchmarks.scaling.model import STATIONS, Demand, Fleet


def ceilings(fleet: Fleet, demand: Demand) -> dict[str, float]:
    """Give submissions a second at which each station is full, least first."""
    held = demand.celery / 2 + demand.grade + demand.run + demand.postgresql / 2
    found = {name: fleet.servers(name) / take for name in STATIONS if (take := getattr(demand, name))}
    found["host"] = fleet.hosts * fleet.slots / max(demand.host, held, 1e-9)
    if demand.celery:
        found["celery"] = fleet.hosts / demand.celery
    return dict(sorted(found.items(), key=lambda each: each[1]))


def first(fleet: Fleet, demand: Demand) -> tuple[str, float]:
    """Give the station that is full first, and at how many submissions a second."""
    return next(iter(ceilings(fleet, demand).items()))


def needed(demand: Demand, per_s: float, most_used: float = 0.7) -> Mapping[str, float]:
    """Give the CPUs that each station of the control plane needs for so many, busy for `most_used` of the time."""
    return {name: per_s * getattr(demand, name) / most_used for name in STATIONS}


def hosts_until(fleet: Fleet, demand: Demand, station: str) -> float:
    """Give how many hosts it takes to fill a station of the control plane."""
    alone = ceilings(Fleet(1, fleet.slots), demand)
    return ceilings(fleet, demand)[station] / min(alone["host"], alone.get("celery", alone["host"]))

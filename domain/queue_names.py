"""The names of the queues that executions are sent to, and in which order a worker takes from them (pure).

A region has a queue for each priority, which all of its hosts take from: `normal`, or `eu.normal` of the region `eu`.
A host has three of its own, `host.NAME.normal`, for what only some hosts can run (`domain/routing.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.host import DEFAULT_REGION
from domain.model import Priority

_HOST = "host."
_URGENCY = {priority.value: number for number, priority in enumerate(Priority, 1)}


@dataclass(frozen=True)
class Named:
    """What a queue's name says: of a host, or of a region where `host` is None."""

    priority: Priority
    region: str | None = None
    host: str | None = None

    @property
    def name(self) -> str:
        """The name itself."""
        return self.priority.value if (before := prefix(self.region, self.host)) == "" else f"{before}{self.priority}"


def prefix(region: str | None, host: str | None = None) -> str:
    """Give what stands before the priority in the name of a host's queue, or of a region's."""
    if host is not None:
        return f"{_HOST}{host}."
    return "" if region in {None, DEFAULT_REGION} else f"{region}."


def of_region(region: str, priority: Priority) -> str:
    """Name the queue that all hosts of a region take from."""
    return f"{prefix(region)}{priority.value}"


def of_host(host: str, priority: Priority) -> str:
    """Name the queue that one host takes from."""
    return f"{prefix(None, host)}{priority.value}"


def taken_by(host: str, region: str, priorities: Iterable[Priority] = Priority) -> list[str]:
    """Name the queues that a host takes from, most urgent first; its own before its region's, which others take too."""
    return [name for one in priorities for name in (of_host(host, one), of_region(region, one))]


def read(name: str) -> Named | None:
    """Say whose queue it is; None for one that is not for executions. Host names may have dots, regions have none."""
    before, _, last = name.rpartition(".")
    if last not in _URGENCY:
        return None
    priority = Priority(last)
    if before.startswith(_HOST):
        return Named(priority, host=before.removeprefix(_HOST))
    return None if "." in before else Named(priority, region=before or DEFAULT_REGION)


def urgency(name: str) -> int:
    """Give the less the more urgent a queue is; those of no priority come last."""
    return _URGENCY.get(name.rpartition(".")[2], len(_URGENCY) + 1)

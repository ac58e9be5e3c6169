"""Where an execution is to run: which queue it is sent to, and why (pure).

What every live host of a region can run goes to the queue of the region, and whoever is free takes it. What only some
of them can run goes to the queue of one host. Every queue that comes into question has a score: what speaks against it,
in milliseconds that it would cost, or as good as. The least is chosen.

A host that is silent or draining does not come into question. A region that was asked for does alone, as long as a live
host of it can run this: the wish is overruled by nothing else. Decision 32 says how the numbers were found.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType

from domain.distances import Distances
from domain.errors import Problem
from domain.host import DEFAULT_REGION, HostReport
from domain.hosts import Host
from domain.model import Priority
from domain.queue_names import of_host, of_region, prefix
from domain.room import MIB, Need

LOAD_MS = 50.0
"""Of a host whose slots are all busy."""
COLD_MS = 30.0
"""Where no jail stands ready for the language: about what one takes to make."""
FAILURES_MS = 5000.0
"""Where the sandbox fails at every execution."""
FAILURES_DOUBTED = 50
"""So many executions without a failure are added to what a host tells: a few failures say little."""
TIGHT_MS = 1000.0
"""Where less memory is free at the moment than the execution may take."""
COST_MS = 10.0
"""Of each unit of cost."""
QUEUED_MS = 20.0
"""Of each that is queued before it, by slot: of two that are alike the one with less to do is taken."""
ROUND_MS = 500.0
"""Of each round that has to wait for the one before: where more is queued than there are slots."""
ALIKE_MS = 1e-6
"""Scores that differ by less are alike."""

NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Ways:
    """From where it is sent, and how far that is from where."""

    home: str = DEFAULT_REGION
    distances: Distances = field(default_factory=Distances)


HERE = Ways()


@dataclass(frozen=True)
class Candidate:
    """The queues of a region, or of one host, and what speaks against them whatever is queued."""

    region: str
    host: str | None
    slots: int
    parts: Mapping[str, float]
    """Milliseconds, by reason."""
    fixed_ms: float
    """Their sum."""

    def queue(self, priority: Priority) -> str:
        """Name the queue of a priority."""
        return of_region(self.region, priority) if self.host is None else of_host(self.host, priority)

    def ahead(self, priority: Priority, queued: Mapping[str, float]) -> float:
        """Say how many are queued that come before one of this priority."""
        before = prefix(self.region, self.host)
        if not queued:
            return 0.0
        return sum(queued.get(f"{before}{one}", 0.0) for one in _BEFORE[priority])

    def queued_ms(self, priority: Priority, queued: Mapping[str, float]) -> float:
        """Say what waiting for them is worth."""
        rounds = self.ahead(priority, queued) / self.slots
        return QUEUED_MS * rounds + ROUND_MS * max(0.0, rounds - 1)

    def score(self, priority: Priority, queued: Mapping[str, float]) -> float:
        """Give the whole score; the least is the best."""
        return self.fixed_ms + self.queued_ms(priority, queued)


_BEFORE = {one: tuple(other.value for other in list(Priority)[: number + 1]) for number, one in enumerate(Priority)}
"""Which priorities come before one that is queued now: the more urgent ones, and its own."""


def why_not(need: Need, host: Host) -> str | None:
    """Say why a host does not come into question; None where it does."""
    if not host.live:
        return "silent"
    if host.draining_at is not None:
        return "draining"
    if missing := need.missing(host.report):
        return f"no {missing[0]}"
    return None if need.has_room(host.report) else "no room"


def candidates(need: Need, asked: str | None, hosts: Sequence[Host], ways: Ways = HERE) -> list[Candidate]:
    """List what comes into question, in the order of names; where a region was asked for and is able, only its own."""
    found: list[Candidate] = []
    for region, there in groupby(
        sorted((host for host in hosts if host.takes_work), key=_place), key=lambda host: host.report.region
    ):
        far_ms = ways.distances.ms(asked or ways.home, region)
        found += _of_region(need, region, list(there), far_ms)
    return [one for one in found if one.region == asked] or found


def _place(host: Host) -> tuple[str, str]:
    return host.report.region, host.report.name


def _of_region(need: Need, region: str, there: Sequence[Host], far_ms: float) -> list[Candidate]:
    able = [host for host in there if need.fits(host.report)]
    if len(able) < len(there):
        return [_candidate(need, region, host.report.name, [host], far_ms) for host in able]
    return [_candidate(need, region, None, able, far_ms)]


def _candidate(need: Need, region: str, name: str | None, hosts: Sequence[Host], far_ms: float) -> Candidate:
    """Score hosts together: each counts by its slots, for any of them may take it."""
    slots = sum(host.report.cpus for host in hosts)
    parts = {"distance": far_ms}
    for reason, part in _PARTS.items():
        parts[reason] = sum(part(need, host) * host.report.cpus for host in hosts) / slots
    return Candidate(region, name, slots, parts, sum(parts.values()))


def _load_ms(_need: Need, host: Host) -> float:
    busy = max(host.load.slots_busy, host.load.load_1m)
    return LOAD_MS * min(1.0, busy / host.report.cpus)


def _cold_ms(need: Need, host: Host) -> float:
    return 0.0 if host.load.ready.get(need.language, 0) > 0 else COLD_MS


def _failures_ms(_need: Need, host: Host) -> float:
    # One alone says nothing: a worker was killed, or an execution kills workers.
    return FAILURES_MS * max(0, host.load.failures - 1) / (host.load.executions + FAILURES_DOUBTED)


def _tight_ms(need: Need, host: Host) -> float:
    free = host.load.memory_available_bytes
    return TIGHT_MS if free is not None and free < need.memory_mb * MIB else 0.0


def _cost_ms(_need: Need, host: Host) -> float:
    return COST_MS * host.report.cost


_PARTS: Mapping[str, Callable[[Need, Host], float]] = {
    "load": _load_ms,
    "cold": _cold_ms,
    "failures": _failures_ms,
    "tight": _tight_ms,
    "cost": _cost_ms,
}


def best(found: Sequence[Candidate], priority: Priority, queued: Mapping[str, float], turn: int = 0) -> Candidate:
    """Choose one; those with the same score take turns. There must be one."""
    scores = [one.score(priority, queued) for one in found]
    least = min(scores)
    alike = [one for one, score in zip(found, scores, strict=True) if score - least < ALIKE_MS]
    return alike[turn % len(alike)]


def route(
    need: Need,
    asked: str | None,
    priority: Priority,
    hosts: Sequence[Host],
    *,
    ways: Ways = HERE,
    queued: Mapping[str, float] = NOTHING,
    turn: int = 0,
) -> str:
    """Name the queue to send an execution to; `queued` says how many wait, by queue.

    Where nobody can run it now, it is a queue of whoever could: it waits there for that host to come back.
    """
    found = candidates(need, asked, hosts, ways)
    return among(found, priority, lambda: parked(need, asked or ways.home, priority, hosts), lambda: queued, turn)


def among(
    found: Sequence[Candidate],
    priority: Priority,
    nobody: Callable[[], str],
    queued: Callable[[], Mapping[str, float]],
    turn: int,
) -> str:
    """Name the queue of the best candidate; where there is none what `nobody` gives. `queued` is asked for a choice."""
    if not found:
        return nobody()
    chosen = found[0] if len(found) == 1 else best(found, priority, queued(), turn)
    return chosen.queue(priority)


def parked(need: Need, wanted: str, priority: Priority, hosts: Sequence[Host]) -> str:
    """Name the queue to wait in while no host that is there can run it: nobody who cannot is to find it there."""
    able = [host for host in hosts if need.fits(host.report) and host.draining_at is None]
    if not able:
        return of_region(wanted, priority)
    last = max(able, key=lambda host: (host.report.region == wanted, host.seen_at, host.report.name))
    region = last.report.region
    if any(host.takes_work and host.report.region == region for host in hosts):
        return of_host(last.report.name, priority)
    return of_region(region, priority)


def abandoned(hosts: Sequence[Host]) -> list[str]:
    """Name the queues that nobody takes from: of hosts that are silent or draining, and of regions with no others."""
    regions = {host.report.region for host in hosts} - {host.report.region for host in hosts if host.takes_work}
    gone = sorted(host.report.name for host in hosts if not host.takes_work)
    return [
        *(of_region(region, one) for region in sorted(regions) for one in Priority),
        *(of_host(name, one) for name in gone for one in Priority),
    ]


def region_problems(asked: str | None, hosts: Sequence[HostReport]) -> list[Problem]:
    """Say that no host ever was in the region that was asked for; nothing where none reported yet."""
    known = sorted({host.region for host in hosts})
    if asked is None or not known or asked in known:
        return []
    hint = f"use {' or '.join(known)}, or leave it out to have it run where it is best"
    return [Problem("region", f"no host was ever in a region {asked!r}", hint)]

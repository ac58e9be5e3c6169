"""Tells Prometheus how the fleet stands, from the process that sweeps; docs/operations.md tells of each number."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from domain.fleet_now import FleetNow
from domain.hosts import Standing
from workers.advising import STALE_S, LastAdvice


class LastSeen(Collector):
    """How it stood when it was looked at last; safe to share between threads."""

    def __init__(self) -> None:
        self._last: tuple[float, FleetNow | None] = (0.0, None)

    def renew(self, found: FleetNow) -> None:
        """Keep it."""
        self._last = (time.monotonic(), found)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give it as numbers; nothing where nobody looked for a minute."""
        renewed_at, found = self._last
        if found is None or time.monotonic() - renewed_at > STALE_S:
            return
        yield from _hosts(found)
        yield GaugeMetricFamily("shipd_quarantined", "Executions in quarantine.", value=found.quarantined)
        yield GaugeMetricFamily("shipd_deliveries_due", "Deliveries whose time has come.", value=found.deliveries_due)
        yield GaugeMetricFamily(
            "shipd_delivery_age_seconds", "How long the oldest of them is overdue.", value=found.oldest_due_s
        )
        yield GaugeMetricFamily(
            "shipd_audit_waiting", "Entries of the audit log that are not chained yet.", value=found.audit_waiting
        )


@dataclass(frozen=True)
class Told:
    """All that is told of the fleet."""

    advice: LastAdvice = field(default_factory=LastAdvice)
    seen: LastSeen = field(default_factory=LastSeen)


def _hosts(found: FleetNow) -> Iterator[GaugeMetricFamily]:
    hosts = GaugeMetricFamily("shipd_hosts", "Hosts, by how they stand.", labels=["region", "standing"])
    for region in sorted({region for region, _ in found.standings}):
        for standing in Standing:
            hosts.add_metric([region, standing.value], found.standings.get((region, standing.value), 0))
    yield hosts
    silent = GaugeMetricFamily(
        "shipd_host_silent_seconds", "Since a host was heard of, unless it drains.", labels=["region", "host"]
    )
    for (region, name), seconds in found.silent_s.items():
        silent.add_metric([region, name], seconds)
    yield silent

"""Tells Prometheus how many hosts are wanted, from the process that sweeps; docs/operations.md tells of each."""

import time
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from domain.advice import Advice
from domain.model import Priority
from domain.settings import Settings

STALE_S = 60.0
"""Advice that is older is not told: better none than one that nobody renews."""


class LastAdvice(Collector):
    """What was advised last; safe to share between threads."""

    def __init__(self) -> None:
        self._last: tuple[float, Sequence[Advice]] = (0.0, ())

    def renew(self, found: Sequence[Advice]) -> None:
        """Keep it."""
        self._last = (time.monotonic(), found)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give it as numbers."""
        renewed_at, found = self._last
        if not found or time.monotonic() - renewed_at > STALE_S:
            return
        hosts = GaugeMetricFamily("shipd_hosts_wanted", "Hosts that a region wants.", labels=["region"])
        slots = GaugeMetricFamily("shipd_slots_wanted", "Slots that a region wants.", labels=["region"])
        labels = ["region", "class"]
        age = GaugeMetricFamily("shipd_queue_age_seconds", "How long the oldest waits for a slot.", labels=labels)
        queued = GaugeMetricFamily("shipd_queued", "Executions that wait for a slot.", labels=labels)
        foreseen = GaugeMetricFamily(
            "shipd_arrivals_foreseen_per_second", "Submissions expected when a new host takes work.", labels=["region"]
        )
        error = GaugeMetricFamily(
            "shipd_arrivals_forecast_error_per_second", "Mean absolute error of that forecast.", labels=["region"]
        )
        for one in found:
            region = one.demand.region
            hosts.add_metric([region], one.hosts)
            slots.add_metric([region], one.slots)
            foreseen.add_metric([region], one.foreseen / 60)
            error.add_metric([region], one.error / 60)
            waiting = {each.priority: each for each in one.demand.waiting}
            for priority in Priority:
                known = waiting.get(priority)
                age.add_metric([region, priority.value], known.oldest_s if known else 0.0)
                queued.add_metric([region, priority.value], known.count if known else 0)
        yield from (hosts, slots, age, queued, foreseen, error)

    def serve(self, settings: Settings) -> None:
        """Answer Prometheus from a thread, where a port is set. Raises OSError where it is somebody else's."""
        if settings.fleet_metrics_port is not None:
            registry = CollectorRegistry()
            registry.register(self)
            start_http_server(settings.fleet_metrics_port, settings.metrics_host, registry)

"""What a worker counts for Prometheus: the jails that stand ready, and what became of whoever asked for one.

A pool knows nothing of this: its numbers are looked at now and then (`PoolWatch`), and what runs were measured to take
is noted when an execution is over. docs/operations.md says what each number means.
"""

import os
import threading
from collections.abc import Iterator

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from domain import metrics
from domain.model import TestResult
from domain.settings import Settings
from sandbox import Pool, PoolStats, Slots

LOOK_S = 5.0
"""How old the numbers of a pool are at the most; to look costs some microseconds."""
_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0)


class Metrics:
    """The numbers of one process of a worker; made after the fork."""

    def __init__(self) -> None:
        self.size = Gauge(
            "jail_pool_size",
            "Jails that stand ready, are being made or are taken, by what has been started in them.",
            ["started", "state"],
            multiprocess_mode="livesum",
        )
        self.asked = Counter("jail_pool_requests", "Jails asked of the pool: hit or miss (made cold).", ["outcome"])
        self.waits = Counter("jail_pool_waits", "Of them those that waited for one that was being made.")
        self.broken = Counter("jail_pool_broken", "Jails that could not be made ahead.")
        self.made = Counter("jail_pool_made", "Jails that the pool made ahead.")
        self.making = Counter("jail_pool_making_seconds", "What making them took, waiting included.")
        self.error = Gauge(
            "jail_pool_forecast_error",
            "Mean absolute error of the demand foreseen, in jails a second.",
            multiprocess_mode="livemax",
        )
        self.acquisition = Histogram(
            "jail_acquisition_duration_seconds",
            "From asking for a jail to the start of the program in it, by the language and how the jail was made.",
            ["language", "mode"],
            buckets=_SECONDS,
        )

    def ran(self, language: str, result: TestResult) -> None:
        """Note how long a jail was waited for."""
        seen = result.telemetry
        if seen is not None and seen.prepare_us is not None and not result.cached:
            self.acquisition.labels(language, seen.mode or "unknown").observe(seen.prepare_us / 1e6)


class PoolWatch:
    """Looks at the pool of one process every few seconds, in a thread, until it is told to stop."""

    def __init__(self, own: Metrics, pool: Pool) -> None:
        self._metrics = own
        self._pool = pool
        self._before = PoolStats()
        self._known: set[tuple[str, str]] = set()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pool-watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look a last time, and end."""
        self._ends.set()
        self._thread.join()

    def look(self) -> None:
        """Take over what the pool has and what it counted since the last look."""
        own, now, before = self._metrics, self._pool.counted(), self._before
        own.asked.labels("hit").inc(now.hits - before.hits)
        own.asked.labels("miss").inc(now.misses - before.misses)
        own.waits.inc(now.waited - before.waited)
        own.broken.inc(now.broken - before.broken)
        own.made.inc(now.made - before.made)
        own.making.inc(now.make_s - before.make_s)
        own.error.set(now.forecast_error)
        self._sizes()
        self._before = now

    def _sizes(self) -> None:
        sizes = self._pool.sizes_by_kind()
        self._known |= set(sizes)
        for known in self._known:
            self._metrics.size.labels(*known).set(sizes[known])

    def _run(self) -> None:
        while not self._ends.wait(LOOK_S):
            self.look()
        self.look()


class Counting:
    """What one process of a worker counts, from its fork to its end."""

    def __init__(self, pool: Pool | None) -> None:
        self._metrics = Metrics()
        self._watch = None if pool is None else PoolWatch(self._metrics, pool)
        if self._watch is not None:
            self._watch.start()

    def ran(self, language: str, result: TestResult) -> None:
        """Note a run."""
        self._metrics.ran(language, result)

    def end(self) -> None:
        """Look a last time; what this process has standing counts no more."""
        if self._watch is not None:
            self._watch.stop()
        metrics.forget(os.getpid())


class RoomNow(Collector):
    """What of a host's room is taken and free, looked at when Prometheus asks."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give one number each for what is taken and what is free."""
        free, capacity, slots = self._slots.ledger.free(), self._slots.capacity, self._slots.free()
        yield _room("room_slots", "Slots of this host.", self._slots.count, slots)
        yield _room("room_memory_bytes", "What limits of jails may come to.", capacity.memory_bytes, free.memory_bytes)
        yield _room("room_disk_bytes", "What boxes on disk may take.", capacity.disk_bytes, free.disk_bytes)
        waits = self._slots.someone_at_the_door()
        yield GaugeMetricFamily("room_waited_for", "Whether a large execution waits for room.", value=float(waits))


def _room(name: str, documentation: str, capacity: int, free: int) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=["state"])
    family.add_metric(["taken"], capacity - free)
    family.add_metric(["free"], free)
    return family


def answer_prometheus(settings: Settings, slots: Slots) -> None:
    """Have what children count added up and told to Prometheus, where a port is set. Raises OSError."""
    if settings.metrics_port is not None:
        metrics.share(settings.state_dir / f"metrics-{settings.host_name}")
        metrics.serve(settings.metrics_host, settings.metrics_port, RoomNow(slots))

"""What a worker tells Prometheus: what became of executions and runs, jails that stand ready, and how its host is.

A pool knows nothing of this: its numbers are looked at now and then (`PoolWatch`). docs/operations.md says what each
number means.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psutil
from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from domain import counted, metrics, prometheus
from domain.model import Claim, Outcome, TestResult
from domain.settings import Settings
from domain.verdict import Verdict
from sandbox import Pool, PoolStats, Slots

LOOK_S = 5.0
"""How old the numbers of a pool are at the most; to look costs some microseconds."""
REASONS = frozenset(
    (
        *("sandbox", "checker", "attempts", "no_host", "memory", "stdout", "stderr", "file", "cpu", "wall"),
        *("syscall", "signal", "exit", "processes", "returned", "output", "policy", "no_program", "runtime"),
    )
)
"""Those that are counted by name; docs/semantics.md tells of each. What comes behind a colon is not counted apart."""
NONE = "none"


def ran(language: str, result: TestResult) -> None:
    """Note a run: what it spent, and how long its jail was waited for."""
    seen, spent = result.telemetry, result.usage
    if result.cached:
        return
    if seen is not None and seen.prepare_us is not None:
        counted.ACQUISITION.note(seen.prepare_us / 1e6, language, seen.mode or "unknown")
    if spent is not None:
        counted.CPU.add(language, by=spent.cpu_time_ms / 1000)
        if spent.memory_bytes is not None:
            counted.MEMORY_PEAK.note(spent.memory_bytes, language)


def ended(claim: Claim, outcome: Outcome, own_ms: int) -> None:
    """Note an execution that has its final result; `own_ms` is what its runs took themselves."""
    language, _, _ = claim.submission.language.partition("@")
    urgency = claim.submission.priority.value
    whole_s = max(0.0, (datetime.now(UTC) - claim.queued_at).total_seconds())
    counted.REQUESTS.add(language, outcome.verdict.value)
    counted.REASONS.add(outcome.verdict.value, reason_of(outcome.reason))
    counted.DURATION.note(whole_s, language, urgency)
    counted.OVERHEAD.note(max(0.0, whole_s - own_ms / 1000), urgency)
    for name, spent_ms in vars(outcome.telemetry.phases).items():
        if spent_ms is not None:
            counted.PHASES.note(spent_ms / 1000, name.removesuffix("_ms"), urgency)
    for cache, use in (("compile", outcome.telemetry.compile_cache), ("execution", outcome.telemetry.execution_cache)):
        if use is not None:
            counted.CACHE.add(cache, use.value)


def given_up(reason: str) -> None:
    """Note an execution that the sweeper ended; of which language it was nobody looked up."""
    counted.REQUESTS.add("unknown", Verdict.JE.value)
    counted.REASONS.add(Verdict.JE.value, reason_of(reason))


def expect_giving_up() -> None:
    """Have what the sweeper may give up known before it happens, so that the first is seen as one more."""
    for reason in ("attempts", "no_host"):
        counted.REASONS.add(Verdict.JE.value, reason, by=0)


def reason_of(reason: str | None) -> str:
    """Give the part of a reason that is counted by: one of few."""
    if reason is None:
        return NONE
    kind = reason.partition(":")[0]
    return kind if kind in REASONS else "other"


class PoolWatch:
    """Looks at the pool of one process every few seconds, in a thread, until it is told to stop."""

    def __init__(self, pool: Pool, language_of: Callable[[str], str]) -> None:
        self._pool = pool
        self._language_of = language_of
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
        now, before = self._pool.counted(), self._before
        counted.POOL_REQUESTS.add("hit", by=now.hits - before.hits)
        counted.POOL_REQUESTS.add("miss", by=now.misses - before.misses)
        counted.POOL_WAITS.add(by=now.waited - before.waited)
        counted.POOL_BROKEN.add(by=now.broken - before.broken)
        counted.POOL_MADE.add(by=now.made - before.made)
        counted.POOL_MAKING.add(by=now.make_s - before.make_s)
        counted.POOL_ERROR.set(now.forecast_error)
        self._sizes()
        self._before = now

    def _sizes(self) -> None:
        sizes: Counter[tuple[str, str]] = Counter()
        for (started, state), count in self._pool.sizes_by_kind().items():
            sizes[self._language_of(started), state] += count
        self._known |= set(sizes)
        for known in self._known:
            counted.POOL_SIZE.set(sizes[known], *known)

    def _run(self) -> None:
        while not self._ends.wait(LOOK_S):
            self.look()
        self.look()


class Watching:
    """What is looked at in one process of a worker, from its fork to its end."""

    def __init__(self, pool: Pool | None, language_of: Callable[[str], str]) -> None:
        counted.REASONS.add(Verdict.JE.value, "sandbox", by=0)
        self._watch = None if pool is None else PoolWatch(pool, language_of)
        if self._watch is not None:
            self._watch.start()

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


class HostNow(Collector):
    """What the machine has spent and has left."""

    def collect(self) -> Iterator[Metric]:
        """Give CPU time since the machine started, and memory."""
        spent = CounterMetricFamily("shipd_host_cpu_seconds", "CPU time of the machine, by what for.", labels=["mode"])
        for mode in ("user", "system", "iowait", "idle", "steal"):
            spent.add_metric([mode], getattr(psutil.cpu_times(), mode))
        yield spent
        memory = psutil.virtual_memory()
        there = GaugeMetricFamily("shipd_host_memory_bytes", "Memory of the machine.", labels=["state"])
        there.add_metric(["used"], memory.total - memory.available)
        there.add_metric(["available"], memory.available)
        yield there


def answer_prometheus(settings: Settings, slots: Slots) -> None:
    """Have what children count added up and told to Prometheus, where a port is set. Raises OSError."""
    prometheus.answer(settings, "worker", settings.metrics_port, RoomNow(slots), HostNow())

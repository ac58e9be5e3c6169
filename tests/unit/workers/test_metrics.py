from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, values

from domain import metrics
from domain.model import RunTelemetry, TestResult
from domain.verdict import Verdict
from sandbox import Capacity, PoolStats, Room, Slots
from sandbox.sampled import SampledHierarchy
from workers.metrics import Counting, Metrics, PoolWatch, RoomNow


@dataclass
class FakePool:
    """A pool that says what it is told to."""

    stats: PoolStats = field(default_factory=PoolStats)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)

    def counted(self) -> PoolStats:
        """Say it."""
        return PoolStats(**vars(self.stats))

    def sizes_by_kind(self) -> Counter[tuple[str, str]]:
        """Say it."""
        return self.kinds


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CollectorRegistry]:
    """Numbers kept in a folder, as a worker's are; nothing of them is left in this process."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    (tmp_path / "counter_1.db").write_bytes(b"of an earlier run")
    known = set(REGISTRY._collector_to_names)
    metrics.share(tmp_path)
    yield metrics.collected()
    for collector in set(REGISTRY._collector_to_names) - known:
        REGISTRY.unregister(collector)


def _value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_each_look_takes_over_what_came_since_the_last(shared: CollectorRegistry) -> None:
    pool = FakePool(PoolStats(hits=3, misses=1, made=4, make_s=0.5), Counter({("python", "ready"): 2}))
    watch = PoolWatch(Metrics(), pool)  # type: ignore[arg-type] # it asks for no more than that
    watch.look()
    pool.stats, pool.kinds = PoolStats(hits=5, misses=1, waited=1, broken=1, made=6, make_s=0.75), Counter()
    watch.look()

    assert _value(shared, "jail_pool_requests_total", outcome="hit") == 5
    assert _value(shared, "jail_pool_requests_total", outcome="miss") == 1
    assert _value(shared, "jail_pool_waits_total") == 1
    assert _value(shared, "jail_pool_broken_total") == 1
    assert _value(shared, "jail_pool_made_total") == 6
    assert _value(shared, "jail_pool_making_seconds_total") == 0.75
    assert _value(shared, "jail_pool_size", started="python", state="ready") == 0


def test_how_long_a_jail_was_waited_for_counts_only_where_one_was(shared: CollectorRegistry) -> None:
    counting = Counting(None)
    counting.ran("python", TestResult(0, Verdict.OK, telemetry=RunTelemetry(prepare_us=1500, mode="warm")))
    counting.ran("python", TestResult(1, Verdict.OK, telemetry=RunTelemetry(prepare_us=9, mode="warm"), cached=True))
    counting.ran("python", TestResult(2, None, "skipped"))

    labels = {"language": "python", "mode": "warm"}
    assert _value(shared, "jail_acquisition_duration_seconds_count", **labels) == 1
    assert _value(shared, "jail_acquisition_duration_seconds_sum", **labels) == 0.0015


def test_what_an_ended_process_had_standing_counts_no_more(shared: CollectorRegistry) -> None:
    pool = FakePool(kinds=Counter({("nothing", "taken"): 1}))
    counting = Counting(pool)  # type: ignore[arg-type] # it asks for no more than that
    counting.end()
    assert _value(shared, "jail_pool_size", started="nothing", state="taken") is None


def test_what_of_the_room_is_taken_is_told_when_it_is_asked(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "t", SampledHierarchy(), 4, capacity=Capacity(100, 50))
    registry = CollectorRegistry()
    registry.register(RoomNow(slots))

    def told(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    with slots.acquire(2, Room(60, 10)):
        assert (told("room_slots", state="taken"), told("room_slots", state="free")) == (2, 2)
        assert (told("room_memory_bytes", state="taken"), told("room_memory_bytes", state="free")) == (60, 40)
        assert told("room_disk_bytes", state="free") == 40
        assert told("room_waited_for") == 0
    assert told("room_memory_bytes", state="taken") == 0

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from domain.measured import CompileCache
from domain.model import Claim, ExecutionTelemetry, Outcome, Phases, Priority, RunTelemetry, TestResult, Usage
from domain.verdict import Verdict
from sandbox import Capacity, PoolStats, Room, Slots
from sandbox.sampled import SampledHierarchy
from tests.unit.workers.making import asking, claimed
from workers import metrics
from workers.metrics import HostNow, PoolWatch, RoomNow, Watching, ended, given_up, ran, reason_of

NOW = datetime(2026, 11, 27, tzinfo=UTC)
LANGUAGES = {"python": "python", "nothing": "plain"}


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


def _value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_each_look_takes_over_what_came_since_the_last(shared: CollectorRegistry) -> None:
    pool = FakePool(PoolStats(hits=3, misses=1, made=4, make_s=0.5), Counter({("python", "ready"): 2}))
    watch = PoolWatch(pool, LANGUAGES.__getitem__)  # type: ignore[arg-type] # it asks for no more than that
    watch.look()
    pool.stats, pool.kinds = PoolStats(hits=5, misses=1, waited=1, broken=1, made=6, make_s=0.75), Counter()
    watch.look()

    assert _value(shared, "jail_pool_requests_total", outcome="hit") == 5
    assert _value(shared, "jail_pool_requests_total", outcome="miss") == 1
    assert _value(shared, "jail_pool_waits_total") == 1
    assert _value(shared, "jail_pool_broken_total") == 1
    assert _value(shared, "jail_pool_made_total") == 6
    assert _value(shared, "jail_pool_making_seconds_total") == 0.75
    assert _value(shared, "jail_pool_size", language="python", state="ready") == 0


def test_how_long_a_jail_was_waited_for_counts_only_where_one_was(shared: CollectorRegistry) -> None:
    ran("python", TestResult(0, Verdict.OK, telemetry=RunTelemetry(prepare_us=1500, mode="warm")))
    ran("python", TestResult(1, Verdict.OK, telemetry=RunTelemetry(prepare_us=9, mode="warm"), cached=True))
    ran("python", TestResult(2, None, "skipped"))

    labels = {"language": "python", "mode": "warm"}
    assert _value(shared, "jail_acquisition_duration_seconds_count", **labels) == 1
    assert _value(shared, "jail_acquisition_duration_seconds_sum", **labels) == 0.0015


def test_what_an_ended_process_had_standing_counts_no_more(shared: CollectorRegistry) -> None:
    pool = FakePool(kinds=Counter({("nothing", "taken"): 1}))
    watching = Watching(pool, LANGUAGES.__getitem__)  # type: ignore[arg-type] # it asks for no more than that
    watching.end()
    assert _value(shared, "jail_pool_size", language="plain", state="taken") is None


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


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is three seconds after what is claimed was queued."""
    monkeypatch.setattr(metrics, "datetime", SimpleNamespace(now=lambda _: NOW))


def _claim(language: str = "python", priority: Priority = Priority.NORMAL) -> Claim:
    return replace(claimed(asking(language, priority=priority)), queued_at=NOW - timedelta(seconds=3))


@pytest.mark.usefixtures("now")
def test_an_execution_is_counted_by_its_end_and_without_the_time_of_its_runs(shared: CollectorRegistry) -> None:
    known = ExecutionTelemetry(phases=Phases(queue_ms=40, run_ms=2500), compile_cache=CompileCache.HIT)
    claim = _claim(language="cpp@17", priority=Priority.INTERACTIVE)
    ended(claim, Outcome(Verdict.RTE, "syscall:ptrace", known), own_ms=2400)

    assert _value(shared, "execution_requests_total", language="cpp", status="RTE") == 1
    assert _value(shared, "execution_reasons_total", verdict="RTE", reason="syscall") == 1
    assert _value(shared, "shipd_cache_lookups_total", cache="compile", outcome="hit") == 1
    assert _value(shared, "execution_phase_seconds_sum", **{"class": "interactive", "phase": "run"}) == 2.5
    assert _value(shared, "execution_phase_seconds_count", **{"class": "interactive", "phase": "compile"}) is None
    whole = {"language": "cpp", "class": "interactive"}
    assert _value(shared, "execution_duration_seconds_sum", **whole) == 3
    assert _value(shared, "execution_overhead_seconds_sum", **{"class": "interactive"}) == pytest.approx(0.6)
    assert _value(shared, "execution_overhead_seconds_bucket", **{"class": "interactive", "le": "2.0"}) == 1


@pytest.mark.usefixtures("now")
def test_runs_at_the_same_moment_never_make_it_less_than_nothing(shared: CollectorRegistry) -> None:
    ended(_claim(), Outcome(Verdict.AC, None, ExecutionTelemetry()), own_ms=60_000)
    assert _value(shared, "execution_overhead_seconds_sum", **{"class": "normal"}) == 0


def test_what_runs_spent_is_added_up(shared: CollectorRegistry) -> None:
    ran("python", TestResult(0, Verdict.OK, usage=Usage(1500, 1600, 3 * 2**20)))
    ran("python", TestResult(1, Verdict.OK, usage=Usage(500, 600, None)))
    ran("python", TestResult(2, Verdict.OK, usage=Usage(500, 600, 5), cached=True))

    assert _value(shared, "execution_cpu_seconds_total", language="python") == 2
    assert _value(shared, "execution_memory_bytes_count", language="python") == 1
    assert _value(shared, "execution_memory_bytes_bucket", language="python", le="4.194304e+06") == 1


def test_what_the_sweeper_gives_up_counts_as_a_failure_of_ours(shared: CollectorRegistry) -> None:
    given_up("attempts")
    assert _value(shared, "execution_requests_total", language="unknown", status="JE") == 1
    assert _value(shared, "execution_reasons_total", verdict="JE", reason="attempts") == 1


@pytest.mark.parametrize(
    ("reason", "counted_as"),
    [(None, "none"), ("wall", "wall"), ("exit:7", "exit"), ("file:any/thing", "file"), ("never heard of", "other")],
)
def test_reasons_are_counted_by_one_of_few(reason: str | None, counted_as: str) -> None:
    assert reason_of(reason) == counted_as


def test_the_machine_is_looked_at_when_prometheus_asks() -> None:
    registry = CollectorRegistry()
    registry.register(HostNow())
    used = registry.get_sample_value("shipd_host_memory_bytes", {"state": "used"})
    assert used is not None
    assert used > 0
    spent = registry.get_sample_value("shipd_host_cpu_seconds_total", {"mode": "user"})
    assert spent is not None
    assert spent > 0

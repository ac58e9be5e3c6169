import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.account import Observation, result_of
from sandbox.cgroup import GroupStats
from sandbox.init import Kind, Report
from sandbox.keeper import Ending
from sandbox.limits import MIB, Limits
from sandbox.result import Cause
from sandbox.streams import Capture

LIMITS = Limits(
    cpu_time_ms=1000, wall_time_ms=3000, memory_bytes=64 * MIB, output_bytes=10, file_bytes=MIB, processes=8
)
EXITED = Report(
    kind=Kind.ENDED,
    code=1,
    status=3,
    error=0,
    user_us=300,
    system_us=200,
    max_rss_kb=1024,
    minor_faults=7,
    major_faults=2,
    voluntary_switches=4,
    involuntary_switches=5,
)
STATS = GroupStats(
    cpu_us=1_000_000,
    user_us=600_000,
    system_us=400_000,
    memory_peak_bytes=10 * MIB,
    oom_kills=0,
    pids_peak=2,
    forks_refused=0,
)


@pytest.fixture
def seen() -> Iterator[Observation]:
    """A program that exited with 3, exactly at its CPU and wall limit."""
    captures = []
    for text in (b"out", b"err"):
        reader, writer = os.pipe()
        os.write(writer, text)
        os.close(writer)
        captures.append(Capture(reader, 10))
        captures[-1].drain()
    stdout, stderr = captures
    yield Observation(
        ending=Ending(EXITED, 3_000_000, stopped=False),
        stats=STATS,
        source="cgroup",
        perf={},
        moved={"bytes_read": 11, "bytes_written": 12},
        disk_bytes=4096,
        stdout=stdout,
        stderr=stderr,
        prepare_us=5,
    )
    for capture in captures:
        capture.close()


def test_exactly_at_every_limit_passes(seen: Observation) -> None:
    result = result_of(seen, LIMITS)
    assert (result.cause, result.exit_code, result.exit_signal) == (Cause.EXIT, 3, None)
    assert (result.stdout, result.stderr) == (b"out", b"err")
    assert (result.cpu_time_us, result.wall_time_us, result.memory_bytes) == (1_000_000, 3_000_000, 10 * MIB)
    assert (result.source, result.prepare_us, result.exec_errno) == ("cgroup", 5, 0)


def test_a_microsecond_of_cpu_more_does_not(seen: Observation) -> None:
    over = replace(seen, stats=replace(STATS, cpu_us=1_000_001))
    assert result_of(over, LIMITS).cause is Cause.CPU


def test_a_microsecond_of_wall_more_does_not(seen: Observation) -> None:
    over = replace(seen, ending=Ending(EXITED, 3_000_001, stopped=False))
    assert result_of(over, LIMITS).cause is Cause.WALL


def test_a_memory_peak_alone_is_never_the_cause(seen: Observation) -> None:
    full = replace(seen, stats=replace(STATS, memory_peak_bytes=64 * MIB))
    assert result_of(full, LIMITS).cause is Cause.EXIT


def test_a_record_of_an_oom_kill_is_the_cause_even_after_a_good_end(seen: Observation) -> None:
    killed = replace(
        seen, ending=Ending(replace(EXITED, status=0), 1, stopped=False), stats=replace(STATS, oom_kills=1)
    )
    assert result_of(killed, LIMITS).cause is Cause.MEMORY


def test_a_signal_is_told_as_one(seen: Observation) -> None:
    signalled = replace(seen, ending=Ending(replace(EXITED, code=2, status=11), 1, stopped=False))
    result = result_of(signalled, LIMITS)
    assert (result.cause, result.exit_code, result.exit_signal) == (Cause.SIGNAL, None, 11)


def test_without_a_report_the_program_was_killed(seen: Observation) -> None:
    result = result_of(replace(seen, ending=Ending(None, 9_000_000, stopped=True)), LIMITS)
    assert (result.cause, result.exit_code, result.exit_signal) == (Cause.WALL, None, 9)
    assert result.exec_errno == 0
    assert result.counters.page_faults is None


def test_the_first_denied_call_is_the_one(seen: Observation) -> None:
    ending = Ending(replace(EXITED, code=2, status=9), 1, stopped=True, denied_syscalls=["bpf", "mount", "bpf"])
    result = result_of(replace(seen, ending=ending), LIMITS)
    assert (result.cause, result.denied_syscall) == (Cause.SYSCALL, "bpf")
    assert result.denied_syscalls == {"bpf": 2, "mount": 1}


def test_calls_that_were_only_learned_are_no_cause(seen: Observation) -> None:
    learned = replace(seen, ending=Ending(EXITED, 1, stopped=False, denied_syscalls=["bpf"]))
    result = result_of(learned, LIMITS)
    assert (result.cause, result.denied_syscall, result.denied_syscalls) == (Cause.EXIT, None, {"bpf": 1})


def test_why_a_program_did_not_start_is_kept(seen: Observation) -> None:
    ending = Ending(replace(EXITED, status=127, error=2), 1, stopped=False)
    assert result_of(replace(seen, ending=ending), LIMITS).exec_errno == 2


def test_counters_name_their_sources(seen: Observation) -> None:
    counters = result_of(seen, LIMITS).counters
    assert (counters.page_faults, counters.page_faults_major, counters.context_switches) == (9, 2, 9)
    assert (counters.bytes_read, counters.bytes_written, counters.disk_bytes, counters.network_bytes) == (
        11,
        12,
        4096,
        0,
    )
    assert (counters.cpu_user_us, counters.cpu_system_us, counters.pids_peak) == (600_000, 400_000, 2)
    assert counters.sources["page_faults"] == "rusage"
    assert counters.sources["cpu_user_us"] == "cgroup"


def test_the_better_source_takes_the_place_of_the_lesser(seen: Observation) -> None:
    counters = result_of(replace(seen, perf={"page_faults": 100, "system_calls": 8}), LIMITS).counters
    assert (counters.page_faults, counters.system_calls) == (100, 8)
    assert counters.sources["page_faults"] == "perf"


def test_what_nobody_counted_is_unknown(seen: Observation) -> None:
    uncounted = replace(STATS, user_us=None, system_us=None, pids_peak=None)
    counters = result_of(replace(seen, stats=uncounted, moved={}), LIMITS).counters
    assert (counters.cpu_user_us, counters.pids_peak, counters.bytes_read, counters.system_calls) == (None,) * 4
    assert "pids_peak" not in counters.sources


def test_where_it_was_sampled_the_report_may_say_more(seen: Observation) -> None:
    report = replace(EXITED, user_us=900_000, system_us=200_000, max_rss_kb=20 * 1024)
    stats = replace(STATS, cpu_us=5, user_us=None, system_us=None)
    sampled = replace(seen, source="sampled", stats=stats, ending=Ending(report, 1, stopped=False))
    result = result_of(sampled, LIMITS)
    assert (result.cause, result.cpu_time_us, result.memory_bytes) == (Cause.CPU, 1_100_000, 20 * MIB)
    assert result.counters.cpu_user_us == 900_000
    assert result.counters.sources["cpu_user_us"] == "sampled"


def test_a_sampled_peak_above_the_limit_is_memory(seen: Observation) -> None:
    report = replace(EXITED, max_rss_kb=64 * 1024 + 4)
    sampled = replace(seen, source="sampled", ending=Ending(report, 1, stopped=False))
    assert result_of(sampled, LIMITS).cause is Cause.MEMORY


def test_a_sampled_run_without_a_report_has_what_was_seen(seen: Observation) -> None:
    sampled = replace(seen, source="sampled", ending=Ending(None, 9_000_000, stopped=True))
    assert result_of(sampled, LIMITS).cpu_time_us == STATS.cpu_us

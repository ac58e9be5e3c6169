"""From what was observed of a run to its result (pure)."""

import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.cgroup import GroupStats
from sandbox.keeper import Ending
from sandbox.limits import Limits
from sandbox.result import Counters, Evidence, RunResult, decide
from sandbox.streams import Capture


@dataclass(frozen=True)
class Observation:
    """Everything that was seen of one run, by whom."""

    ending: Ending
    stats: GroupStats
    source: str
    """Who measured CPU and memory: `cgroup` or `sampled`."""
    perf: Mapping[str, int]
    moved: Mapping[str, int]
    network_bytes: int | None
    """Over the jail's link; None where it has none."""
    disk_bytes: int
    stdout: Capture
    stderr: Capture
    prepare_us: int
    mode: str = "cold"
    hash_seed: int | None = None
    shared_bytes: int = 0
    """Memory that a program shares with the interpreter that it is a copy of: charged to neither, and so added."""


def result_of(seen: Observation, limits: Limits) -> RunResult:
    """Decide the cause and put the result together."""
    report = seen.ending.report
    spent = _spent(seen)
    evidence = Evidence(
        exit_code=report.exit_code if report else None,
        # Without a report init itself had to be killed, and the program with it.
        exit_signal=report.exit_signal if report else int(signal.SIGKILL),
        oom_killed=spent.oom_kills > 0
        or (seen.source == "sampled" and (spent.memory_peak_bytes or 0) > limits.memory_bytes),
        stdout_overflow=seen.stdout.overflow,
        stderr_overflow=seen.stderr.overflow,
        cpu_exceeded=spent.cpu_us > limits.cpu_time_ms * 1000,
        wall_exceeded=seen.ending.wall_time_us > limits.wall_time_ms * 1000,
        denied_syscall=next(iter(seen.ending.denied_syscalls), None) if seen.ending.stopped else None,
        forks_refused=spent.forks_refused > 0,
    )
    return RunResult(
        cause=decide(evidence),
        exit_code=evidence.exit_code,
        exit_signal=evidence.exit_signal,
        stdout=seen.stdout.data,
        stderr=seen.stderr.data,
        cpu_time_us=spent.cpu_us,
        wall_time_us=seen.ending.wall_time_us,
        memory_bytes=None if spent.memory_peak_bytes is None else spent.memory_peak_bytes + seen.shared_bytes,
        source=seen.source,
        counters=_counters(seen),
        denied_syscall=evidence.denied_syscall,
        denied_syscalls=dict(Counter(seen.ending.denied_syscalls)),  # asdict cannot copy a Counter
        exec_errno=report.error if report else 0,
        prepare_us=seen.prepare_us,
        mode=seen.mode,
        hash_seed=seen.hash_seed,
    )


def _spent(seen: Observation) -> GroupStats:
    """The counters; where they were sampled, what init's rusage says may be more than what was seen."""
    stats, report = seen.stats, seen.ending.report
    if seen.source != "sampled" or report is None:
        return stats
    return GroupStats(
        cpu_us=max(stats.cpu_us, report.user_us + report.system_us),
        user_us=report.user_us,
        system_us=report.system_us,
        memory_peak_bytes=max(stats.memory_peak_bytes or 0, report.max_rss_kb * 1024),
        oom_kills=stats.oom_kills,
        pids_peak=stats.pids_peak,
        forks_refused=stats.forks_refused,
    )


def _counters(seen: Observation) -> Counters:
    """Put the counters together, the better source over the lesser, and say for each which it was."""
    spent = _spent(seen)
    known = {"cpu_user_us": spent.user_us, "cpu_system_us": spent.system_us, "pids_peak": spent.pids_peak}
    by_source: list[tuple[str, Mapping[str, int]]] = [
        ("rusage", _rusage(seen)),
        ("perf", seen.perf),
        ("proc", seen.moved),
        (seen.source, {name: value for name, value in known.items() if value is not None}),
        ("statvfs", {"disk_bytes": seen.disk_bytes}),
        # Without a link the jail's network namespace has a loopback and nothing else: no byte can have left it.
        ("no interface", {"network_bytes": 0})
        if seen.network_bytes is None
        else ("veth", {"network_bytes": seen.network_bytes}),
    ]
    values = {name: value for _, found in by_source for name, value in found.items()}
    sources = {name: source for source, found in by_source for name in found}
    return Counters(**values, sources=sources)


def _rusage(seen: Observation) -> Mapping[str, int]:
    report = seen.ending.report
    if report is None:
        return {}
    return {
        "page_faults": report.minor_faults + report.major_faults,
        "page_faults_major": report.major_faults,
        "context_switches": report.voluntary_switches + report.involuntary_switches,
    }

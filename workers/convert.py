"""From the sandbox's types to the domain's: the one place where they meet (pure)."""

from domain.model import RunTelemetry, Usage
from sandbox import RunResult


def milliseconds(microseconds: int) -> int:
    """Round up: any part of a millisecond above a limit shows."""
    return -(-microseconds // 1000)


def usage_of(result: RunResult) -> Usage:
    """What a run spent."""
    return Usage(
        cpu_time_ms=milliseconds(result.cpu_time_us),
        wall_time_ms=milliseconds(result.wall_time_us),
        memory_bytes=result.memory_bytes,
        source=result.source,
    )


def telemetry_of(result: RunResult, slot: int | None) -> RunTelemetry:
    """What a run was seen to do."""
    seen = result.counters
    return RunTelemetry(
        cpu_user_ms=None if seen.cpu_user_us is None else seen.cpu_user_us // 1000,
        cpu_system_ms=None if seen.cpu_system_us is None else seen.cpu_system_us // 1000,
        pids_peak=seen.pids_peak,
        page_faults=seen.page_faults,
        page_faults_major=seen.page_faults_major,
        context_switches=seen.context_switches,
        cpu_migrations=seen.cpu_migrations,
        bytes_read=seen.bytes_read,
        bytes_written=seen.bytes_written,
        system_calls=seen.system_calls,
        network_bytes=seen.network_bytes,
        disk_bytes=seen.disk_bytes,
        slot=slot,
        prepare_us=result.prepare_us,
        mode=result.mode,
        hash_seed=result.hash_seed,
        sources=dict(seen.sources),
        denied_syscalls=dict(result.denied_syscalls),
    )

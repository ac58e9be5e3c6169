"""Measurements on their way out."""

from collections.abc import Mapping
from dataclasses import asdict, fields

from domain.model import ExecutionTelemetry, Phases, RunTelemetry, Usage
from domain.usage import HIDDEN_TIME_MS, nearest


def usage_json(usage: Usage | None) -> dict[str, object] | None:
    """Give the JSON; `source` only where it was not the kernel that counted."""
    if usage is None:
        return None
    counted: dict[str, object] = {
        "cpu_time_ms": usage.cpu_time_ms,
        "wall_time_ms": usage.wall_time_ms,
        "memory_bytes": usage.memory_bytes,
    }
    return counted if usage.source == "cgroup" else counted | {"source": usage.source}


def run_telemetry_json(telemetry: RunTelemetry | None) -> dict[str, object] | None:
    """Give the JSON of what one run was seen to do."""
    return None if telemetry is None else asdict(telemetry)


def telemetry_json(telemetry: ExecutionTelemetry | None, *, any_hidden: bool) -> dict[str, object] | None:
    """Give the JSON of what is known of an execution; blurred as usage is where some of it was hidden."""
    if telemetry is None:
        return None
    return {
        "phases": _phases_json(telemetry.phases, any_hidden=any_hidden),
        "host": telemetry.host,
        "region": telemetry.region,
        "worker": telemetry.worker,
        "versions": dict(telemetry.versions),
        "compile": run_telemetry_json(telemetry.compile),
        "compile_usage": usage_json(telemetry.compile_usage),
        "compile_cache": telemetry.compile_cache,
        "execution_cache": telemetry.execution_cache,
        "language_metrics": None if any_hidden else _plain(telemetry.language_metrics),
    }


def _phases_json(phases: Phases, *, any_hidden: bool) -> dict[str, int | None]:
    times: dict[str, int | None] = {field.name: getattr(phases, field.name) for field in fields(phases)}
    if not any_hidden:
        return times
    return {name: None if time is None else nearest(time, HIDDEN_TIME_MS) for name, time in times.items()}


def _plain(metrics: Mapping[str, int | str] | None) -> dict[str, int | str] | None:
    return None if metrics is None else dict(metrics)

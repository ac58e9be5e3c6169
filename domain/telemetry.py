"""The columns of what was spent and counted, to and from the model: the same in results, executions and telemetry."""

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from domain import storable
from domain.model import RunTelemetry, Usage

USAGE = ("cpu_time_ms", "wall_time_ms", "memory_bytes", "usage_source")
COUNTERS = (
    *("cpu_user_ms", "cpu_system_ms", "pids_peak", "page_faults", "page_faults_major", "context_switches"),
    *("cpu_migrations", "bytes_read", "bytes_written", "system_calls", "network_bytes", "disk_bytes"),
    *("slot", "prepare_us", "hash_seed", "mode"),
)
DETAILS = ("sources", "denied_syscalls")
COUNTED = (*COUNTERS, *DETAILS)
RUN = (*USAGE, *COUNTED)
"""The columns of one jailed run. The last two are null where nothing was counted, and the run has no RunTelemetry."""


def usage_values(usage: Usage | None) -> Sequence[object]:
    """Give the values of USAGE."""
    if usage is None:
        return (None,) * len(USAGE)
    return usage.cpu_time_ms, usage.wall_time_ms, usage.memory_bytes, usage.source


def usage(row: Sequence[Any]) -> Usage | None:
    """Read the values of USAGE."""
    return Usage(*row) if row[0] is not None else None


def run_values(spent: Usage | None, counted: RunTelemetry | None) -> Sequence[object]:
    """Give the values of RUN."""
    if counted is None:
        return (*usage_values(spent), *(None,) * len(COUNTERS), None, None)
    counters = (getattr(counted, name) for name in COUNTERS)
    details = (Jsonb(storable.mapping(getattr(counted, name))) for name in DETAILS)
    return (*usage_values(spent), *counters, *details)


def run(row: Sequence[Any]) -> tuple[Usage | None, RunTelemetry | None]:
    """Read the values of RUN."""
    return usage(row[: len(USAGE)]), counted(row[len(USAGE) :])


def counted(row: Sequence[Any]) -> RunTelemetry | None:
    """Read the values of COUNTED."""
    return None if row[-1] is None else RunTelemetry(**dict(zip(COUNTED, row, strict=True)))

"""What was spent, as it may be told (pure): blurred where a hidden test case spent it."""

from collections.abc import Iterable
from dataclasses import replace

from domain.model import Usage

HIDDEN_TIME_MS = 10
HIDDEN_MEMORY_BYTES = 1024 * 1024


def rounded(usage: Usage) -> Usage:
    """Blur what a hidden test case spent: exact figures would tell of its input."""
    memory = usage.memory_bytes
    return replace(
        usage,
        cpu_time_ms=nearest(usage.cpu_time_ms, HIDDEN_TIME_MS),
        wall_time_ms=nearest(usage.wall_time_ms, HIDDEN_TIME_MS),
        memory_bytes=None if memory is None else nearest(memory, HIDDEN_MEMORY_BYTES),
    )


def nearest(value: int, step: int) -> int:
    """Round to a multiple of `step`."""
    return (value + step // 2) // step * step


def together(usages: Iterable[Usage]) -> Usage | None:
    """Give what the test cases spent in all: times added up, memory the largest; None where nothing ran."""
    spent = list(usages)
    if not spent:
        return None
    return Usage(
        cpu_time_ms=sum(usage.cpu_time_ms for usage in spent),
        wall_time_ms=sum(usage.wall_time_ms for usage in spent),
        memory_bytes=max((usage.memory_bytes for usage in spent if usage.memory_bytes is not None), default=None),
        source="sampled" if any(usage.source == "sampled" for usage in spent) else "cgroup",
    )

"""What many measurements of one thing come to (pure)."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the least value that at least `percent` of a hundred do not exceed (nearest rank): one that was measured."""
    if not values:
        raise ValueError("no samples, no percentile")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def summary(values: Sequence[float], *percents: int, digits: int = 3) -> dict[str, float]:
    """Give `p50_ms`, `p99_ms`... and `max_ms` of milliseconds."""
    found = {f"p{percent}_ms": round(percentile(values, percent), digits) for percent in percents}
    return {**found, "max_ms": round(max(values), digits)}

"""How many jails of a kind will be asked for: an exponentially weighted mean of the seconds that were (pure).

Simple exponential smoothing (R. G. Brown, 1956): next = weight x last + (1 - weight) x forecast.
"""

BUCKET_S = 1.0
WEIGHT = 0.5


class Forecast:
    """The rate of one kind, and by how much it was foreseen wrongly."""

    def __init__(self, now: float) -> None:
        self.rate = 0.0
        """Jails a second, expected."""
        self._began = now
        self._count = 0
        self._error = 0.0
        self._buckets = 0

    def note(self, now: float) -> None:
        """One was asked for."""
        self._close_buckets(now)
        self._count += 1

    @property
    def mean_error(self) -> float:
        """Mean absolute difference between a second's forecast and what came; 0 before the first second is over."""
        return self._error / self._buckets if self._buckets else 0.0

    def _close_buckets(self, now: float) -> None:
        """Account for the seconds that are over; of many empty ones only the first few make a difference."""
        over = int((now - self._began) / BUCKET_S)
        for _ in range(min(over, 16)):
            self._error += abs(self._count / BUCKET_S - self.rate)
            self._buckets += 1
            self.rate += WEIGHT * (self._count / BUCKET_S - self.rate)
            self._count = 0
        self._began += over * BUCKET_S

"""How many jails of a kind will be asked for: an exponentially weighted mean of the seconds that were (pure).

Simple exponential smoothing (R. G. Brown, 1956): next = weight x last + (1 - weight) x forecast.
"""

from sandbox.kind import Kind

BUCKET_S = 1.0
WEIGHT = 0.5
MOST_KINDS = 64
"""How many are remembered: what is asked for decides how many there are."""


class Forecast:
    """The rate of one kind, and by how much it was foreseen wrongly."""

    def __init__(self, now: float) -> None:
        self.rate = 0.0
        """Jails a second, expected."""
        self.asked = 0
        """How often, since it is remembered."""
        self._began = now
        self._count = 0
        self._error = 0.0
        self._buckets = 0

    def note(self, now: float) -> None:
        """One was asked for."""
        self._close_buckets(now)
        self._count += 1
        self.asked += 1

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


class Forecasts:
    """The rates of the kinds that were asked for last."""

    def __init__(self) -> None:
        self._known: dict[Kind, Forecast] = {}

    def __getitem__(self, kind: Kind) -> Forecast:
        return self._known[kind]

    def note(self, kind: Kind, now: float) -> Forecast:
        """One of a kind was asked for; gives what is known of it."""
        found = self._known.pop(kind, None) or Forecast(now)
        self._known[kind] = found  # the newest last
        if len(self._known) > MOST_KINDS:
            del self._known[next(iter(self._known))]
        found.note(now)
        return found

"""How many submissions will come: Holt's double exponential smoothing of what came in each minute (pure).

C. C. Holt, Forecasting seasonals and trends by exponentially weighted moving averages (ONR memorandum 52, 1957):

    level'   = LEVEL x last + (1 - LEVEL) x (level + trend)
    trend'   = TREND x (level' - level) + (1 - TREND) x trend
    forecast of so many minutes on = level + minutes x trend, and never below nothing
"""

from collections.abc import Iterable

LEVEL = 0.5
TREND = 0.3


class Holt:
    """The forecast of one series, and by how much it was wrong."""

    def __init__(self, counts: Iterable[int] = ()) -> None:
        self._level = 0.0
        self._trend = 0.0
        self._seen = 0
        self._error = 0.0
        for count in counts:
            self.note(count)

    def note(self, count: int) -> None:
        """One more minute is over."""
        if self._seen == 0:
            self._level = count
        else:
            self._error += abs(count - self.ahead(1))
            level = LEVEL * count + (1 - LEVEL) * (self._level + self._trend)
            self._trend = TREND * (level - self._level) + (1 - TREND) * self._trend
            self._level = level
        self._seen += 1

    def ahead(self, minutes: float) -> float:
        """Give what is expected in the minute that is so many minutes on; 1 is the next."""
        return max(0.0, self._level + minutes * self._trend)

    @property
    def mean_error(self) -> float:
        """Mean absolute difference between the forecast of the next minute and what came; 0 before there was one."""
        return self._error / (self._seen - 1) if self._seen > 1 else 0.0

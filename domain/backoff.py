"""How long to wait before something is tried again: twice as long each time, never too long, and never all at once.

Whoever failed together (a fleet whose database was restarted) must not come back at the same instant, so every pause is
longer or shorter by chance. That goes for what is done every few seconds, too: `spread`.
"""

import random
from dataclasses import dataclass, field

JITTER = 0.5
"""A pause is longer or shorter by this part at the most."""


@dataclass
class Backoff:
    """The pauses of one who tries again; for one thread. Times in seconds."""

    first_s: float
    longest_s: float
    """Before chance has its part in it."""
    _failures: int = field(default=0, init=False)

    def pause_s(self) -> float:
        """Say how long to wait now, after one more failure."""
        # Beyond 2 ** 32 every pause is the longest, and floats would end somewhere.
        pause = min(self.first_s * 2.0 ** min(self._failures, 32), self.longest_s)
        self._failures += 1
        return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - a wait is no secret

    def worked(self) -> None:
        """Begin with the first pause again."""
        self._failures = 0


def spread(every_s: float, part: float = 0.2) -> float:
    """Say when to do again what is done every so often: a little earlier by chance, never later."""
    return every_s * random.uniform(1 - part, 1)  # noqa: S311 - a wait is no secret

"""Remembering that a server is away: one asks whether it is back, and whoever comes meanwhile does without it at once.

Otherwise each request would find out by itself and pay a time-out for it, and a server that takes connections and never
answers would hold every thread of the API. What fails at once (nobody listens) costs nothing, and is not remembered: so
a server that was restarted is used from its first moment.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

PAUSE_S = 1.0
"""How long a server that did not answer is left alone."""
SLOW_S = 0.25
"""A failure that took less cost nobody anything."""


class Absence:
    """What a process knows of one server. Threads may share it: two of them may ask at once, which does no harm."""

    def __init__(self) -> None:
        self._again_at: float | None = None
        """When it may be asked again; None while it answers."""

    def may_ask(self) -> bool:
        """Say whether to ask now: always while it answers, else one in a while."""
        again_at = self._again_at
        if again_at is None:
            return True
        now = time.monotonic()
        if now < again_at:
            return False
        self._again_at = now + PAUSE_S  # for everybody else
        return True

    def failed(self) -> None:
        """Note that it did not answer in time."""
        self._again_at = time.monotonic() + PAUSE_S

    def answered(self) -> None:
        """Note that it is there."""
        self._again_at = None

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Note what becomes of a block that asks it."""
        began = time.monotonic()
        try:
            yield
        except BaseException:
            if time.monotonic() - began >= SLOW_S:
                self.failed()
            raise
        self.answered()


_known: dict[str, Absence] = {}


def of(url: str) -> Absence:
    """Give what this process knows of the server at a URL."""
    return _known.setdefault(url, Absence())

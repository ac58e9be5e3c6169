"""Try again while the database is away: work that was done is worth waiting for."""

import time
from collections.abc import Callable
from typing import TypeVar

from domain.backoff import Backoff
from domain.errors import Unavailable
from domain.logging import logger

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

log = logger(__name__)
Result = TypeVar("Result")


def patiently(action: Callable[[], Result], for_s: float) -> Result:
    """Do `action`, again and again with growing pauses (and jitter) while PostgreSQL is away. Raises Unavailable."""
    deadline = time.monotonic() + for_s
    backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
    while True:
        try:
            return action()
        except Unavailable as error:
            pause = backoff.pause_s()
            if time.monotonic() + pause > deadline:
                raise
            log.warning("database_away", error=str(error))
            time.sleep(pause)

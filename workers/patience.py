"""Try again while the database is away: work that was done is worth waiting for."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from domain.errors import Unavailable
from domain.logging import logger

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

log = logger(__name__)
Result = TypeVar("Result")


def patiently(action: Callable[[], Result], for_s: float) -> Result:
    """Do `action`, again and again with growing pauses (and jitter) while PostgreSQL is away. Raises Unavailable."""
    deadline = time.monotonic() + for_s
    pause = FIRST_PAUSE_S
    while True:
        try:
            return action()
        except Unavailable as error:
            if time.monotonic() + pause > deadline:
                raise
            log.warning("database_away", error=str(error))
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, LONGEST_PAUSE_S)

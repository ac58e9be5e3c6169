"""A process of the pool that cannot begin ends, to be started again.

Celery would only log what its signal's handler raised, and have the process take messages that it cannot grade: while a
disk is full, say, all that came to the host.
"""

import os
import time
from collections.abc import Callable

from domain.logging import logger

PAUSE_S = 1.0
"""Before it ends: what fails once fails again a moment later."""

log = logger(__name__)


def fit_or_ended(begin: Callable[[], None]) -> None:
    """Begin; where that fails say so, and end this process with exit code 1."""
    try:
        begin()
    except Exception:
        log.critical("process_unfit", exc_info=True)
        time.sleep(PAUSE_S)
        os._exit(1)

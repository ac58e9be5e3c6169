"""Do again what makes a jail, in a new one, where the sandbox failed and not the program."""

from collections.abc import Callable
from typing import TypeVar

from domain.logging import logger
from sandbox import SandboxError

SANDBOX_TRIES = 3
"""How often a jail is made anew before it counts that none could be made."""

log = logger(__name__)
Result = TypeVar("Result")


def _at_once() -> None:
    """Nothing is looked at before a try."""


def tried(step: Callable[[], Result], before: Callable[[], object] = _at_once) -> Result:
    """Do a step that makes a jail, and `before` ahead of each try. Raises SandboxError at last, and what both raise."""
    for attempt in range(1, SANDBOX_TRIES + 1):
        before()
        try:
            return step()
        # An OSError is the host's: a full disk, no descriptors left.
        except (SandboxError, OSError) as error:
            if attempt == SANDBOX_TRIES:
                raise SandboxError(str(error)) from error
            log.warning("jail_failed", attempt=attempt, error=str(error))
    raise AssertionError("unreachable: the last try returns or raises")

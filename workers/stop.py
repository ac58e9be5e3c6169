"""The word that this worker must stop now: running jails end, and what was being graded is given back.

An eventfd made before the pool forks: the main process writes to it, and every child's keeper sees it readable.
"""

import os


class Stop:
    """Said once, by the main process, to all children of the pool."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def close(self) -> None:
        """Let go of the descriptor: nobody looks at it any more."""
        os.close(self.descriptor)

    def say(self) -> None:
        """Tell everybody."""
        os.eventfd_write(self.descriptor, 1)

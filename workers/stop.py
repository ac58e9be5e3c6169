"""The word that runs must end now: the keepers of running jails see a descriptor readable.

That of a whole worker is made before the pool forks: the main process says it to every child, and what was being graded
is given back. That of one run is said by another thread of its process, when nobody wants the result any more.
"""

import os


class Stop:
    """An eventfd; said once, to all who look at it."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def close(self) -> None:
        """Let go of the descriptor: nobody looks at it any more."""
        os.close(self.descriptor)

    def say(self) -> None:
        """Tell everybody."""
        os.eventfd_write(self.descriptor, 1)

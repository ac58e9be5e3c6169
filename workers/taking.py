"""Whether this worker takes anything: a word of the main process to all processes of its pool."""

import mmap


class Taking:
    """A byte of memory that is shared by the main process and those that it forks afterwards."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    @property
    def stopped(self) -> bool:
        """Whether nothing new is to be begun here."""
        return self._shared[0] == 1

    def stop(self, *, stopped: bool) -> None:
        """Say it to all processes."""
        self._shared[0] = int(stopped)

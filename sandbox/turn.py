"""Whose turn it is in a conversation: how much of the time it was the interactor that was waited for."""

import threading
import time


class Turn:
    """The interactor's turn: from what the program said until something is said to the program."""

    def __init__(self) -> None:
        self._taken_s = 0.0
        self._since: float | None = None
        self._lock = threading.Lock()

    @property
    def all_s(self) -> float:
        """How long it was its turn so far."""
        with self._lock:
            return self._taken_s + self._open_s()

    def begin(self) -> None:
        """The program has said something."""
        with self._lock:
            if self._since is None:
                self._since = time.monotonic()

    def end(self) -> None:
        """Something was said to the program, or nothing will be any more."""
        with self._lock:
            self._taken_s += self._open_s()
            self._since = None

    def revoke(self, after_s: float) -> None:
        """It was found to be the program's turn, if this has lasted for so long: the interactor waits."""
        with self._lock:
            if self._open_s() > after_s:
                self._since = None

    def _open_s(self) -> float:
        return 0.0 if self._since is None else time.monotonic() - self._since

"""What is typed for an interactive run, handed on to its program: by a thread of the run's own, so that nobody waits.

A pipe holds 64 KiB, and one entry is held here; what a program has not read beyond that stays in Redis.
"""

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from domain.errors import Unavailable
from domain.logging import logger
from domain.typed import BEGINNING, Piece
from sandbox import SandboxError, Taker

WAIT_MS = 50
"""How long Redis, and a full pipe, are waited for before a look at whether the run is over."""

log = logger(__name__)


class Source(Protocol):
    """Where it is read: `domain.typed.TypedInput`."""

    def next(self, execution_id: UUID, place: bytes, wait_ms: int) -> Piece | None:
        """Give the entry after `place`, waiting for one. Raises Unavailable."""


class Typist:
    """Types for one run."""

    def __init__(self, source: Source, execution_id: UUID) -> None:
        self._source = source
        self._id = execution_id
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, descriptor: int) -> None:
        """Begin, with the program's stdin; see `sandbox.Taker`. Raises SandboxError."""
        thread = threading.Thread(target=self._type, args=(descriptor,), name="typist", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no room for one more
            os.close(descriptor)
            raise SandboxError(f"nobody can type: {error}") from error
        self._thread = thread

    def close(self) -> None:
        """End, because the run has."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _type(self, descriptor: int) -> None:
        """The thread: type to the end, which the program sees as the end of its input."""
        with open(descriptor, "wb", buffering=0) as stdin:
            try:
                self._type_all(stdin.fileno())
            except Unavailable as error:
                log.warning("typed_input_ended", execution_id=str(self._id), error=str(error))

    def _type_all(self, stdin: int) -> None:
        place = BEGINNING
        while not self._over.is_set():
            piece = self._source.next(self._id, place, WAIT_MS)
            if piece is None:
                continue
            place = piece.place
            if not self._give(stdin, piece.data) or piece.is_end:
                return

    def _give(self, stdin: int, data: bytes) -> bool:
        """Write all of it, as fast as it is read; False where nobody reads any more."""
        room = select.poll()
        room.register(stdin, select.POLLOUT)
        left = memoryview(data)
        while left and not self._over.is_set():
            try:
                left = left[os.write(stdin, left) :]
            except BlockingIOError:
                room.poll(WAIT_MS)
            except BrokenPipeError:
                return False
        return True


@contextmanager
def typing(source: Source | None, execution_id: UUID) -> Iterator[Taker | None]:
    """Give who types for a run within the block; None where nothing is typed."""
    if source is None:
        yield None
        return
    typist = Typist(source, execution_id)
    try:
        yield typist.take
    finally:
        typist.close()

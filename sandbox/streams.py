"""The pipes of a run: output drained with a cap while the program runs, input fed without ever waiting for it."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Event

CHUNK_BYTES = 1 << 16
CHUNKS_AT_ONCE = 16
"""So many are read before the keeper looks at anything else; a chunk may be one byte."""
LENT_PATIENCE_S = 10.0
"""How long somebody else may take to read to its end what a program left that is dead."""

Taker = Callable[[int], None]
"""Given our end of a program's stdin, which does not block, to write to and to close."""


class Capture:
    """Our end of stdout or stderr. Keeps up to `cap` bytes; `overflow` says that there were more."""

    def __init__(self, descriptor: int, cap: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.cap = cap
        self.overflow = False
        self.lent: Event | None = None
        """Where somebody else reads it, and says what by `take`: set when there is nothing more to be read."""
        self._data = bytearray()
        self._told = 0

    def fileno(self) -> int:
        """Let a selector wait for it."""
        return self.descriptor

    def drain(self) -> bool:
        """Take all that is left by a program that has ended, up to one chunk past the cap. False at the stream's end.

        Where it is lent, the end is waited for.
        """
        if self.lent is not None:
            return not self.lent.wait(LENT_PATIENCE_S)
        return self._read(itertools.count())

    def take_some(self) -> bool:
        """Take some of what is there, and never for long: more may come as quickly. False at the end of the stream."""
        return self._read(range(CHUNKS_AT_ONCE))

    def _read(self, turns: Iterable[int]) -> bool:
        for _ in turns:
            if self.overflow:
                break
            try:
                chunk = os.read(self.descriptor, CHUNK_BYTES)
            except BlockingIOError:
                break
            if not chunk:
                return False
            self.take(chunk)
        return True

    def take(self, chunk: bytes) -> bool:
        """Keep what was read; whether that is within the cap."""
        self._data += chunk
        self.overflow = len(self._data) > self.cap
        return not self.overflow

    @property
    def data(self) -> bytes:
        """What was kept."""
        return bytes(self._data[: self.cap])

    @property
    def untold(self) -> bool:
        """Whether there are news."""
        return self._told < min(len(self._data), self.cap)

    def news(self) -> tuple[int, bytes]:
        """Give what was kept since this was asked the last time, and where that begins."""
        begins, self._told = self._told, min(len(self._data), self.cap)
        return begins, bytes(self._data[begins : self._told])

    def close(self) -> None:
        """Close our end."""
        os.close(self.descriptor)


class Feed:
    """Our end of stdin. A program that does not read is no error of anybody's."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor: int | None = descriptor
        self.taker: Taker | None = None
        """Who has our end when everything was given and somebody reads; without one it is closed."""
        self._left = memoryview(b"")

    def give(self, data: bytes) -> bool:
        """Begin: as much as the pipe takes is given now. False when that was all."""
        self._left = memoryview(data)
        return self.feed()

    def fileno(self) -> int:
        """Let a selector wait for it. -1 when everything was given and the pipe is closed, or somebody else's."""
        return -1 if self.descriptor is None else self.descriptor

    def feed(self) -> bool:
        """Give as much as the pipe takes. False when done: all given, or nobody reads any more."""
        if self.descriptor is None:
            return False
        try:
            while self._left:
                written = os.write(self.descriptor, self._left[:CHUNK_BYTES])
                self._left = self._left[written:]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            self._left, self.taker = self._left[:0], None
        self._end()
        return False

    def _end(self) -> None:
        if self.taker is None or self.descriptor is None:
            self.close()
            return
        descriptor, self.descriptor = self.descriptor, None
        self.taker(descriptor)

    def close(self) -> None:
        """Close our end, so that the program sees the end of its input."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


@dataclass
class Streams:
    """The three pipes: our ends as objects, the program's ends as descriptors."""

    feed: Feed
    stdout: Capture
    stderr: Capture
    theirs: tuple[int, ...]

    @classmethod
    def open(cls, cap: int, owner: int | None) -> "Streams":
        """Make the pipes, keeping `cap` bytes of each output.

        `owner` may open them again by /proc/self/fd, as programs do with /dev/stdin.
        """
        with contextlib.ExitStack() as undo:
            (in_read, in_write), (out_read, out_write), (err_read, err_write) = (_pipe(undo) for _ in range(3))
            theirs = (in_read, out_write, err_write)
            if owner is not None:
                for descriptor in theirs:
                    os.fchown(descriptor, owner, owner)
            undo.pop_all()
        return cls(Feed(in_write), Capture(out_read, cap), Capture(err_read, cap), theirs)

    def keep(self, cap: int) -> None:
        """Keep so many bytes of each output; nothing was drained yet."""
        self.stdout.cap = self.stderr.cap = cap

    def release(self) -> None:
        """Close the program's ends here, once it has them."""
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs = ()

    def close(self) -> None:
        """Close everything."""
        self.release()
        self.feed.close()
        self.stdout.close()
        self.stderr.close()


def _pipe(undo: contextlib.ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for end in ends:
        undo.callback(os.close, end)
    return ends

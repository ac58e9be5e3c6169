"""What one program writes to one stream, as events: text that never ends within a character, up to a cap (pure).

Only the beginning of a stream is told live. Where there is more, one last event says so, and the whole stands in the
result.
"""

import base64
from collections import deque
from dataclasses import dataclass, field

from domain.live import Telling

MOST_BYTES = 64 * 1024
"""Of one stream of one test case."""


@dataclass
class Pieces:
    """One stream of one test case: what was heard of it, and how much of that was told."""

    ordinal: int
    name: str
    """`stdout` or `stderr`."""
    heard: bytearray = field(default_factory=bytearray)
    """From the beginning, and no more than tells that there is more than is told."""
    told: int = 0
    cut: bool = False
    """Whether it was told that there is more than is told."""
    wanted: int = MOST_BYTES + 1
    _arrived: deque[bytes] = field(default_factory=deque)
    """What the keeper left here: neither it nor whoever tells it waits for the other."""

    def hear(self, data: bytes) -> bool:
        """Take what comes next; whether more is wanted. For the one thread that hears."""
        taken = data[: self.wanted]
        self._arrived.append(taken)
        self.wanted -= len(taken)
        return self.wanted > 0

    def settle(self, whole: bytes) -> None:
        """Take what counts in the end. Where it is not what was told, because it is of another run, all is told again.

        Such is an event whose offset is not beyond what was told before.
        """
        if whole[: self.told] != self.heard[: self.told]:
            self.told, self.cut = 0, False
        self._arrived.clear()
        self.heard = bytearray(whole[: MOST_BYTES + 1])

    def events(self, room: int, *, final: bool) -> list[Telling]:
        """Give what is not told yet, `room` bytes of it at the most.

        A character whose end is not here yet waits for it, unless this is `final`.
        """
        while self._arrived:
            self.heard += self._arrived.popleft()
        if self.cut:
            return []
        end = min(len(self.heard), MOST_BYTES, self.told + room)
        self.cut = end < len(self.heard)
        piece = bytes(self.heard[self.told : end])
        if self.cut or not final:
            piece = piece[: len(piece) - _unfinished(piece)]
        found = [self._event(piece)] if piece else []
        self.told += len(piece)
        if self.cut:
            found.append(self._event(b"", truncated=True))
        return found

    def _event(self, piece: bytes, **more: object) -> Telling:
        data = {"ordinal": self.ordinal, "stream": self.name, "offset": self.told, "data": _json(piece), **more}
        return "output", data


def _json(piece: bytes) -> str | dict[str, str]:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(piece).decode("ascii")}


def _unfinished(piece: bytes) -> int:
    """Count the bytes at the end that begin a character of UTF-8 and do not finish it."""
    for count, byte in enumerate(reversed(piece[-3:]), 1):
        if byte & 0xC0 != 0x80:
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return count if length > count else 0
    return 0

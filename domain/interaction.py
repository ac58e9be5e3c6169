"""What a program and its interactor said to each other, as it is kept: any beginning of it can be read (pure).

Each piece is a letter for who spoke, its length in four bytes, and what was said. `.` at the end, of no length, says
that there was more.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MOST_BYTES = 32 * 1024 - 16
"""Of each of the two, with what their pieces take: the whole is no longer than what an answer shows of an output."""
_HEAD = struct.Struct(">cI")
HEAD_BYTES = _HEAD.size
_MORE = b"."


class Speaker(StrEnum):
    """Who speaks."""

    PROGRAM = "program"
    INTERACTOR = "interactor"


_LETTERS = {Speaker.PROGRAM: b">", Speaker.INTERACTOR: b"<"}
_SPEAKERS = {letter: speaker for speaker, letter in _LETTERS.items()}


@dataclass(frozen=True)
class Said:
    """What one of them said before the other spoke."""

    speaker: Speaker
    data: bytes


def encode(said: Iterable[Said], *, truncated: bool) -> bytes:
    """Write it, as much of each as is kept; nothing is told of what came after that."""
    room, written = dict.fromkeys(Speaker, MOST_BYTES), bytearray()
    for one in said:
        kept = one.data[: max(0, room[one.speaker] - HEAD_BYTES)]
        room[one.speaker] -= HEAD_BYTES + len(one.data)
        if kept:
            written += _HEAD.pack(_LETTERS[one.speaker], len(kept)) + kept
        if len(kept) < len(one.data):
            truncated = True
            break
    return bytes(written + _HEAD.pack(_MORE, 0)) if truncated else bytes(written)


def decode(data: bytes) -> tuple[list[Said], bool]:
    """Read it, or a beginning of it: what was said, and whether there was more by its own word. Raises ValueError."""
    said: list[Said] = []
    start = 0
    while start + HEAD_BYTES <= len(data):
        letter, length = _HEAD.unpack_from(data, start)
        start += HEAD_BYTES
        if letter == _MORE:
            return said, True
        if letter not in _SPEAKERS:
            raise ValueError(f"{letter!r} is nobody who speaks")
        if piece := data[start : start + length]:
            said.append(Said(_SPEAKERS[letter], piece))
        start += length
    return said, False

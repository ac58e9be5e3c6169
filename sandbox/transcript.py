"""What two programs said to each other, in order, as far as it is kept."""

from dataclasses import dataclass
from enum import StrEnum

MOST_BYTES = 64 * 1024
"""Of each of the two; then nothing more is kept of either, so that what is kept is how it began, without gaps."""
EACH_BYTES = 32
"""What a change of the speaker counts beside what is said: many short ones take more to keep and to show."""


class Speaker(StrEnum):
    """The two who talk."""

    PROGRAM = "program"
    INTERACTOR = "interactor"

    @property
    def other(self) -> "Speaker":
        """Who listens."""
        return Speaker.INTERACTOR if self is Speaker.PROGRAM else Speaker.PROGRAM


@dataclass(frozen=True)
class Said:
    """What one of them said before the other spoke."""

    speaker: Speaker
    data: bytes


class Transcript:
    """Takes note of who says what."""

    def __init__(self) -> None:
        self.truncated = False
        """Whether more was said than is kept."""
        self._room = dict.fromkeys(Speaker, MOST_BYTES)
        self._speaker: Speaker | None = None
        self._said: list[tuple[Speaker, bytearray]] = []

    def add(self, speaker: Speaker, data: bytes) -> None:
        """Note what was said."""
        if self.truncated:
            return
        if speaker is not self._speaker:
            self._room[speaker] -= EACH_BYTES
            self._speaker = speaker
            self._said.append((speaker, bytearray()))
        kept = data[: max(0, self._room[speaker])]
        self._room[speaker] -= len(data)
        self.truncated = len(kept) < len(data)
        self._said[-1][1].extend(kept)

    @property
    def said(self) -> tuple[Said, ...]:
        """All that is kept."""
        return tuple(Said(speaker, bytes(data)) for speaker, data in self._said if data)

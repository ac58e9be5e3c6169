"""One run's part in a conversation: what its keeper does differently from that of a run alone."""

import math
import os
from typing import Protocol

from sandbox.relay import Relay
from sandbox.streams import Streams
from sandbox.transcript import Speaker


class Clock(Protocol):
    """Says what of the time of a run is its own."""

    def own_s(self, lasted_s: float) -> float:
        """Take off what the other took of it; seconds."""

    def patience_s(self) -> float:
        """How long what it says goes on as it does now, at the least; seconds."""

    def excuses(self) -> bool:
        """Whether a run that is over its time is to be left alone a little longer: it is the other that is waited for.

        What it waits from here on is not its own.
        """


class WallClock:
    """All the time is the run's own."""

    def own_s(self, lasted_s: float) -> float:
        """All of it."""
        return lasted_s

    def patience_s(self) -> float:
        """For ever."""
        return math.inf

    def excuses(self) -> bool:
        """Never."""
        return False


class Talk:
    """Joins a run to a relay, and lets it be ended when what it may still do is of no interest."""

    def __init__(self, relay: Relay, speaker: Speaker, clock: Clock) -> None:
        self.relay = relay
        self.speaker = speaker
        self.clock = clock
        self.enough = False
        """Whether it is to be ended."""
        self.nudge = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        """Readable when the keeper is to look what is to be done."""

    def join(self, streams: Streams, end: int) -> None:
        """Have the relay read its stdout and write its stdin; `end` is a pidfd of it."""
        streams.feed.taker = lambda descriptor: self.relay.take_stdin(self.speaker, descriptor)
        self.relay.join(self.speaker, streams.stdout, end, self._nudge)

    def end(self) -> None:
        """Have it ended, without a word on whose fault that was. Called by other threads."""
        self.enough = True
        self._nudge()

    def ends(self) -> None:
        """It is about to be killed: who ended first is known before anything can follow from that."""
        self.relay.note_first(self.speaker)

    def _nudge(self) -> None:
        os.eventfd_write(self.nudge, 1)

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self.nudge)

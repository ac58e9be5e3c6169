"""Hand on what two programs in jails write to each other: a loop in a thread of its own, on the CPU that they run on.

Each of them has pipes of its own to us, and none of the other's. So all that passes is seen, in its order, and neither
can do anything to the other's pipes: what is written to somebody who has ended, or does not listen any more, is read
and thrown away, and nobody dies of SIGPIPE for the other's end. That one has ended is passed on as the end of the
other's input, once it is known: who ended first is then what decided, and not what followed from it. A program that
closes its stdout and runs on has not ended: an interactor hears of it when it does, and does not decide before it.

Why on their CPU: a message that wakes somebody on another one takes ten times as long (docs/decisions/0025).
"""

import contextlib
import fcntl
import os
import queue
import select
import struct
import termios
import threading
import time
from collections.abc import Callable, Sequence

from sandbox.streams import CHUNK_BYTES, Capture
from sandbox.transcript import Speaker, Transcript
from sandbox.turn import Turn

CLOSED_PATIENCE_S = 0.02
"""How long after an interactor's stdout is closed its end is waited for, before the program is told."""


class Way:
    """One way: from who speaks to who listens. Belongs to the relay's thread, but for `stuck` and `heard`."""

    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self.source: int | None = None
        self.sink: int | None = None
        self.capture: Capture | None = None
        self.on_overflow: Callable[[], object] = lambda: None
        self.pending = bytearray()
        """What the listener's pipe has no room for; meanwhile nothing is read of who speaks, unless that has ended."""
        self.deaf = False
        """Whether nobody will listen any more."""
        self.closed_at = 0.0
        """Since when nothing is to be read any more."""
        self.lock = threading.Lock()
        """Held to close `sink`, and to look at it from elsewhere."""

    def heard(self) -> bool:
        """Whether the listener has read all that was said. Called by other threads."""
        with self.lock:
            return not self.pending and (self.sink is None or _bytes_within(self.sink) == 0)

    def stuck(self) -> bool:
        """Whether the listener does not take what is said. Called by other threads."""
        return bool(self.pending) and not self.deaf

    def close_sink(self) -> None:
        """Have the listener's input end."""
        with self.lock:
            if self.sink is not None:
                os.close(self.sink)
            self.sink = None

    def close_source(self) -> None:
        """Read no more."""
        if self.source is not None:
            os.close(self.source)
        self.source = None
        if self.capture is not None and self.capture.lent is not None:
            self.capture.lent.set()


class Relay:
    """Two ways, and the ends of those who speak."""

    def __init__(self, cpus: Sequence[int]) -> None:
        """Start it. Everything that it is given is its own to close."""
        self.ways = {speaker: Way(speaker) for speaker in Speaker}
        self.transcript = Transcript()
        self.turn = Turn()
        self.first: Speaker | None = None
        """Who has ended first."""
        self._deciding = threading.Lock()
        self.ended = {speaker: threading.Event() for speaker in Speaker}
        self.error: BaseException | None = None
        self.on_error: Callable[[], object] = lambda: None
        """Called when nothing will be handed on any more."""
        self._closing: list[Way] = []
        """Of which nothing is to be read any more, and the listener does not know it yet."""
        self._cpus = cpus
        self._ends: dict[Speaker, int] = {}
        self._handlers: dict[int, Callable[[], None]] = {}
        self._posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopped = False
        self._poll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._handle(self._wake, self._take_posted)
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def post(self, action: Callable[[], None]) -> None:
        """Have the relay's thread do something. Called by other threads."""
        self._posted.put(action)
        os.eventfd_write(self._wake, 1)

    def join(self, speaker: Speaker, capture: Capture, end: int, on_overflow: Callable[[], object]) -> None:
        """Read what one of them writes, in place of its keeper; `end` is a pidfd of it. Called by other threads."""
        capture.lent = threading.Event()
        source, own_end = os.dup(capture.descriptor), os.dup(end)
        self.post(lambda: self._join(self.ways[speaker], capture, source, own_end, on_overflow))

    def take_stdin(self, listener: Speaker, descriptor: int) -> None:
        """Write to one of them what the other says. Called by other threads."""
        self.post(lambda: self._take_stdin(self.ways[listener.other], descriptor))

    def note_first(self, speaker: Speaker) -> None:
        """One of them ends: the first, if nobody has before. Called by other threads too."""
        with self._deciding:
            self.first = self.first or speaker

    def close(self) -> None:
        """End it, and give back what it has."""
        self.post(self._stop)
        self._thread.join()
        self._take_posted()  # nobody's descriptor is lost
        for way in self.ways.values():
            way.close_sink()
            way.close_source()
        for end in self._ends.values():
            os.close(end)
        self._poll.close()
        os.close(self._wake)

    def _run(self) -> None:
        try:
            os.sched_setaffinity(0, self._cpus)
            while not self._stopped:
                for descriptor, _ in self._poll.poll(self._patience()):
                    handler = self._handlers.get(descriptor)
                    if handler is not None:
                        handler()
                if self._closing:
                    self._pass_on_ends()
        except BaseException as error:  # noqa: BLE001 - raised by the thread that waits for the conversation
            self.error = error
            self.on_error()
        finally:
            for way in self.ways.values():
                way.close_source()

    def _stop(self) -> None:
        self._stopped = True

    def _patience(self) -> float:
        waits = any(way.speaker is Speaker.INTERACTOR for way in self._closing)
        return CLOSED_PATIENCE_S if waits else -1

    def _take_posted(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        with contextlib.suppress(queue.Empty):
            while True:
                self._posted.get_nowait()()

    def _join(self, way: Way, capture: Capture, source: int, end: int, on_overflow: Callable[[], object]) -> None:
        way.capture, way.source, way.on_overflow = capture, source, on_overflow
        self._ends[way.speaker] = end
        self._handle(source, lambda: self._read(way))
        self._handle(end, lambda: self._note_end(way.speaker))

    def _take_stdin(self, way: Way, descriptor: int) -> None:
        if way.deaf:
            os.close(descriptor)
            return
        way.sink = descriptor
        if way.pending:
            self._handle(descriptor, lambda: self._write(way), select.EPOLLOUT)

    def _handle(self, descriptor: int, handler: Callable[[], None], events: int = select.EPOLLIN) -> None:
        self._handlers[descriptor] = handler
        self._poll.register(descriptor, events)

    def _leave(self, descriptor: int | None) -> None:
        """Handle it no more."""
        if descriptor is not None and self._handlers.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def _read(self, way: Way) -> None:
        if way.source is None or way.capture is None:
            return
        try:
            said = os.read(way.source, CHUNK_BYTES)
        except BlockingIOError:
            return
        if not said:
            self._leave(way.source)
            way.close_source()
            way.closed_at = time.monotonic()
            self._closing.append(way)
        elif not way.capture.overflow:
            if not way.capture.take(said):
                way.on_overflow()
            self.transcript.add(way.speaker, said)
            if way.speaker is Speaker.PROGRAM and not way.deaf:
                self.turn.begin()
            self._say(way, said)

    def _say(self, way: Way, said: bytes) -> None:
        if way.deaf:
            return
        written = 0 if way.pending or way.sink is None else self._written(way, said)
        if written == len(said) or way.deaf:
            return
        if not way.pending and way.sink is not None:
            self._handle(way.sink, lambda: self._write(way), select.EPOLLOUT)
        way.pending += said[written:]
        if not self.ended[way.speaker].is_set():
            self._leave(way.source)

    def _write(self, way: Way) -> None:
        """The listener's pipe has room, or nobody reads it any more."""
        written = self._written(way, way.pending)
        del way.pending[:written]
        if way.stuck():
            return
        self._leave(way.sink)
        if way.source is not None and way.source not in self._handlers:
            self._handle(way.source, lambda: self._read(way))

    def _written(self, way: Way, data: bytes | bytearray) -> int:
        """Write what there is room for; gives how much that was."""
        assert way.sink is not None  # noqa: S101 - asked by its callers
        try:
            written = os.write(way.sink, data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            self._give_up(way)
            return 0
        if way.speaker is Speaker.INTERACTOR:
            self.turn.end()
        return written

    def _give_up(self, way: Way) -> None:
        """Nobody listens: what is said from here on is read and thrown away."""
        way.deaf = True
        way.pending.clear()
        self._leave(way.sink)
        way.close_sink()
        if way.source is not None and way.source not in self._handlers:
            self._handle(way.source, lambda: self._read(way))

    def _note_end(self, speaker: Speaker) -> None:
        self._leave(self._ends[speaker])
        self.note_first(speaker)
        self.ended[speaker].set()
        if speaker is Speaker.INTERACTOR:
            self.turn.end()
        self._give_up(self.ways[speaker.other])
        own = self.ways[speaker]
        if own.source is not None and own.source not in self._handlers:
            self._handle(own.source, lambda: self._read(own))

    def _pass_on_ends(self) -> None:
        """Have the input of the other end where one has closed its output: at once where it has ended itself."""
        for way in [*self._closing]:
            late = time.monotonic() - way.closed_at >= CLOSED_PATIENCE_S
            known = self.ended[way.speaker].is_set() or (late and way.speaker is Speaker.INTERACTOR)
            if known and not way.pending and (way.sink is not None or way.deaf):
                self._closing.remove(way)
                self._leave(way.sink)
                way.close_sink()


def _bytes_within(pipe: int) -> int:
    """How much lies in a pipe that nobody has read; asked at its writing end."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)

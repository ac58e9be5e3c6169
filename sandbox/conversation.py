"""Two runs that talk to each other: a program, and what interacts with it, each in a jail of its own.

    who asks      runs the program, and is its keeper
    the partner   a thread: runs the interactor, and is its keeper
    the relay     a thread: hands on what they write (`sandbox/relay.py`)

Neither knows of the other but by what it reads. Both run on the same CPU: while one speaks the other waits. The time
that the interactor takes is not the program's: what passes between a word of the program and the answer to it is taken
off its wall time, unless the interactor is found waiting for more.
"""

import contextlib
import contextvars
import threading
import time

from sandbox.jail import Jail
from sandbox.relay import Relay
from sandbox.result import Cause, RunAborted, RunResult, SandboxError
from sandbox.seam import Conversation, Side
from sandbox.slots import Slot
from sandbox.talk import Talk, WallClock
from sandbox.transcript import Speaker
from sandbox.waiting import READING, WRITING, is_in

LOOK_S = 0.1
"""How often it is looked who waits for whom."""
END_PATIENCE_S = 10.0


class ProgramClock:
    """What of the time is the program's own: used by its keeper, a look every `LOOK_S`.

    By the order in which they speak most is told. What that does not tell is sampled: an interactor that says a lot by
    itself is waited for in between, and one that waits for more has not taken its turn.
    """

    def __init__(self, relay: Relay, program: Jail, interactor: Jail) -> None:
        self.relay = relay
        self.jails = {Speaker.PROGRAM: program, Speaker.INTERACTOR: interactor}
        self.deadlock = False
        """Whether each waited for the other when it was looked last."""
        self._waited_s = 0.0
        self._looked_at = time.monotonic()
        self._taken_s = 0.0

    def own_s(self, lasted_s: float) -> float:
        """See Clock."""
        if time.monotonic() - self._looked_at >= LOOK_S:
            self._look()
        return max(0.0, lasted_s - self.relay.turn.all_s - self._waited_s)

    def patience_s(self) -> float:
        """See Clock."""
        return LOOK_S

    def excuses(self) -> bool:
        """See Clock."""
        before_s = self._waited_s
        self._look()
        return self._waited_s > before_s

    def _look(self) -> None:
        turn, now = self.relay.turn, time.monotonic()
        interactor, program = self._waits(Speaker.INTERACTOR), self._waits(Speaker.PROGRAM)
        self.deadlock = interactor and program
        if interactor:
            turn.revoke(LOOK_S)
        elif program and not self.relay.ended[Speaker.INTERACTOR].is_set():
            self._waited_s += max(0.0, now - self._looked_at - max(0.0, turn.all_s - self._taken_s))
        self._looked_at, self._taken_s = now, turn.all_s

    def _waits(self, speaker: Speaker) -> bool:
        """Whether one of them can do nothing until the other does something."""
        pid = self.jails[speaker].standing.pid
        if self.relay.ended[speaker].is_set():
            return False
        own, others = self.relay.ways[speaker], self.relay.ways[speaker.other]
        return (others.heard() and is_in(pid, READING)) or (own.stuck() and is_in(pid, WRITING))


class Part:
    """One run of a conversation, until its result or its error is there."""

    def __init__(self, side: Side, talk: Talk, other: Talk) -> None:
        self.side = side
        self.talk = talk
        self.other = other
        self.result: RunResult | None = None
        self.error: Exception | None = None

    def run(self, cancel: int | None) -> None:
        """Run it to its end, and then the other's where this one ended first and that is enough. Never raises."""
        relay, speaker = self.talk.relay, self.talk.speaker
        jail = _jail(self.side)
        try:
            result = jail.run(self.side.command, self.side.limits, cancel, talk=self.talk)
            relay.ended[speaker].wait(END_PATIENCE_S)
            if relay.first is speaker and not self.side.lets_go_on(result):
                self.other.end()
            self.result = result
        except Exception as error:  # noqa: BLE001 - raised where both are over
            self.error = error
            self.other.end()


def converse(slot: Slot, program: Side, interactor: Side, cancel: int | None = None) -> Conversation:
    """Let two programs talk until both have ended. Raises SandboxError, RunAborted."""
    with contextlib.ExitStack() as open_:
        relay = open_.enter_context(contextlib.closing(Relay(slot.cpus[:1])))
        clock = ProgramClock(relay, _jail(program), _jail(interactor))
        talks = (Talk(relay, Speaker.PROGRAM, clock), Talk(relay, Speaker.INTERACTOR, WallClock()))
        for talk in talks:
            open_.callback(talk.close)

        def end() -> None:
            for talk in talks:
                talk.end()

        relay.on_error = end
        asked, partner = Part(program, *talks), Part(interactor, *reversed(talks))
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(partner.run, cancel), name="interactor")
        thread.start()
        try:
            asked.run(cancel)
        except BaseException:
            talks[1].end()
            raise
        finally:
            thread.join()
        return _found(relay, clock, asked, partner)


def _found(relay: Relay, clock: ProgramClock, asked: Part, partner: Part) -> Conversation:
    errors = [error for error in (asked.error, partner.error, relay.error) if error is not None]
    for error in sorted(errors, key=lambda one: isinstance(one, RunAborted), reverse=True):
        raise error
    if asked.result is None or partner.result is None or relay.first is None:
        raise SandboxError("a conversation that nobody ended")
    return Conversation(
        program=asked.result,
        interactor=partner.result,
        first=relay.first,
        said=relay.transcript.said,
        truncated=relay.transcript.truncated,
        deadlock=clock.deadlock and asked.result.cause is Cause.WALL,
    )


def _jail(side: Side) -> Jail:
    if not isinstance(side.jail, Jail):
        raise SandboxError("not a jail of this sandbox")
    return side.jail

"""What happens while an execution is graded, told live: states, results, and what programs write (`domain/live.py`).

    who grades      notes states, results and the end; the end is told at once, with all that was not told yet
    keepers         have their listeners hear what programs write, which takes them a moment and never more
    one thread      tells what is new, twenty times a second while anything is graded: nobody else waits for Redis

So an execution that is over by then costs one call. What a program of a hidden test case writes is not listened to.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Protocol
from uuid import UUID

from domain.live import Telling
from domain.logging import logger
from domain.model import Claim, Outcome, TestCase, TestResult
from domain.redaction import Told, told, whole_is_of_hidden
from domain.verdict import State, Verdict, hidden_reason
from sandbox import Listener
from workers.pieces import Pieces

LOOK_S = 0.05
IDLE_LOOKS = 10
"""After so many looks at nothing the thread sleeps until it is woken."""
MOST_OUTPUT_BYTES = 1024 * 1024
"""Of all test cases of an execution together; the rest stands in their results."""
_STREAMS = ("stdout", "stderr")

log = logger(__name__)


class Events(Protocol):
    """Where events go: `domain.live.Live`."""

    def append_all(self, execution_id: UUID, events: Sequence[Telling]) -> None:
        """Tell events in order. Never raises."""


class Broadcast:
    """The events of one execution; what they tell, and nothing else, is read by several threads."""

    def __init__(self, live: Events | None, claim: Claim) -> None:
        self._live = live
        self._id = claim.execution_id
        self._room = MOST_OUTPUT_BYTES
        self._waiting: list[Telling] = []
        self._pieces: dict[int, dict[str, Pieces]] = {}
        """Of the test cases that run, by ordinal and stream."""
        self._results: list[tuple[bool, Verdict | None]] = []
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        """Held while Redis is waited for, so that events come in order."""
        self._closed = False

    def state(self, state: State) -> None:
        """Note that a state was entered."""
        with self._lock:
            self._waiting.append(("state", {"state": state, "verdict": None, "reason": None}))

    def listener(self, case: TestCase) -> Listener | None:
        """Give what hears a run of a test case, from its beginning; None where nobody may hear it."""
        if self._live is None or case.is_hidden:
            return None
        streams = {name: Pieces(case.ordinal, name) for name in _STREAMS}
        with self._lock:
            self._pieces[case.ordinal] = streams

        return lambda name, _, data: streams[name].hear(data)

    def result(self, case: TestCase, result: TestResult) -> None:
        """Note a result in its turn, behind all that is told of what its program wrote."""
        with self._lock:
            self._results.append((case.is_hidden, result.verdict))
            heard = self._pieces.pop(case.ordinal, {})
            if result.verdict is not None and not case.is_hidden:
                for name, whole in zip(_STREAMS, (result.stdout, result.stderr), strict=True):
                    pieces = heard.get(name) or Pieces(case.ordinal, name)
                    pieces.settle(whole)
                    self._take(pieces, final=True)
            self._waiting.append(
                ("test_result", _json(case.ordinal, told(case.name, result, is_hidden=case.is_hidden)))
            )

    def done(self, outcome: Outcome) -> None:
        """Tell the end, once it is committed, and all that was not told before it."""
        reason = outcome.reason
        if whole_is_of_hidden(self._results, outcome.verdict):
            reason = hidden_reason(outcome.verdict, reason)
        with self._lock:
            self._pieces.clear()
            self._waiting.append(("done", {"state": State.DONE, "verdict": outcome.verdict, "reason": reason}))
        self.tell()

    def tell(self) -> None:
        """Tell what is new; waits for Redis."""
        with self._telling:
            with self._lock:
                for streams in self._pieces.values():
                    for pieces in streams.values():
                        self._take(pieces, final=False)
                events, self._waiting = self._waiting, []
            if self._live is not None and not self._closed:
                self._live.append_all(self._id, events)

    def close(self) -> None:
        """Nothing is told from now on: what comes next of this execution is for others to tell."""
        with self._telling:
            self._closed = True

    def _take(self, pieces: Pieces, *, final: bool) -> None:
        before = pieces.told
        self._waiting += pieces.events(self._room, final=final)
        self._room -= max(0, pieces.told - before)


class Broadcaster:
    """The broadcasts of one process, and the thread that tells them; not to carry over a fork."""

    def __init__(self, live: Events | None = None) -> None:
        """Without `live` nothing is told, and there is no thread."""
        self._live = live
        self._open: set[Broadcast] = set()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._sleeping = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def of(self, claim: Claim) -> Iterator[Broadcast]:
        """Tell of one execution for as long as the block lasts."""
        made = Broadcast(self._live, claim)
        if self._live is None:
            yield made
            return
        with self._changed:
            self._open.add(made)
            self._wake()
        try:
            yield made
        finally:
            with self._changed:
                self._open.discard(made)
            made.close()

    def given_back(self, claim: Claim) -> None:
        """Tell that an execution waits again."""
        again = Broadcast(self._live, claim)
        again.state(State.QUEUED)
        again.tell()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="broadcast")
            self._thread.start()
        elif self._sleeping:
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._look()
        except Exception:
            # Everything is told at the end of its execution then, and no sooner.
            log.exception("broadcast_ended")

    def _look(self) -> None:
        idle = 0
        while not self._closed.wait(LOOK_S):
            with self._changed:
                opened = list(self._open)
                idle = 0 if opened else idle + 1
                if idle >= IDLE_LOOKS:
                    self._sleeping = True
                    self._changed.wait_for(lambda: self._open or self._closed.is_set())
                    self._sleeping = False
            for broadcast in opened:
                broadcast.tell()


NO_BROADCASTER = Broadcaster()


def _json(ordinal: int, known: Told) -> dict[str, object]:
    usage = asdict(known.usage) if known.usage is not None else None
    if usage is not None:
        del usage["source"]
    return {"ordinal": ordinal, **asdict(known), "usage": usage}

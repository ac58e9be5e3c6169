"""How long a request still waits for the end of an execution, and where: here for a moment, then where it costs less.

An API process has few threads, and most executions are done within a moment. What takes longer is waited for in the
stream process, and so is everything while many threads wait already. The answer is the same from there.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from flask import Response

from app.auth import owner
from app.live import giving
from app.live.taken import Told, Wait
from app.wiring import wired
from domain.views import SubmissionView

MOMENT_S = 0.5
"""So long a thread of the API waits itself."""
THREADS = 8
"""As many threads of a process do so at a time."""

Answer = Callable[[SubmissionView, int, Told], Response]
ANSWERS: dict[str, Answer] = {}
"""By name, how a submission is answered with a status, in both processes."""
NOTHING: Told = {}

_waiting = threading.BoundedSemaphore(THREADS)


def answers(name: str) -> Callable[[Answer], Answer]:
    """Have a function known by a name to both processes."""

    def keep(answer: Answer) -> Answer:
        ANSWERS[name] = answer
        return answer

    return keep


class Patience:
    """The time that one request has left. A context manager around the part that this thread waits for itself."""

    def __init__(self, seconds: float) -> None:
        self._until_s = time.monotonic() + seconds
        self._elsewhere = seconds > 0 and giving.possible()
        self._counted = self._elsewhere and _waiting.acquire(blocking=False)
        if not self._elsewhere:
            self.own_s = seconds
        else:
            self.own_s = min(seconds, MOMENT_S) if self._counted else 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._counted:
            _waiting.release()
            self._counted = False

    def answer(self, view: SubmissionView, name: str, status: int, told: Told = NOTHING) -> Response:
        """Answer when the execution is final, or the time is over: from here, or from the stream process."""
        left_s = self._until_s - time.monotonic()
        if self._elsewhere and left_s > 0 and not view.execution.state.final:
            given = giving.give(Wait(view.id, view.execution.id, self._until_s, status, name, told))
            if given is not None:
                return given
            view = wired().backend.wait(view, left_s)
        return ANSWERS[name](view, status, told)


def finish(task: Wait) -> Response:
    """Wait for the rest of the time in the stream process, and answer."""
    here = wired().backend
    following = here.streams.follow(task.execution_id, None, lambda: None)
    try:
        following.await_end(task.until_s - time.monotonic())
    finally:
        following.close()
    return ANSWERS[task.answer](here.get(task.submission_id, owner()), task.status, task.told)

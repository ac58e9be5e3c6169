"""Answers that take their time for more than one execution: made in the stream process where there is one."""

import time
from collections.abc import Callable

from flask import Response

from app.live import giving
from app.live.taken import Later, Told

Answer = Callable[[Told, float], Response]
ANSWERS: dict[str, Answer] = {}
"""By name, what is answered within so many seconds, in both processes."""


def later(name: str) -> Callable[[Answer], Answer]:
    """Have a function known by a name to both processes."""

    def keep(answer: Answer) -> Answer:
        ANSWERS[name] = answer
        return answer

    return keep


def answer(name: str, told: Told, seconds: float) -> Response:
    """Answer within so many seconds: from the stream process, or from here where nothing is waited for or taken."""
    given = giving.give(Later(name, told, time.monotonic() + seconds)) if seconds > 0 else None
    return given or ANSWERS[name](told, seconds)


def finish(task: Later) -> Response:
    """Answer in the stream process."""
    return ANSWERS[task.name](task.told, max(0.0, task.until_s - time.monotonic()))

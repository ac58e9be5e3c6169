"""What is asked, and again after a failure, without doing any of it: both clients are driven by the same flows.

A flow is a generator: it yields a `Call` and is sent the `Reply` (or the `Failure`), yields a `Pause` and is sent
nothing, and returns what it found.
"""

import json
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

from client.errors import ApiError, Unreachable, from_answer

T = TypeVar("T")

AGAIN = frozenset({429, 503})
"""Answers that may be another the next time."""


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    """What is sent in place of a JSON body, piece by piece."""


@dataclass(frozen=True)
class Pause:
    """Nothing for a while."""

    seconds: float


@dataclass(frozen=True)
class Reply:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> object:
        """Read the body; None for what is no JSON."""
        try:
            found: object = json.loads(self.content)
        except ValueError:
            return None
        return found

    @property
    def retry_after_s(self) -> float | None:
        """How long the API asks to be left alone; None where it does not."""
        return _seconds(self.headers.get("retry-after", ""))

    def error(self) -> ApiError:
        """Make the exception that it stands for."""
        return from_answer(self.status, self.json(), self.retry_after_s)


@dataclass(frozen=True)
class Failure:
    """No answer, or none that was whole."""

    cause: Exception


Flow = Generator[Call | Pause, Reply | Failure | None, T]


@dataclass(frozen=True)
class Policy:
    """How often a call is made, and how long is waited between: twice as long each time, and never all at once.

    What the API asks for in Retry-After is honoured up to `patience_s`; beyond that its refusal is raised at once.
    """

    attempts: int = 6
    first_pause_s: float = 0.25
    longest_pause_s: float = 20.0
    patience_s: float = 60.0
    chance: Callable[[], float] = random.random
    """From 0 to 1: clients that failed together must not come back together."""

    def pause_s(self, attempt: int, retry_after_s: float | None = None) -> float | None:
        """Say how long to wait after a failed attempt, counted from 1; None where it is not worth another."""
        if attempt >= self.attempts or (retry_after_s or 0) > self.patience_s:
            return None
        jitter = self.chance() * min(self.longest_pause_s, self.first_pause_s * 2.0**attempt)
        return (retry_after_s or 0) + jitter


def exchange(call: Call, policy: Policy) -> Flow[Reply]:
    """Make a call until there is an answer that stands. Raises ApiError, Unreachable.

    Only for calls that do no harm when they are made twice: those that make something carry an Idempotency-Key.
    """
    attempt = 0
    while True:
        attempt += 1
        said = yield call
        if isinstance(said, Reply) and said.status < 300:
            return said
        yield Pause(pause_after(said, attempt, policy))


def pause_after(said: Reply | Failure | None, attempt: int, policy: Policy) -> float:
    """Say how long to wait after a failure; raises it where it is not to be tried again."""
    if isinstance(said, Reply):
        pause = policy.pause_s(attempt, said.retry_after_s) if said.status in AGAIN else None
        if pause is None:
            raise said.error()
        return pause
    pause = policy.pause_s(attempt)
    if pause is not None:
        return pause
    cause = said.cause if isinstance(said, Failure) else None
    raise Unreachable(f"no answer after {attempt} attempts: {cause}") from cause


def retried(flow: Flow[T], policy: Policy) -> Flow[T]:
    """Make every call of a flow by `exchange`."""
    try:
        step = next(flow)
        while True:
            said = (yield from exchange(step, policy)) if isinstance(step, Call) else (yield step)
            step = flow.send(said)
    except StopIteration as end:
        found: T = end.value
        return found


def _seconds(text: str) -> float | None:
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None

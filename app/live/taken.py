"""What the API process tells the stream process beside the head of a request: who asks, and what is to be done.

It travels over a private socket only, and no client can send it: in a WSGI environment it stands under a name that no
header can have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import orjson
from flask import has_request_context, request

from domain.rates import Window
from streams import TAKEN

GIVEN_AWAY = "shipd_given_away"
"""In Flask's `g`: the connection of this request is another process's."""

Told = Mapping[str, Any]
"""What an answer hangs on, of JSON: it may be made in the other process."""


@dataclass(frozen=True)
class Listen:
    """Tell the events of an execution, those after an id where one is given."""

    execution_id: UUID
    after: str | None
    websocket: bool
    no_stdin: str | None
    """Why nothing that is typed is taken; None: it is."""
    subprotocol: bool
    """Whether the client offered `shipd`, to be answered."""


@dataclass(frozen=True)
class Wait:
    """Wait for the end of an execution until a moment of the monotonic clock, then answer about its submission."""

    submission_id: UUID
    execution_id: UUID
    until_s: float
    status: int
    answer: str
    """Which answer: a name of `patience.ANSWERS`."""
    told: Told
    """What it hangs on beside the submission."""


@dataclass(frozen=True)
class Later:
    """Answer what takes its time."""

    name: str
    """Which answer: a name of `later.ANSWERS`."""
    told: Told
    """What it hangs on."""
    until_s: float
    """By time.monotonic, which is one clock for all processes of a host."""


Task = Listen | Wait | Later
_KINDS: dict[str, type[Task]] = {"listen": Listen, "wait": Wait, "later": Later}


@dataclass(frozen=True)
class Taken:
    """A request that the API process has begun."""

    task: Task
    owner: UUID | None
    """Whose submissions may be read; None: anybody's."""
    caller: Mapping[str, str]
    """What log lines say of who asks."""
    request_id: str
    traceparent: str
    """The trace, with the API's own span."""
    windows: Sequence[Window]
    """How the sender's rates stand, where something was counted."""
    began_at: float
    """By time.perf_counter, which is one clock for all processes of a host."""

    def message(self, environ: Mapping[str, str]) -> bytes:
        """Write it, with the request's head."""
        (kind,) = (kind for kind, made in _KINDS.items() if isinstance(self.task, made))
        own = {**asdict(self), "kind": kind, "environ": dict(environ)}
        return orjson.dumps(own)

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> "Taken":
        """Read it back."""
        return cls(
            task=_task(message["kind"], message["task"]),
            owner=None if message["owner"] is None else UUID(message["owner"]),
            caller=message["caller"],
            request_id=message["request_id"],
            traceparent=message["traceparent"],
            windows=[Window(**window) for window in message["windows"]],
            began_at=message["began_at"],
        )


def taken() -> Taken | None:
    """Give what the API process said of this request; None in the API process itself."""
    message = request.environ.get(TAKEN) if has_request_context() else None
    return None if message is None else Taken.read(message)


def _task(kind: str, said: Mapping[str, Any]) -> Task:
    ids = {name: UUID(said[name]) for name in ("submission_id", "execution_id") if name in said}
    return _KINDS[kind](**{**said, **ids})

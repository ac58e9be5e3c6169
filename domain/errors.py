"""What can be wrong with a request, said so that the sender can mend it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field.

    `field` is the JSON path as the sender wrote it (`test_cases[3].timeout_ms`, empty for the whole body),
    `message` says what is wrong and `hint` what to do about it.
    """

    field: str
    message: str
    hint: str = ""


class ShipdError(Exception):
    """Base of the errors that a client is told about."""


class InvalidRequest(ShipdError):  # noqa: N818 - it is raised for a request, not for a fault of ours
    """The request cannot be accepted; every problem found in it is listed (HTTP 422)."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = problems


class Conflict(ShipdError):  # noqa: N818
    """The id given was used before with another body (HTTP 409)."""


class NotFound(ShipdError):  # noqa: N818
    """There is no such thing, or it belongs to someone else (HTTP 404)."""


class Unauthenticated(ShipdError):  # noqa: N818
    """Nobody is who this says, or not any more (HTTP 401)."""


class Forbidden(ShipdError):  # noqa: N818
    """Whoever asks is known and may not do this (HTTP 403). Never said of others' things: those are NotFound."""


class Unavailable(ShipdError):  # noqa: N818
    """A part of ours that the request needs does not answer (HTTP 503 with Retry-After)."""


class LimitReached(ShipdError):  # noqa: N818
    """Too much was asked for in too short a time: by the sender (HTTP 429), or, `ours`, by all together (HTTP 503).

    `code` names the limit; the message says its figure and what to do, and `retry_after_s` when there is room again.
    """

    def __init__(self, code: str, message: str, *, retry_after_s: int, ours: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_s = max(1, retry_after_s)
        self.ours = ours

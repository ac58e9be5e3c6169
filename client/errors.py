"""What can go wrong, as exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Problem:
    """One bad field: where, what is wrong, what to do."""

    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        told = f"{self.field}: {self.message}" if self.field else self.message
        return f"{told} ({self.hint})" if self.hint else told


class ShipdClientError(Exception):
    """Base of everything that this package raises."""


class Unreachable(ShipdClientError):
    """Nobody answered, or the answer broke off, each time that it was tried."""


class ApiError(ShipdClientError):
    """The API refused a request. `problems` lists every bad field; `retry_after_s` is what it asked for, or None."""

    status: ClassVar[tuple[int, ...]] = ()

    def __init__(
        self, http_status: int, code: str, message: str, problems: tuple[Problem, ...], retry_after_s: float | None
    ) -> None:
        listed = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"HTTP {http_status}: {message}{listed}")
        self.http_status = http_status
        self.code = code
        self.message = message
        self.problems = problems
        self.retry_after_s = retry_after_s


class InvalidRequest(ApiError):
    """Something about the request is wrong: `problems` says what."""

    status = (400, 413, 415, 422)


class Unauthorized(ApiError):
    """The key is missing, unknown, expired or revoked."""

    status = (401,)


class Forbidden(ApiError):
    """The key may not do this."""

    status = (403,)


class NotFound(ApiError):
    """There is no such thing, or it is another's."""

    status = (404,)


class Conflict(ApiError):
    """It was done before, and otherwise."""

    status = (409,)


class TooManyRequests(ApiError):
    """More than this key may ask for now."""

    status = (429,)


class Unavailable(ApiError):
    """A part of the platform does not answer."""

    status = (503,)


_KINDS = {
    status: kind
    for kind in (InvalidRequest, Unauthorized, Forbidden, NotFound, Conflict, TooManyRequests, Unavailable)
    for status in kind.status
}


def from_answer(status: int, body: object, retry_after_s: float | None) -> ApiError:
    """Make the exception for an answer; whatever stands between may answer in another shape."""
    error: Mapping[str, Any] = body["error"] if isinstance(body, dict) and isinstance(body.get("error"), dict) else {}
    fields = error.get("fields")
    problems = tuple(_problem(each) for each in fields if isinstance(each, dict)) if isinstance(fields, list) else ()
    kind = _KINDS.get(status, ApiError)
    return kind(
        status, str(error.get("code", "error")), str(error.get("message", "no reason")), problems, retry_after_s
    )


def _problem(field: Mapping[str, Any]) -> Problem:
    return Problem(str(field.get("field", "")), str(field.get("message", "")), str(field.get("hint", "")))

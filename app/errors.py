"""Errors as answers: one JSON shape, whatever went wrong, and never a traceback."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

from flask import Flask, Response, g, jsonify, request
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from app.correlation import request_id
from app.limits import status_of
from app.schemas.documents import ErrorAnswer
from domain import counted
from domain.blobs import BlobDamaged, BlobMissing
from domain.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    LimitReached,
    NotFound,
    Problem,
    ShipdError,
    Unauthenticated,
    Unavailable,
)
from domain.logging import logger

MAX_FIELDS = 1000
"""As many bad fields are listed; a body can hold a million."""
MAX_ITEM_FIELDS = 20
"""As many are listed of one item of a batch."""
RETRY_AFTER_S = 5
TOO_LARGE = 413

_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    426: "upgrade_required",
    500: "internal",
}
_MESSAGES = {
    404: "there is nothing at this path; /docs lists all routes",
    500: "this is a fault of ours; it was logged, try again or tell the operator",
}

log = logger(__name__)


class ShipdApi(Api):  # type: ignore[misc] # flask-smorest has no types
    """flask-smorest's Api with our shape of errors."""

    ERROR_SCHEMA = ErrorAnswer

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer what Flask and Werkzeug raise; headers such as Allow and WWW-Authenticate are kept."""
        status = error.code or 500
        message = _message(status) or error.description or error.name
        answer = error_answer(status, _CODES.get(status, "error"), message)
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                answer.headers[name] = value
        return answer


def _message(status: int) -> str | None:
    if status == TOO_LARGE:
        most = request.max_content_length
        return f"the body is larger than the {most} bytes that this key may send; send less at once"
    return _MESSAGES.get(status)


class ShipdFlask(Flask):
    """Flask whose unforeseen exceptions go to our log, and whose functions are none of them async."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function as it is: Flask looks at each one twenty times a request."""
        return func

    def log_exception(
        self,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None]
        | BaseException,
    ) -> None:
        """Log with the traceback; the client sees none of it."""
        error = exc_info if isinstance(exc_info, BaseException) else exc_info[1]
        g.error_type = type(error).__qualname__
        log.error("request_failed", exc_info=exc_info)


def register(app: Flask) -> None:
    """Answer what the domain raises."""
    app.register_error_handler(InvalidRequest, _invalid)
    app.register_error_handler(Conflict, lambda error: error_answer(409, "conflict", str(error)))
    app.register_error_handler(Unauthenticated, lambda error: error_answer(401, _CODES[401], str(error)))
    app.register_error_handler(Forbidden, lambda error: error_answer(403, _CODES[403], str(error)))
    app.register_error_handler(NotFound, lambda error: error_answer(404, "not_found", str(error)))
    app.register_error_handler(LimitReached, _limit_reached)
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(BlobMissing, _unavailable)
    app.register_error_handler(BlobDamaged, _unavailable)


def error_answer(status: int, code: str, message: str, problems: tuple[Problem, ...] = ()) -> Response:
    """Make the one shape of all errors."""
    answer = jsonify({"error": error_json(code, message, problems[:MAX_FIELDS]), "request_id": request_id()})
    answer.status_code = status
    return answer


def error_json(code: str, message: str, problems: tuple[Problem, ...] = ()) -> dict[str, object]:
    """Give an error within whatever tells of it."""
    fields = [{"field": p.field, "message": p.message, "hint": p.hint} for p in problems]
    return {"code": code, "message": message, "fields": fields}


def refusal_json(error: ShipdError) -> dict[str, object]:
    """Give what an item of a batch is refused with."""
    if isinstance(error, InvalidRequest):
        return error_json("invalid_request", _summed_up(error), error.problems[:MAX_ITEM_FIELDS])
    return error_json(error.code if isinstance(error, LimitReached) else "conflict", str(error))


def _invalid(error: InvalidRequest) -> Response:
    return error_answer(422, "invalid_request", _summed_up(error), error.problems)


def _summed_up(error: InvalidRequest) -> str:
    count = len(error.problems)
    first = error.problems[0]
    message = f"{first.field}: {first.message}" if first.field else first.message
    if count > 1:
        message = f"{count} fields are wrong; the first: {message}"
    return message


def _limit_reached(error: LimitReached) -> Response:
    counted.REFUSED.add(error.code)
    log.info("limit_reached", code=error.code, ours=error.ours)
    answer = error_answer(status_of(error), error.code, str(error))
    answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def _unavailable(error: Exception) -> Response:
    counted.REFUSED.add("unavailable")
    # Its text may name hosts and files: that is for the log.
    log.warning("unavailable", error=str(error))
    answer = error_answer(503, "unavailable", "a part of the platform does not answer; try again in a few seconds")
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer

"""One log line per request: who asked for what, how it ended, how long it took. Never a body, a query or a key."""

import time

import structlog
from flask import Flask, Response, g, request

from app.correlation import METHODS
from app.live.taken import GIVEN_AWAY, taken
from domain import counted
from domain.logging import logger, without_secrets

ELSEWHERE = "none"
"""The route of what is at no path that there is."""

log = logger(__name__)


def log_requests(app: Flask) -> None:
    """Have every request logged. Before all that binds what its lines bear."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    structlog.contextvars.clear_contextvars()
    found = taken()
    g.began_at = time.perf_counter() if found is None else found.began_at


def _end(response: Response) -> Response:
    if g.get(GIVEN_AWAY):
        return response  # whoever answers logs it
    began_at: float | None = g.get("began_at")
    _count(response, began_at)
    log.info(
        "request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        path=without_secrets(request.path)[:200],
        status=response.status_code,
        duration_ms=None if began_at is None else round((time.perf_counter() - began_at) * 1000, 1),
    )
    return response


def _count(response: Response, began_at: float | None) -> None:
    """Count a request that was answered, by its route and never by its path."""
    route = request.url_rule.rule if request.url_rule else ELSEWHERE
    method = request.method if request.method in METHODS else "other"
    counted.HTTP.add(method, route, str(response.status_code))
    if began_at is not None:
        counted.HTTP_DURATION.note(time.perf_counter() - began_at, route)

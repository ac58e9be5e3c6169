"""One log line per request: who asked for what, how it ended, how long it took. Never a body, a query or a key."""

import time

import structlog
from flask import Flask, Response, g, request

from app import metrics
from app.live.taken import GIVEN_AWAY, taken
from domain.logging import logger, without_secrets

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
    metrics.note(response, began_at)
    log.info(
        "request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        path=without_secrets(request.path)[:200],
        status=response.status_code,
        duration_ms=None if began_at is None else round((time.perf_counter() - began_at) * 1000, 1),
    )
    return response

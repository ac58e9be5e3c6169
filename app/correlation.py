"""What belongs together: a request id and a trace, in as they were sent, out with the answer and in all log lines."""

import re
import uuid

import structlog
from flask import Flask, Response, g, request

from app.live.taken import taken
from domain import origin, tracing

REQUEST_ID = "X-Request-ID"
REQUEST_ID_FORM = r"[A-Za-z0-9._-]{1,64}"
_WELL_FORMED = re.compile(REQUEST_ID_FORM)


def correlate(app: Flask) -> None:
    """Give every request an id and a span, and every answer both. Before what may answer."""
    app.before_request(_begin)
    app.after_request(_label)
    app.teardown_request(_end)


def request_id() -> str:
    """Give the id of this request: the sender's where that is well-formed, else ours."""
    known: str = g.get("request_id") or uuid.uuid4().hex
    g.request_id = known
    return known


def _begin() -> None:
    found = taken()
    sent = request.headers.get(REQUEST_ID, "")
    if found is not None:
        g.request_id = found.request_id
    else:
        g.request_id = sent if _WELL_FORMED.fullmatch(sent) else uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    origin.begin(address=request.remote_addr, request_id=g.request_id)
    trace = tracing.begin(request.headers.get(tracing.HEADER)) if found is None else tracing.go_on(found.traceparent)
    g.traceparent = trace.header


def _end(_: BaseException | None) -> None:
    """Whatever this thread does next belongs to nobody's trace, and comes from nowhere."""
    tracing.end()
    origin.begin()


def _label(response: Response) -> Response:
    response.headers[REQUEST_ID] = request_id()
    if "traceparent" in g:
        response.headers[tracing.HEADER] = g.traceparent
    return response

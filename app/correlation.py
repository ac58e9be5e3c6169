"""What belongs together: a request id and a trace, in as they were sent, out with the answer and in all log lines."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from app.live.taken import GIVEN_AWAY, Taken, taken
from domain import origin, spans, tracing
from domain.logging import has_secrets
from domain.spans import Attributes, Recorded

REQUEST_ID = "X-Request-ID"
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
FAULT = 500
UNRECORDED = {"/livez", "/readyz"}
"""Routes that are asked every few seconds, by nobody who would look at a trace."""
_WELL_FORMED = re.compile(tracing.REQUEST_ID_FORM)


def correlate(app: Flask) -> None:
    """Give every request an id and a span, and every answer both. Before what may answer."""
    app.before_request(_begin)
    app.after_request(_label)
    app.teardown_request(_end)


def request_id() -> str:
    """Give the id of this request: the sender's where that is well-formed and no secret, else ours."""
    known: str = g.get("request_id") or uuid.uuid4().hex
    g.request_id = known
    return known


def _begin() -> None:
    found = taken()
    sent = request.headers.get(REQUEST_ID, "")
    if found is not None:
        g.request_id = found.request_id
    else:
        # From here it goes into logs, spans, messages and the audit log.
        g.request_id = sent if _WELL_FORMED.fullmatch(sent) and not has_secrets(sent) else uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    origin.begin(address=request.remote_addr, request_id=g.request_id)
    g.span = _span(found)
    if found is not None:
        trace = tracing.go_on(found.traceparent)
    else:
        trace = tracing.begin(request.headers.get(tracing.HEADER)) if g.span is None else g.span.trace
    g.traceparent = trace.header


def _span(found: Taken | None) -> Recorded | None:
    """Begin to record the request, or go on where the API process stopped; None where nobody records it."""
    route = None if request.url_rule is None else request.url_rule.rule
    if not spans.recording() or route in UNRECORDED:
        return None
    method = request.method if request.method in METHODS else "_OTHER"
    name = " ".join(filter(None, (method if method != "_OTHER" else "HTTP", route)))
    known: Attributes = {"http.request.method": method, "http.route": route, "shipd.request_id": g.request_id}
    sent = request.headers.get(tracing.HEADER)
    if found is None:
        return spans.begin(sent, name, known)
    began_ns = time.time_ns() - round((time.perf_counter() - found.began_at) * 1e9)
    return spans.take_over(found.traceparent, sent, name, known, began_ns)


def _end(_: BaseException | None) -> None:
    """Whatever this thread does next belongs to nobody's trace, and comes from nowhere."""
    span: Recorded | None = g.get("span")
    if span is not None and not g.get(GIVEN_AWAY):  # else whoever answers ends it
        span.end()
    tracing.end()
    origin.begin()


def _label(response: Response) -> Response:
    response.headers[REQUEST_ID] = request_id()
    span: Recorded | None = g.get("span")
    if span is not None:
        span.set({"http.response.status_code": response.status_code})
        if response.status_code >= FAULT:
            span.fail(g.get("error_type") or str(response.status_code))
    if "traceparent" in g:
        response.headers[tracing.HEADER] = g.traceparent
    return response

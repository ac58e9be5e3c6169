"""The API's side: giving the connection of a request to the stream process."""

import socket
import ssl
import time

from flask import Response, g, request

from app import limits
from app.auth import caller, names, owner
from app.correlation import request_id
from app.live.taken import GIVEN_AWAY, Taken, Task
from app.wiring import wired
from domain.logging import logger
from streams import passing

MAX_HEAD_BYTES = 64 * 1024
"""Of headers that are passed on; a longer head keeps its connection here."""

_SECRETS = {
    *("HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_PROXY_AUTHORIZATION", "HTTP_SEC_WEBSOCKET_PROTOCOL"),
    *("HTTP_X_AUTH_TOKEN", "HTTP_X_RAPIDAPI_KEY", "HTTP_X_APIHUB_KEY"),  # of Judge0's clients
}
_NAMES = {
    *("REQUEST_METHOD", "QUERY_STRING", "RAW_URI", "SERVER_PROTOCOL", "PATH_INFO", "SCRIPT_NAME"),
    *("REMOTE_ADDR", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme"),
}

log = logger(__name__)


def possible() -> bool:
    """Say whether this request's connection could be given away: one of gunicorn's own, with no TLS of ours on it."""
    client = request.environ.get("gunicorn.socket")
    return (
        isinstance(client, socket.socket)
        and not isinstance(client, ssl.SSLSocket)
        and str(request.environ.get("SERVER_PROTOCOL")).startswith("HTTP/1.")
        and wired().settings.stream_socket.exists()
    )


def give(task: Task) -> Response | None:
    """Give the connection away with what is to be done on it; None where nobody takes it.

    What is answered here afterwards reaches nobody: the connection that gunicorn has is a broken one.
    """
    if not possible():
        return None
    environ = _head()
    if sum(len(value) for value in environ.values()) > MAX_HEAD_BYTES:
        return None
    try:
        passing.give(wired().settings.stream_socket, _taken(task).message(environ), request.environ["gunicorn.socket"])
    except OSError as error:
        log.warning("stream_process_unavailable", error=str(error))
        return None
    setattr(g, GIVEN_AWAY, True)
    return Response(status=204)


def _taken(task: Task) -> Taken:
    key = caller()
    return Taken(
        task=task,
        owner=owner(),
        caller={} if key is None else names(key),
        request_id=request_id(),
        traceparent=g.traceparent,
        windows=limits.windows(),
        began_at=g.get("began_at", time.perf_counter()),
    )


def _head() -> dict[str, str]:
    """Give the request's head as it was understood here; it is never read a second time."""
    return {
        name: value
        for name, value in request.environ.items()
        if isinstance(value, str) and (name in _NAMES or (name.startswith("HTTP_") and name not in _SECRETS))
    }

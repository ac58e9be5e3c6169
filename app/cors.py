"""Which pages of other origins may ask (SHIPD_CORS_ORIGINS): those that are listed, compared letter by letter.

Never with credentials of the browser's: a page sends its key itself, in a header. A preflight bears no key and is
answered without one; it tells nothing but which methods and headers there are, and that to listed origins alone.
"""

from flask import Flask, Response, current_app, request

from app.wiring import wired

MAX_AGE_S = 600
"""How long a browser need not ask again."""

ACCEPTED = (
    *("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID"),
    *("X-Auth-Token", "X-Request-ID", "traceparent", "tracestate"),
)
"""What a page may send."""
EXPOSED = (
    *("Allow", "ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-ID", "traceparent"),
    *("RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
)
"""What a page may read of an answer beside its body."""


def allow(app: Flask) -> None:
    """Answer preflights, and let listed origins read answers. Before the key is asked for."""
    app.before_request(_preflight)
    app.after_request(_share)


def allowed_origin() -> str | None:
    """Give the origin of the page that asks, where it is listed."""
    origin = request.headers.get("Origin")
    return origin if origin in wired().settings.cors_origins else None


def _preflight() -> Response | None:
    is_one = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not is_one or request.endpoint is None or allowed_origin() is None:
        return None
    methods = current_app.create_url_adapter(request)
    answer = Response(status=204)
    answer.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(methods.allowed_methods() if methods else ()))
    answer.headers["Access-Control-Allow-Headers"] = ", ".join(ACCEPTED)
    answer.headers["Access-Control-Max-Age"] = str(MAX_AGE_S)
    return answer


def _share(response: Response) -> Response:
    if not wired().settings.cors_origins:
        return response
    response.vary.add("Origin")  # a cache must not give one page what was made for another
    origin = allowed_origin()
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)
    return response

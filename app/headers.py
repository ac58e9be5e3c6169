"""What every answer tells browsers and caches: take it for what it says it is, frame it nowhere, keep it nowhere.

A view that may be kept for a while says so itself; what is said here is for all that say nothing.
"""

from flask import Flask, Response

from app.wiring import wired

PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the documentation, whose page has a script in it and asks for nothing from elsewhere."""
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Of all else: nothing in it is to be rendered."""
NOT_KEPT = "no-store"
ASKED_AGAIN = "private, no-cache"
"""The asker's own cache may keep it, and asks whether it is still so."""

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


def secure(app: Flask) -> None:
    """Put them on every answer."""
    app.after_request(_complete)


def ask_again(response: Response) -> Response:
    """Let the asker's cache keep an answer that depends on who asks."""
    response.headers["Cache-Control"] = ASKED_AGAIN
    response.vary.add("Authorization")
    return response


def _complete(response: Response) -> Response:
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", PAGE_POLICY if response.mimetype == "text/html" else POLICY)
    response.headers.setdefault("Cache-Control", NOT_KEPT)
    if hsts_s := wired().settings.hsts_s:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={hsts_s}; includeSubDomains")
    return response

"""Opening a WebSocket: what of a request's head must be right before the connection is given away (RFC 6455).

A browser cannot send `Authorization` with a WebSocket, and a key in a URL would stand in logs: it offers two
subprotocols instead, `shipd` and `bearer.KEY`, and is answered the first.
"""

import base64
import binascii
from urllib.parse import urlsplit

from flask import Request
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException

SUBPROTOCOL = "shipd"
_BEARER = "bearer."
_VERSION = "13"


class UpgradeRequired(HTTPException):
    """A version of the protocol that is not spoken here (HTTP 426)."""

    code = 426

    def get_headers(self, *arguments: object, **named: object) -> list[tuple[str, str]]:
        """Name the version that is."""
        del arguments, named
        return [("Sec-WebSocket-Version", _VERSION), ("Upgrade", "websocket")]


def wanted(request: Request) -> bool:
    """Say whether the client asks for a WebSocket."""
    return "websocket" in _tokens(request.headers.get("Upgrade", ""))


def credentials(request: Request) -> str:
    """Give `Authorization`, or what stands for it among the subprotocols that are offered.

    Several are given joined as several headers are, which is no key.
    """
    sent = request.headers.get("Authorization", "")
    if not wanted(request):
        return sent
    keys = [offer[len(_BEARER) :] for offer in offered(request) if offer.startswith(_BEARER)]
    return ",".join([sent] * bool(sent) + [f"Bearer {key}" for key in keys])


def offered(request: Request) -> list[str]:
    """List the subprotocols that the client offers."""
    offers = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    return [offer.strip() for offer in offers if offer.strip()]


def check(request: Request, origins: tuple[str, ...]) -> None:
    """Raise BadRequest, Forbidden or UpgradeRequired for what is no opening of a WebSocket that may be opened."""
    if request.method != "GET" or request.environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        raise BadRequest("a WebSocket is opened with GET and HTTP/1.1")
    if "upgrade" not in _tokens(request.headers.get("Connection", "")):
        raise BadRequest("the header `Connection: Upgrade` is missing")
    if request.headers.get("Sec-WebSocket-Version") != _VERSION:
        raise UpgradeRequired(f"only version {_VERSION} of the WebSocket protocol is spoken here")
    if not _is_nonce(request.headers.get("Sec-WebSocket-Key", "")):
        raise BadRequest("the header Sec-WebSocket-Key must be 16 bytes in base64")
    if not _is_allowed(request, origins):
        raise Forbidden("a page of this origin may not open WebSockets here; its operator can allow it")


def _is_allowed(request: Request, origins: tuple[str, ...]) -> bool:
    """Look at the origin that a browser tells: the same host as ours, or one that is allowed."""
    origin = request.headers.get("Origin")
    if origin is None or origin in origins or "*" in origins:
        return True
    try:
        told = urlsplit(origin)
    except ValueError:
        return False
    return told.scheme in {"http", "https"} and told.netloc == request.host


def _is_nonce(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _tokens(value: str) -> list[str]:
    return [token.strip().lower() for token in value.split(",")]

"""Who is asking: `Authorization: Bearer KEY` on everything that is not marked `public`."""

import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import structlog
from flask import Flask, current_app, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from app.live import handshake
from app.live.taken import taken
from app.wiring import wired
from domain.keys import Key, Role

_TOKEN = re.compile(r"[\x21-\x7e]{1,200}")
_PUBLIC = "shipd_public"

View = TypeVar("View", bound=Callable[..., object])


def public(view: View) -> View:
    """Mark a view that needs no key."""
    setattr(view, _PUBLIC, True)
    return view


PUBLIC: list[Callable[..., Any]] = [public]
"""For the `decorators` of a MethodView."""


def require_key(app: Flask) -> None:
    """Have every request checked; a view is public only by its mark, so that a new one cannot be open by mistake."""
    app.before_request(_check)


def caller() -> Key | None:
    """Give the key of this request; None on public views."""
    key: Key | None = g.get("key")
    return key


def owner() -> UUID | None:
    """Give whose submissions may be read: the caller's own, or, for administrators, anybody's (None)."""
    found = taken()
    if found is not None:
        return found.owner
    key = _known()
    return None if key.role is Role.ADMIN else key.id


def owner_id() -> UUID:
    """Give the caller's id, under which new submissions are kept."""
    return _known().id


def _known() -> Key:
    key = caller()
    if key is None:
        raise _refusal("this needs an API key")
    return key


def _check() -> None:
    if request.endpoint is None:
        return  # there is no such route: the error handler says so, whoever asks
    if getattr(current_app.view_functions[request.endpoint], _PUBLIC, False):
        return
    found = taken()
    if found is not None:  # by the API process, which checked the key
        structlog.contextvars.bind_contextvars(key_name=found.caller)
        return
    scheme, _, token = handshake.credentials(request).partition(" ")
    if scheme.lower() != "bearer":
        raise _refusal("no API key was sent")
    key = wired().backend.key(token) if _TOKEN.fullmatch(token) else None
    if key is None:
        raise _refusal("the API key is unknown, expired or revoked")
    g.key = key
    structlog.contextvars.bind_contextvars(key_name=key.name)


def _refusal(message: str) -> Unauthorized:
    hint = "send the header `Authorization: Bearer KEY`; `shipd keys create` makes keys"
    return Unauthorized(f"{message}: {hint}", www_authenticate=WWWAuthenticate("bearer", {"realm": "shipd"}))

"""Who is asking: `Authorization: Bearer KEY-OR-TOKEN` on everything that is not marked `public`.

Known is not enough: `app/access.py` says what each route needs. Whose things may be read or changed is asked here by
the views; those of others are answered as if they were not there.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote
from uuid import UUID

import structlog
from flask import Flask, current_app, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from app import access
from app.access import Open
from app.live import handshake
from app.live.taken import taken
from app.wiring import wired
from domain import origin
from domain.errors import Forbidden, InvalidRequest, Problem, Unauthenticated
from domain.keys import Key
from domain.logging import has_secrets
from domain.oidc import MAX_TOKEN_CHARS
from domain.roles import Reach, Scope

_TOKEN = re.compile(rf"[A-Za-z0-9._~+/-]{{1,{MAX_TOKEN_CHARS}}}=*")
"""The characters of RFC 6750. No comma: that is how servers join several headers of one name."""
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
    """Give whose submissions may be read: the caller's own, or, for operators and administrators, anybody's (None)."""
    found = taken()
    return whose(Scope.SUBMISSIONS_READ) if found is None else found.owner


def whose(scope: Scope) -> UUID | None:
    """Give whose things the caller may do this with: their own, or anybody's (None)."""
    key = known()
    return None if key.reach(scope) is Reach.ALL else key.id


def owner_id() -> UUID:
    """Give the caller's id, under which new submissions are kept."""
    return known().id


def known() -> Key:
    """Give the key of this request. Raises Unauthorized where there is none."""
    key = caller()
    if key is None:
        raise _refusal("this needs an API key or a token")
    return key


def _check() -> None:
    found = taken()
    if found is not None:  # by the API process, which has checked who asks
        structlog.contextvars.bind_contextvars(**found.caller)
        origin.add(**found.caller)
        return
    _refuse_secrets_in_url()
    if request.endpoint is None or request.url_rule is None:
        return  # there is no such route: the error handler says so, whoever asks
    if getattr(current_app.view_functions[request.endpoint], _PUBLIC, False):
        return
    g.key = key = _known(_bearer())
    structlog.contextvars.bind_contextvars(**names(key))
    origin.add(**names(key))
    _refuse_beyond(key, access.need(request.method, request.url_rule.rule))


def names(key: Key) -> dict[str, str]:
    """Give what log lines say of who asks."""
    return {"owner_id": str(key.id), **({"key_prefix": key.prefix} if key.prefix else {})}


def _refuse_secrets_in_url() -> None:
    """URLs stand in logs, in histories and in what a browser tells other sites: a secret there is none any more."""
    if has_secrets(request.path) or has_secrets(unquote(request.query_string.decode("latin-1"))):
        hint = "send the header `Authorization: Bearer KEY`, and rotate the key that was sent so"
        raise InvalidRequest(Problem("", "keys and tokens have no place in a URL, which is kept in many logs", hint))


def _bearer() -> str:
    scheme, _, token = handshake.credentials(request).partition(" ")
    if scheme.lower() != "bearer":
        raise _refusal("neither an API key nor a token was sent")
    if not _TOKEN.fullmatch(token):
        raise _refusal("the header has not exactly one key or token", error="invalid_request")
    return token


def _known(token: str) -> Key:
    try:
        key = wired().backend.key(token)
    except Unauthenticated as error:
        raise _refusal(str(error), error="invalid_token") from error
    if key is None:
        raise _refusal("the API key is unknown, expired or revoked", error="invalid_token")
    return key


def _refuse_beyond(key: Key, needed: access.Need | None) -> None:
    """Let through whoever may do what a route needs. Raises Forbidden that says what is missing."""
    if needed is None:
        raise Forbidden("nobody may use this route: app/access.py does not say who may")
    if not isinstance(needed, Open) and key.reach(needed) is None:
        raise Forbidden(
            f"this needs the scope {needed.value}, which your {'key' if key.key_id else 'token'} of the role"
            f" {key.role.value} has not: GET /v1/me says what it has; ask for one with more"
        )


def _refusal(message: str, **parameters: str) -> Unauthorized:
    hint = "send the header `Authorization: Bearer KEY`; `shipd keys create` makes keys"
    realm = WWWAuthenticate("bearer", {"realm": "shipd", **parameters})
    return Unauthorized(f"{message}: {hint}", www_authenticate=realm)

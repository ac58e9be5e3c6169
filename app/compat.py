"""What the routes in other systems' protocols share.

They read into our own request and answer from our own answer, so that every rule, limit and redaction is that of
`/v1/submissions`. Only the key's header comes from elsewhere, and errors go out in another shape.
"""

import base64
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID

from flask import Response, request
from marshmallow import Schema

from app.auth import caller, owner
from app.blueprint import Routes
from app.body import load, made
from app.json import encode
from app.schemas.parts import CurrentRules
from app.schemas.request import Request, SubmissionRequest
from app.schemas.response import Json
from app.wiring import wired
from domain.values import Stream, Whole

MAX_WHOLE_BYTES = 1024 * 1024
"""So much of an output is told: their protocols have no link to the rest."""
NAMES_FILE = "compat.toml"
COMPILE_OUTPUT = "compile_output"

Translate = Callable[[int, Json], tuple[int, Json]]
"""From status and `error` of our own shape to status and body of theirs."""


@dataclass(frozen=True)
class Names:
    """What other systems call our languages."""

    judge0: Mapping[str, tuple[int, ...]]
    """Ids by our name; the first is the one that is told."""
    piston: Mapping[str, tuple[str, ...]]
    """Their name and its aliases by ours."""


@cache
def read_names(path: Path) -> Names:
    """Read the file. Raises ValueError that names it and what is wrong in it."""
    try:
        data = tomllib.loads(path.read_text())
        names = Names(**{part: {name: tuple(known) for name, known in data[part].items()} for part in data})
    except (OSError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    for part in (names.judge0, names.piston):
        known = [one for each in part.values() for one in each]
        if len(known) != len(set(known)) or not all(part.values()):
            raise ValueError(f"{path}: every language needs a name there, and no name may stand twice")
    return names


def names() -> Names:
    """Give those of this deployment."""
    return read_names(wired().settings.jail_configs / NAMES_FILE)


def take_key(blueprint: Routes, *headers: str) -> None:
    """Take the key from where their clients send it: one of these headers, or Authorization without a scheme.

    Two that differ are given on joined as two headers of one name are, which is no key: neither is believed.
    """

    def lead(_endpoint: str | None, _values: object) -> None:
        found = dict.fromkeys(_key(request.headers[name]) for name in headers if name in request.headers)
        own = request.headers.get("Authorization", "")
        if own and (" " not in own or _is_bearer(own)):
            found[_key(own)] = None
        if found:
            request.environ["HTTP_AUTHORIZATION"] = f"Bearer {','.join(found)}"

    # It comes before every `before_request`, and so before anybody asks who is asking.
    blueprint.url_value_preprocessor(lead)


def _key(value: str) -> str:
    """Give the key in a header's value, with `Bearer` before it or without."""
    return value.strip().partition(" ")[2] if _is_bearer(value) else value.strip()


def _is_bearer(value: str) -> bool:
    return value.strip().lower().startswith("bearer ")


def tell_errors(blueprint: Routes, translate: Translate) -> None:
    """Have every error of these routes told in another shape; headers such as Retry-After stay."""

    def translated(response: Response) -> Response:
        body = response.get_json() if response.status_code >= 400 and response.is_json else None
        if isinstance(body, dict) and isinstance(body.get("error"), dict):
            response.status_code, told = translate(response.status_code, body["error"])
            response.data = encode(told) + b"\n"
        return response

    blueprint.after_request(translated)


def read(body: Json) -> Request:
    """Read a request of our own, as if it had been sent so. Raises InvalidRequest."""
    made_of = load_as(SubmissionRequest, body)
    assert isinstance(made_of, Request)  # noqa: S101 - by its schema
    return made_of


def load_as(schema: type[Schema], body: object) -> object:
    """Load a part of a body by a schema under the caller's rules. Raises InvalidRequest."""
    with CurrentRules(wired().rules(caller())):
        return load(made(schema), body)


def output(execution: Json, submission_id: UUID, name: str) -> bytes | None:
    """Give what an answer's execution shows of `stdout`, `stderr` or `compile_output`, read on where it was cut."""
    value, cut = execution[name], execution.get("truncated")
    if isinstance(value, dict):
        return _whole(submission_id, name) if _among(name, cut) else base64.b64decode(value["base64"])
    if not isinstance(value, str):
        return None
    # A cut may have split the last character.
    return _whole(submission_id, name).decode(errors="ignore").encode() if _among(name, cut) else value.encode()


def _among(name: str, cut: object) -> bool:
    return isinstance(cut, list) and name in cut


def _whole(submission_id: UUID, name: str) -> bytes:
    backend = wired().backend
    found: Whole = (
        backend.compile_output(submission_id, owner())
        if name == COMPILE_OUTPUT
        else backend.stream(submission_id, owner(), 0, Stream(name))
    )
    with found.file:
        return found.file.read(MAX_WHOLE_BYTES)

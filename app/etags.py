"""ETag and 304: who has an answer already is told so, and sent nothing.

Tags are weak: they stand for what an answer says, not for its bytes.
"""

import hashlib
from uuid import UUID

from flask import Response, request

from app.headers import ask_again
from app.schemas.selecting import Selection, canonical
from domain import __version__
from domain.views import Version

_CHARS = 32


def asked() -> bool:
    """Whether the asker has an answer already."""
    return bool(request.headers.get("If-None-Match"))


def of_version(version: Version, viewer: UUID | None, fields: Selection | None) -> str:
    """Give the tag of an answer about a submission. `viewer` is whose eyes it was made for, None an operator's."""
    hangs_on = (version.execution_id, version.state.value, version.attempt, version.results)
    return _tag("\n".join(map(str, (__version__, viewer, *hangs_on, canonical(fields)))).encode())


def of_body(response: Response) -> str:
    """Give the tag of an answer that is small and at hand."""
    return _tag(response.get_data())


def known(tag: str) -> bool:
    """Whether the asker has what bears this tag."""
    return request.if_none_match.contains_weak(tag)


def tagged(response: Response, tag: str) -> Response:
    """Put a tag on an answer, or answer that it is known."""
    if known(tag):
        return unchanged(tag)
    response.set_etag(tag, weak=True)
    return ask_again(response)


def unchanged(tag: str) -> Response:
    """Answer 304."""
    response = Response(status=304)
    del response.headers["Content-Type"]
    response.set_etag(tag, weak=True)
    return ask_again(response)


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_CHARS]

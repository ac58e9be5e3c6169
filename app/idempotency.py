"""The header Idempotency-Key, as every route that makes something reads it."""

import re

from flask import request

from app.schemas.complaints import shown
from app.schemas.fields import MAX_LABEL_CHARS
from domain.errors import InvalidRequest, Problem
from domain.idempotency import HEADER

_KEY = re.compile(rf"[ -~]{{1,{MAX_LABEL_CHARS}}}")

DOCUMENT = {
    "in": "header",
    "name": HEADER,
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LABEL_CHARS, "pattern": "^[ -~]+$"},
    "description": (
        "Sending the same JSON twice with the same key makes one submission, or one batch; with another body it is "
        "refused (422). A key counts for as long as what it made is there."
    ),
}


def key() -> str | None:
    """Give the key of this request. Raises InvalidRequest for what is none."""
    sent = request.headers.get(HEADER)
    if sent is not None and not _KEY.fullmatch(sent):
        raise InvalidRequest(
            Problem(HEADER, f"{shown(sent)} is not 1 to {MAX_LABEL_CHARS} printable ASCII characters", "use a UUID")
        )
    return sent

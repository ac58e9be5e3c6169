"""Pages of lists: how many, and where the page begins."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from marshmallow import ValidationError, post_load

from app.schemas.complaints import Complaint, shown
from app.schemas.parts import Part, Value
from domain.listing import Place

MAX_PAGE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BYTES = 8
_PLACE_BYTES = _TIME_BYTES + 16
_BOUND_BYTES = 6
_CURSOR_CHARS = (_PLACE_BYTES + _BOUND_BYTES) * 4 // 3


@dataclass(frozen=True)
class Page:
    """What was asked for of a list: how many, made before which place; its newest where there is no place."""

    limit: int
    before: Place | None


class Listed(Protocol):
    """What stands in a list."""

    @property
    def place(self) -> Place:
        """Where it stands there."""


class PageSize(Value[int]):
    """How many to list."""

    def __init__(self) -> None:
        super().__init__({"type": "integer", "minimum": 1, "maximum": MAX_PAGE}, default=20)

    def read(self, value: object) -> int:
        """Check the bounds."""
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) and 1 <= int(value) <= MAX_PAGE:
            return int(value)
        raise ValidationError(Complaint(f"{shown(value)} is not a page size", f"use a number from 1 to {MAX_PAGE}"))


class Cursor(Value[bytes]):
    """Where the page before ended, and of which list it was a page."""

    def __init__(self) -> None:
        description = "`next_cursor` of the page before, which was asked for with the same filters."
        pattern = f"^[A-Za-z0-9_-]{{{_CURSOR_CHARS}}}$"
        super().__init__({"type": "string", "pattern": pattern}, description=description)

    def read(self, value: object) -> bytes:
        """Read it back."""
        try:
            raw = base64.b64decode(str(value), altchars=b"-_", validate=True)
            place(raw)
        except (binascii.Error, ValueError, OverflowError):
            raw = b""
        if len(raw) != _PLACE_BYTES + _BOUND_BYTES:
            raise ValidationError(Complaint(f"{shown(value)} is not a cursor", "use next_cursor of the page before"))
        return raw


class PageQuery(Part):
    """`?limit=20&cursor=...`."""

    limit = PageSize()
    cursor = Cursor()

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Page:
        """See that the cursor is one of a list without filters."""
        return page(data, None)


def page(data: dict[str, object], chosen: object) -> Page:
    """Take out of what was loaded which page it is. Raises ValidationError for a cursor of another list."""
    limit, raw = data.pop("limit"), data.pop("cursor", None)
    assert isinstance(limit, int)  # noqa: S101 - by its field
    assert raw is None or isinstance(raw, bytes)  # noqa: S101 - by its field
    return Page(limit, None if raw is None else place_in(raw, chosen))


def place_in(raw: bytes, chosen: object) -> Place:
    """Read the place of a cursor that was given with these filters. Raises ValidationError for one of another list."""
    if raw[_PLACE_BYTES:] != _bound(chosen):
        hint = "leave the filters as they were on the page that it came with, or begin without a cursor"
        raise ValidationError({"cursor": [Complaint("was given with other filters", hint)]})
    return place(raw)


def next_cursor(found: Sequence[Listed], asked: Page, chosen: object = None) -> str | None:
    """Give the cursor of the next page where there may be one, of the list with these filters (any JSON)."""
    return cursor(found[-1].place, chosen) if len(found) == asked.limit else None


def cursor(last: Place, chosen: object) -> str:
    """Write a place of the list with these filters (any JSON) so that nobody is tempted to build one."""
    microseconds = (last.created_at - _EPOCH) // timedelta(microseconds=1)
    raw = microseconds.to_bytes(_TIME_BYTES, "big") + last.id.bytes + _bound(chosen)
    return base64.urlsafe_b64encode(raw).decode("ascii")


def place(raw: bytes) -> Place:
    """Read a place back. Raises ValueError, OverflowError."""
    microseconds = int.from_bytes(raw[:_TIME_BYTES], "big")
    return Place(_EPOCH + timedelta(microseconds=microseconds), UUID(bytes=raw[_TIME_BYTES:_PLACE_BYTES]))


def _bound(chosen: object) -> bytes:
    """Tell lists apart. It keeps nobody from anything: whose things are listed does not hang on it."""
    text = json.dumps(chosen, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).digest()[:_BOUND_BYTES]

"""`GET /v1/submissions?...`: which submissions, and where the page begins."""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from marshmallow import ValidationError, post_load

from app.schemas.complaints import Complaint, shown
from app.schemas.documents import SubmissionSummary
from app.schemas.fields import Choice, Text
from app.schemas.parts import Part, Value
from app.schemas.request import Language
from app.schemas.selecting import Fields, Selection
from domain.listing import Filters, Place
from domain.verdict import State, Verdict

MAX_PAGE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BYTES = 8
_PLACE_BYTES = _TIME_BYTES + 16
_BOUND_BYTES = 6
_CURSOR_CHARS = (_PLACE_BYTES + _BOUND_BYTES) * 4 // 3
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Page:
    """What was asked for."""

    limit: int
    before: Place | None
    filters: Filters
    fields: Selection | None


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


class Moment(Value[datetime]):
    """A moment as RFC 3339 has it."""

    def __init__(self, description: str) -> None:
        super().__init__({"type": "string", "format": "date-time"}, description=description)

    def read(self, value: object) -> datetime:
        """Read it, in UTC."""
        try:
            if isinstance(value, str) and _MOMENT.fullmatch(value.upper()):
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        hint = "use the form 2026-11-25T08:00:00Z; in a URL the + of another offset is written %2B"
        raise ValidationError(Complaint(f"{shown(value)} is not a moment with an offset", hint))


class PageQuery(Part):
    """`?limit=20&cursor=...&verdict=WA`."""

    limit = PageSize()
    cursor = Cursor()
    user_id = Text(min_chars=1)
    problem_id = Text(min_chars=1)
    language = Language(min_chars=1, description="A name takes in all its versions: `cpp`, `cpp@20`.")
    state = Choice(*State)
    verdict = Choice(*Verdict)
    created_from = Moment("The earliest moment.")
    created_to = Moment("The first moment that is too late.")
    fields = Fields(SubmissionSummary)  # type: ignore[assignment]

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Page:
        """See that the cursor is one of this list."""
        limit, raw = data.pop("limit"), data.pop("cursor", None)
        chosen = data.pop("fields", None)
        filters = _filters(data)
        assert isinstance(limit, int)  # noqa: S101 - by its field
        assert raw is None or isinstance(raw, bytes)  # noqa: S101 - by its field
        if raw is not None and raw[_PLACE_BYTES:] != _bound(filters):
            hint = "leave the filters as they were on the page that it came with, or begin without a cursor"
            raise ValidationError({"cursor": [Complaint("was given with other filters", hint)]})
        return Page(limit, None if raw is None else place(raw), filters, chosen)  # type: ignore[arg-type]


def _filters(data: dict[str, object]) -> Filters:
    if "state" in data:
        data["state"] = State(str(data["state"]))
    if "verdict" in data:
        data["verdict"] = Verdict(str(data["verdict"]))
    return Filters(**data)  # type: ignore[arg-type]


def cursor(last: Place, filters: Filters) -> str:
    """Write a place of a list so that nobody is tempted to build one."""
    microseconds = (last.created_at - _EPOCH) // timedelta(microseconds=1)
    raw = microseconds.to_bytes(_TIME_BYTES, "big") + last.id.bytes + _bound(filters)
    return base64.urlsafe_b64encode(raw).decode("ascii")


def place(raw: bytes) -> Place:
    """Read a place back. Raises ValueError, OverflowError."""
    microseconds = int.from_bytes(raw[:_TIME_BYTES], "big")
    return Place(_EPOCH + timedelta(microseconds=microseconds), UUID(bytes=raw[_TIME_BYTES:_PLACE_BYTES]))


def _bound(filters: Filters) -> bytes:
    """Tell lists apart. It keeps nobody from anything: whose submissions are listed does not hang on it."""
    text = json.dumps(asdict(filters), default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).digest()[:_BOUND_BYTES]

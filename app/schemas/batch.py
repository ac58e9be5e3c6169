"""`/v1/batches`: the body, and what stands behind the `?`."""

import base64
import binascii
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from marshmallow import ValidationError, post_load

from app.schemas.complaints import Complaint, shown
from app.schemas.fields import Flag
from app.schemas.paging import PageSize
from app.schemas.parts import Envelope, Part, Value
from app.schemas.query import MAX_WAIT_S, Seconds
from app.schemas.request import digest
from domain.batches import MAX_ITEMS

_MAX_TOLD_CHARS = -(-MAX_ITEMS // 6)
"""A character of base64 holds six positions."""


@dataclass(frozen=True)
class BatchAsked:
    """A batch as it was sent; its members are yet to be read. `body_sha256` is that of the whole body."""

    members: list[object]
    atomic: bool
    body_sha256: bytes


class Members(Value[list[object]]):
    """Submissions, each to be read by itself."""

    def __init__(self) -> None:
        items = {"$ref": "#/components/schemas/SubmissionRequest"}
        super().__init__(
            {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": items},
            required=True,
            description="Each as POST /v1/submissions takes it, and answered by itself: a wrong one spoils no other.",
        )

    def read(self, value: object) -> list[object]:
        """Check how many there are."""
        if not isinstance(value, list):
            raise ValidationError(Complaint("must be a list", "write [ ... ]"))
        if not 1 <= len(value) <= MAX_ITEMS:
            raise ValidationError(Complaint(f"has {len(value)} members", f"send 1 to {MAX_ITEMS}"))
        return value


class BatchRequest(Envelope):
    """Submissions in one request. With `atomic` nothing is kept unless every one of them can be."""

    submissions = Members()
    atomic = Flag()

    @post_load(pass_original=True)
    def make(self, data: dict[str, object], original: object, **_: object) -> BatchAsked:
        """Make the request."""
        members = data["submissions"]
        assert isinstance(members, list)  # noqa: S101 - by its field
        return BatchAsked(members, bool(data.get("atomic", False)), digest(original))


class Start(Value[int]):
    """The position at which a page begins."""

    def __init__(self) -> None:
        super().__init__({"type": "string", "pattern": "^[0-9]{1,4}$"}, default=0)

    def read(self, value: object) -> int:
        """Read it back."""
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", value, re.ASCII):
            return int(value)
        raise ValidationError(Complaint(f"{shown(value)} is not a cursor", "use next_cursor of the page before"))


class ItemsQuery(Part):
    """`?limit=20&cursor=...`."""

    limit = PageSize()
    cursor = Start()


class Told(Value[AbstractSet[int]]):
    """Which items a stream has told already: a bit for each position, so that none is told twice and none left out."""

    def __init__(self) -> None:
        pattern = f"^[A-Za-z0-9_-]{{2,{_MAX_TOLD_CHARS}}}$"
        super().__init__({"type": "string", "pattern": pattern}, description="`after` of the last line that was read.")

    def read(self, value: object) -> AbstractSet[int]:
        """Read it back."""
        found = _told(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError(Complaint(f"{shown(value)} is no such place", "use `after` of a line of this stream"))
        return found


class ResultsQuery(Part):
    """`?wait=60&after=...`."""

    wait = Seconds(default=MAX_WAIT_S, description="End after this many seconds, finished or not.")
    after = Told()


def told_text(positions: range | AbstractSet[int]) -> str:
    """Write which positions were told."""
    bits = sum(1 << position for position in positions)
    raw = bits.to_bytes(max(1, (bits.bit_length() + 7) // 8), "little")
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _told(text: str) -> AbstractSet[int] | None:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if not 0 < len(raw) <= (MAX_ITEMS + 7) // 8:
        return None
    bits = int.from_bytes(raw, "little")
    return frozenset(position for position in range(bits.bit_length()) if bits >> position & 1)

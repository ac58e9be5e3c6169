"""The kinds of plain JSON value: strict, and saying what to do about a wrong one."""

import base64
import binascii
from typing import ClassVar

from marshmallow import ValidationError

from app.schemas.complaints import Complaint, shown
from app.schemas.parts import CurrentRules, Document, Value
from domain.limits import MAX_POINTS, Ranges

MAX_LABEL_CHARS = 255
NO_NUL = "^[^\\x00]*$"


class Text(Value[str]):
    """Text for people and names: a string with neither NUL nor lone surrogates, and not too long."""

    def __init__(
        self,
        *,
        min_chars: int = 0,
        max_chars: int = MAX_LABEL_CHARS,
        required: bool = False,
        description: str | None = None,
    ) -> None:
        document = {"type": "string", "minLength": min_chars, "maxLength": max_chars, "pattern": NO_NUL}
        super().__init__(document, required=required, description=description)
        self.min_chars = min_chars
        self.max_chars = max_chars

    def read(self, value: object) -> str:
        """Check the text and its length."""
        text = plain_text(value)
        if len(text) < self.min_chars:
            raise ValidationError(
                Complaint("must not be empty", f"use {self.min_chars} to {self.max_chars} characters")
            )
        if len(text) > self.max_chars:
            message = f"has {len(text)} characters, more than {self.max_chars}"
            raise ValidationError(Complaint(message, "shorten it"))
        return text


def plain_text(value: object) -> str:
    """Check that a value is text without NUL and lone surrogates. Raises ValidationError."""
    if not isinstance(value, str):
        raise ValidationError(Complaint("must be a string", "put it in quotation marks"))
    if "\0" in value:
        raise ValidationError(Complaint("contains a NUL character", "take it out: only byte fields may hold one"))
    if not is_unicode(value):
        raise ValidationError(Complaint("contains a lone surrogate", "take it out: text must be valid Unicode"))
    return value


def is_unicode(text: str) -> bool:
    """Say whether a string can be written as UTF-8: JSON lets half of a surrogate pair through."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Bytes(Value[bytes]):
    """Any bytes: a string means its UTF-8, `{"base64": "..."}` the bytes themselves."""

    def __init__(self, *, required: bool = False) -> None:
        super().__init__(BYTES_DOCUMENT, required=required)

    def read(self, value: object) -> bytes:
        """Give the bytes."""
        return to_bytes(value)


BYTES_SHAPES: list[Document] = [
    {"type": "string"},
    {
        "type": "object",
        "properties": {"base64": {"type": "string", "contentEncoding": "base64"}},
        "required": ["base64"],
        "additionalProperties": False,
    },
]
BYTES_DOCUMENT: Document = {"anyOf": BYTES_SHAPES}


def to_bytes(value: object) -> bytes:
    """Read a byte field. Raises ValidationError."""
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            hint = 'send the bytes as {"base64": "..."}'
            raise ValidationError(Complaint("contains a lone surrogate, which UTF-8 cannot hold", hint)) from None
    if isinstance(value, dict) and value.keys() == {"base64"}:
        return _from_base64(value["base64"])
    raise ValidationError(Complaint('must be a string or {"base64": "..."}', "send text as a string, bytes in base64"))


def _from_base64(text: object) -> bytes:
    hint = "use the standard alphabet (A-Z a-z 0-9 + /) with padding and no line breaks"
    if not isinstance(text, str):
        raise ValidationError({"base64": [Complaint("must be a string", hint)]})
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValidationError({"base64": [Complaint("is not valid base64", hint)]}) from None


class Flag(Value[bool]):
    """true or false, nothing that might mean it."""

    document: ClassVar[Document] = {"type": "boolean"}

    def __init__(self, *, description: str | None = None) -> None:
        super().__init__(self.document, description=description)

    def read(self, value: object) -> bool:
        """Take true and false alone."""
        return read_flag(value)


def read_flag(value: object) -> bool:
    """Check that a value is true or false. Raises ValidationError."""
    if not isinstance(value, bool):
        raise ValidationError(Complaint(f"must be true or false, not {shown(value)}", "write it without quotes"))
    return value


class Whole(Value[int]):
    """A whole number within bounds, both included."""

    def __init__(self, *, floor: int, ceiling: int, description: str | None = None) -> None:
        super().__init__({"type": "integer", "minimum": floor, "maximum": ceiling}, description=description)
        self.floor = floor
        self.ceiling = ceiling

    def bounds(self) -> tuple[int, int]:
        """Give the least and the most that is accepted now."""
        return self.floor, self.ceiling

    def read(self, value: object) -> int:
        """Check the bounds."""
        floor, ceiling = self.bounds()
        hint = f"use a whole number from {floor} to {ceiling}"
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError(Complaint(f"must be a whole number, not {shown(value)}", hint))
        if value < floor:
            raise ValidationError(Complaint(f"{shown(value)} is below the floor of {floor}", hint))
        if value > ceiling:
            raise ValidationError(Complaint(f"{shown(value)} is above the ceiling of {ceiling}", hint))
        return value


class Points(Value[float]):
    """Points that may be earned: a number, perhaps with a fraction."""

    def __init__(self, *, description: str | None = None) -> None:
        super().__init__({"type": "number", "minimum": 0, "maximum": MAX_POINTS}, description=description)

    def read(self, value: object) -> float:
        """Check the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_POINTS:
            hint = f"use a number from 0 to {MAX_POINTS}"
            raise ValidationError(Complaint(f"{shown(value)} is not a number of points", hint))
        return value


class Limit(Whole):
    """A constraint: its bounds are those of the deployment, documented with the widest."""

    def __init__(self, constraint: str, *, description: str | None = None) -> None:
        widest = dict(Ranges().items())[constraint]
        super().__init__(floor=widest.floor, ceiling=widest.ceiling, description=description)
        self.constraint = constraint

    def bounds(self) -> tuple[int, int]:
        """Give the range that the settings allow."""
        allowed = dict(CurrentRules.get().ranges.items())[self.constraint]
        return allowed.floor, allowed.ceiling


class Choice(Value[str]):
    """One of a few words."""

    def __init__(self, *choices: str, required: bool = False) -> None:
        super().__init__({"type": "string", "enum": list(choices)}, required=required)
        self.choices = choices

    def read(self, value: object) -> str:
        """Look it up."""
        if not isinstance(value, str) or value not in self.choices:
            raise ValidationError(Complaint(f"{shown(value)} is unknown", "use one of " + ", ".join(self.choices)))
        return value

"""Metadata: any small JSON object that the sender wants back."""

import json
from collections.abc import Iterator

from marshmallow import ValidationError

from app.schemas.complaints import Complaint
from app.schemas.fields import is_unicode
from app.schemas.parts import Value
from domain.limits import MAX_METADATA_BYTES, MAX_METADATA_DEPTH


class Metadata(Value[dict[str, object]]):
    """A JSON object of limited size and depth, whose texts PostgreSQL can hold."""

    def __init__(self) -> None:
        description = f"At most {MAX_METADATA_BYTES} bytes, {MAX_METADATA_DEPTH} levels deep."
        super().__init__({"type": "object", "additionalProperties": True}, description=description)

    def read(self, value: object) -> dict[str, object]:
        """Check depth, size and texts."""
        if not isinstance(value, dict):
            raise ValidationError(Complaint("must be a JSON object", 'write {"name": value, ...}'))
        if next((True for _, depth in _members(value) if depth > MAX_METADATA_DEPTH), False):
            raise ValidationError(Complaint(f"is nested more than {MAX_METADATA_DEPTH} levels deep", "flatten it"))
        size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
        if size > MAX_METADATA_BYTES:
            message = f"holds {size} bytes, more than {MAX_METADATA_BYTES}"
            raise ValidationError(Complaint(message, "keep large things elsewhere and refer to them"))
        messages = _text_messages(value)
        if messages:
            raise ValidationError(messages)
        return value


def _members(value: object, depth: int = 1) -> Iterator[tuple[object, int]]:
    """Walk all objects and lists with their depth, without recursion."""
    waiting = [(value, depth)]
    while waiting:
        member, level = waiting.pop()
        if isinstance(member, dict | list):
            yield member, level
            inner = member.values() if isinstance(member, dict) else member
            waiting.extend((item, level + 1) for item in inner)


def _text_messages(value: object) -> dict[object, object] | list[object]:
    """Find text that cannot be kept, by its place; recursion is safe once the depth is known."""
    if isinstance(value, str):
        return [] if _can_be_kept(value) else [_UNFIT]
    if isinstance(value, list):
        found: dict[object, object] = {n: _text_messages(item) for n, item in enumerate(value)}
    elif isinstance(value, dict):
        found = {key: _text_messages(item) if _can_be_kept(key) else [_UNFIT] for key, item in value.items()}
    else:
        return []
    return {key: messages for key, messages in found.items() if messages}


def _can_be_kept(text: str) -> bool:
    return "\0" not in text and is_unicode(text)


_UNFIT = Complaint(
    "contains a NUL character or a lone surrogate", "take it out: text must be valid Unicode without NUL"
)

"""API keys, and who somebody is: requests and answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, post_load

from app.schemas.complaints import Complaint, shown
from app.schemas.documents import word
from app.schemas.fields import Choice, Flag, Text, Whole
from app.schemas.paging import Page, next_cursor
from app.schemas.parts import Items, Part, Value
from app.schemas.request import Id
from app.schemas.response import Json, time_json
from domain.issuing import MAX_GRACE, Issued
from domain.key_list import KeyEntry
from domain.keys import Key, NewKey
from domain.roles import Role, Scope, granted

MAX_NAME_CHARS = 100


@dataclass(frozen=True)
class Rotation:
    """How to rotate a key."""

    grace: timedelta
    expires_at: datetime | None


class Moment(Value[datetime]):
    """A moment to come, with its zone."""

    def __init__(self, description: str) -> None:
        super().__init__({"type": "string", "format": "date-time"}, description=description)

    def read(self, value: object) -> datetime:
        """Read RFC 3339."""
        found = moment(value) if isinstance(value, str) else None
        if found is None:
            hint = "write it as 2030-01-31T12:00:00Z"
            raise ValidationError(Complaint(f"{shown(value)} is no moment to come with a zone", hint))
        return found


def moment(text: str) -> datetime | None:
    """Read a moment to come that has a zone; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None and found > datetime.now(UTC) else None
    except (ValueError, OverflowError):
        return None


class KeyRequest(Part):
    """A key to make."""

    name = Text(min_chars=1, max_chars=MAX_NAME_CHARS, required=True, description="What it is for.")
    role = Choice(*Role)
    scopes = Items(
        Choice(*Scope), most=len(Scope), description="What of its role it may do; left out: all but keys:write."
    )
    expires_at = Moment("When it ends; left out: with the key that asks, or never.")
    network = Flag()
    static_check = Text(min_chars=1, description="The static check that what it sends must pass.")
    owner_id = Id()

    @post_load
    def make(self, data: dict[str, object], **_: object) -> NewKey:
        """Make the wish for a key."""
        scopes, owner_id = data.pop("scopes", None), data.pop("owner_id", None)
        assert scopes is None or isinstance(scopes, list)  # noqa: S101 - by its field
        assert owner_id is None or isinstance(owner_id, UUID)  # noqa: S101 - by its field
        narrowed = None if scopes is None else frozenset(map(Scope, scopes))
        role = Role(str(data.pop("role", Role.SUBMITTER)))
        return NewKey(role=role, scopes=narrowed, owner_id=owner_id, **data)  # type: ignore[arg-type] # by its fields


class RotateRequest(Part):
    """How to rotate a key."""

    grace_s = Whole(
        floor=0,
        ceiling=int(MAX_GRACE.total_seconds()),
        description="For so long the secret that it had works too; left out: not at all.",
    )
    expires_at = Moment("When it ends from now on; left out: when it ended before.")

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Rotation:
        """Make the wish for a rotation."""
        grace_s, expires_at = data.get("grace_s", 0), data.get("expires_at")
        assert isinstance(grace_s, int)  # noqa: S101 - by its field
        assert expires_at is None or isinstance(expires_at, datetime)  # noqa: S101 - by its field
        return Rotation(timedelta(seconds=grace_s), expires_at)


class KeyAnswer(Schema):
    """An API key, without its secret."""

    prefix = fields.String(
        required=True, metadata={"description": "The part between the underscores; it never changes."}
    )
    name = fields.String(required=True)
    owner_id = fields.UUID(required=True, metadata={"description": "Whose submissions it sends and sees."})
    role = word([*Role])
    scopes = fields.List(word([*Scope]), required=True)
    network = fields.Boolean(required=True)
    static_check = fields.String(required=True, allow_none=True)
    limits = fields.Dict(
        required=True,
        metadata={"description": "What an operator set for this key; the deployment's own limits hold too."},
    )
    created_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    rotated_at = fields.DateTime(required=True, allow_none=True)
    old_until = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Until then the secret before this one works too."}
    )
    last_used_at = fields.DateTime(required=True, allow_none=True, metadata={"description": "To the minute."})
    revoked_at = fields.DateTime(required=True, allow_none=True)


class NewKeyAnswer(KeyAnswer):
    """An API key that was just made or rotated, with its text."""

    key = fields.String(required=True, metadata={"description": "The whole key. It is shown this once."})


class KeysAnswer(Schema):
    """API keys, newest first."""

    keys = fields.List(fields.Nested(KeyAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class MeAnswer(Schema):
    """Who is asking."""

    owner_id = fields.UUID(required=True)
    name = fields.String(required=True)
    role = word([*Role])
    scopes = fields.List(word([*Scope]), required=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    prefix = fields.String(
        required=True, allow_none=True, metadata={"description": "Of the API key; null for a token."}
    )
    issuer = fields.String(required=True, allow_none=True, metadata={"description": "Of the token; null for a key."})
    subject = fields.String(required=True, allow_none=True)
    network = fields.Boolean(required=True)
    static_check = fields.String(required=True, allow_none=True)


def key_json(entry: KeyEntry) -> Json:
    """Give a key as its owner and operators see it."""
    return {
        "prefix": entry.prefix,
        "name": entry.name,
        "owner_id": str(entry.owner_id),
        "role": entry.role.value,
        "scopes": sorted(granted(entry.role, entry.scopes)),
        "network": entry.network,
        "static_check": entry.static_check,
        "limits": entry.limits.stored(),
        "created_at": time_json(entry.created_at),
        "expires_at": time_json(entry.expires_at),
        "rotated_at": time_json(entry.rotated_at),
        "old_until": time_json(entry.old_until),
        "last_used_at": time_json(entry.last_used_at),
        "revoked_at": time_json(entry.revoked_at),
    }


def issued_json(issued: Issued) -> Json:
    """Give a key that was just made or rotated: the only answer with its text."""
    return {"key": issued.text, **key_json(issued.entry)}


def keys_json(found: Sequence[KeyEntry], asked: Page) -> Json:
    """Give a page of keys; a cursor where there may be more."""
    return {"keys": list(map(key_json, found)), "next_cursor": next_cursor(found, asked)}


def me_json(key: Key) -> Json:
    """Give who is asking, and what they may."""
    return {
        "owner_id": str(key.id),
        "name": key.name,
        "role": key.role.value,
        "scopes": sorted(granted(key.role, key.scopes)),
        "expires_at": time_json(key.expires_at),
        "prefix": key.prefix,
        "issuer": key.issuer,
        "subject": key.subject,
        "network": key.network,
        "static_check": key.static_check,
    }

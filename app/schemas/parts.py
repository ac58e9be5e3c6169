"""What requests are built of: strict objects and lists, and the base of all fields."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Generic, TypeVar

from marshmallow import RAISE, Schema, ValidationError, fields, missing
from marshmallow.experimental.context import Context

from app.schemas.complaints import Complaint
from app.schemas.rules import Rules

T = TypeVar("T")
Document = Mapping[str, object]
"""A piece of OpenAPI."""

CurrentRules = Context[Rules]
"""What this deployment offers, for the fields that must know it."""


class Part(Schema):
    """A JSON object of a request; a field that it does not know is refused."""

    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012 - marshmallow merges it over the classes
        "unknown": Complaint("unknown field", "leave it out, or check its spelling in /docs"),
        "type": Complaint("must be a JSON object", 'write {"name": value, ...}'),
    }


class Envelope(Part):
    """A JSON object that holds requests which are read each by itself, `levels` deep within it."""

    levels: ClassVar[int] = 2


Messages = dict[str, str | list[object] | dict[object, object]]

MESSAGES: Messages = {
    "required": Complaint("is missing", "add this field"),
    "null": Complaint("must not be null", "leave the field out where it does not apply"),
}
"""What every field says."""


class Value(fields.Field[T], Generic[T]):
    """A field that is read by one method; `document` is what OpenAPI says of it."""

    def __init__(
        self,
        document: Document,
        *,
        required: bool = False,
        description: str | None = None,
        attribute: str | None = None,
        default: object = missing,
    ) -> None:
        metadata = dict(document) if description is None else {**document, "description": description}
        super().__init__(
            required=required,
            attribute=attribute,
            metadata=metadata,
            error_messages=MESSAGES,
            load_default=default,
        )

    def read(self, value: object) -> T:
        """Give what a JSON value means. Raises ValidationError."""
        raise NotImplementedError

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> T:  # noqa: ARG002 - marshmallow's signature
        return self.read(value)


class Items(fields.List[T]):
    """A list of at most so many members; all wrong members are told of."""

    def __init__(
        self, inner: fields.Field[T], *, most: int, required: bool = False, description: str | None = None
    ) -> None:
        metadata = {"maxItems": most} if description is None else {"maxItems": most, "description": description}
        messages: Messages = MESSAGES | {"invalid": Complaint("must be a list", "write [ ... ]")}
        super().__init__(inner, required=required, metadata=metadata, error_messages=messages)
        self.most = most

    def read(self, value: object) -> list[T | None]:
        """Read all members. Raises ValidationError."""
        if isinstance(value, list) and len(value) > self.most:
            raise ValidationError(Complaint(f"has {len(value)} members, more than {self.most}", "send fewer"))
        try:
            return super()._deserialize(value, None, None)
        except ValidationError as error:
            # Without the members that were right: a half-read list must not reach the checks of the whole.
            raise ValidationError(error.messages) from None

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> list[T | None]:  # noqa: ARG002 - marshmallow's signature
        return self.read(value)


class Object(fields.Nested):
    """A nested object."""

    def __init__(self, part: type[Part], *, required: bool = False) -> None:
        super().__init__(part, required=required, error_messages=MESSAGES)

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> object:  # type: ignore[override] # noqa: ARG002 - marshmallow's signature
        try:
            return super()._deserialize(value, None, None)
        except ValidationError as error:
            raise ValidationError(error.messages) from None


class Union(Value[object]):
    """A value of several shapes, read by a function and documented by hand."""

    def __init__(self, reader: Callable[[object], object], document: Document, *, attribute: str | None = None) -> None:
        super().__init__(document, attribute=attribute)
        self.reader = reader

    def read(self, value: object) -> object:
        """Read it by the function."""
        return self.reader(value)


def not_offered(hint: str) -> ValidationError:
    """Make the refusal of what the wire format has and this deployment does not."""
    return ValidationError(Complaint("not offered by this deployment", hint))

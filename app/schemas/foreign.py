"""The kinds of value that other systems' requests are made of: more lenient than ours, and in their units.

Fields that are not known are passed over and null is as good as nothing, as their clients expect. What is known and
cannot be had here is refused by name.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import EXCLUDE, ValidationError, fields, pre_load

from app.schemas.complaints import Complaint, shown
from app.schemas.parts import CurrentRules, Part, Value, not_offered
from domain.limits import Ranges

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_NUMBER_SHAPES = [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$"}]


class Lenient(Part):
    """An object of another protocol."""

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Document that null is taken for what may be left out."""
        super().on_bind_field(field_name, field_obj)
        if not field_obj.required:
            field_obj.metadata = or_null(field_obj.metadata)

    @pre_load
    def drop_nulls(self, data: object, **_: object) -> object:
        """Take null for a field that was left out."""
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data


def or_null(document: Mapping[str, Any]) -> dict[str, Any]:
    """Document a value that may be null as well, in the words of JSON Schema."""
    told = dict(document)
    if "type" in told:
        told["type"] = [told["type"], "null"]
    if "anyOf" in told:
        told["anyOf"] = [*told["anyOf"], {"type": "null"}]
    if "enum" in told:
        told["enum"] = [*told["enum"], None]
    return told


class Plain(Value[str]):
    """A string that may hold anything; what it means is read later."""

    def __init__(self, *, required: bool = False, description: str | None = None) -> None:
        super().__init__({"type": "string"}, required=required, description=description)

    def read(self, value: object) -> str:
        """Take strings alone."""
        if not isinstance(value, str):
            raise ValidationError(Complaint("must be a string", "put it in quotation marks"))
        return value


class Listed(Value[tuple[str, ...]]):
    """Texts with commas between them, within the query; each must match, and there is a most of them."""

    def __init__(self, each: str, *, most: int, hint: str, required: bool = False, description: str = "") -> None:
        pattern = f"^({each})(,({each})){{0,{most - 1}}}$"
        document = {"type": "string", "pattern": pattern if required else f"^$|{pattern}"}
        super().__init__(document, required=required, description=description)
        self.pattern, self.hint = re.compile(document["pattern"]), hint

    def read(self, value: object) -> tuple[str, ...]:
        """Take them apart."""
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise ValidationError(Complaint(f"{shown(value)} is no such list", self.hint))
        return tuple(value.split(",")) if value else ()


class Number(Value[float]):
    """A number, perhaps within a string."""

    def __init__(self, *, required: bool = False, description: str | None = None) -> None:
        super().__init__({"anyOf": _NUMBER_SHAPES}, required=required, description=description)

    def read(self, value: object) -> float:
        """Take it; NaN and infinities were refused before."""
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return float(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError(Complaint(f"{shown(value)} is not a number", "use a number"))
        return value


class Amount(Number):
    """A constraint in another unit: given as a whole number of ours, rounded up, within the deployment's bounds.

    `scale` is how many of our units one of theirs is. What `nothing` says is as good as left out, and read as None.
    """

    def __init__(self, constraint: str, *, scale: float = 1, nothing: float | None = None) -> None:
        widest = dict(Ranges().items())[constraint]
        super().__init__(description=f"From {widest.floor / scale:g} to {widest.ceiling / scale:g}.")
        self.constraint, self.scale, self.nothing = constraint, scale, nothing

    def read(self, value: object) -> int | None:  # type: ignore[override] # a constraint is a whole number
        """Give it in our unit."""
        number = super().read(value)
        if number == self.nothing:
            return None
        allowed = dict(CurrentRules.get().ranges.items())[self.constraint]
        scaled = math.ceil(round(number * self.scale, 6))
        if not allowed.floor <= scaled <= allowed.ceiling:
            least, most = allowed.floor / self.scale, allowed.ceiling / self.scale
            raise ValidationError(Complaint(f"must be from {least:.10g} to {most:.10g}", "or leave it out"))
        return scaled


class Refused(Value[None]):
    """What the protocol has and we do not: taken where it asks for nothing, refused where it would matter."""

    NOTHING: ClassVar[list[object]] = ["", False, [], {}]

    def __init__(self, hint: str, *, also: tuple[object, ...] = ()) -> None:
        super().__init__({"enum": [*self.NOTHING, *also]}, description="Not offered here.")
        self.hint, self.taken = hint, (*self.NOTHING, *also)

    def read(self, value: object) -> None:
        """Refuse it."""
        if not any(type(value) is type(each) and value == each for each in self.taken):
            raise not_offered(self.hint)


class Wish(Value[bool]):
    """A query parameter that is `true` or not."""

    def __init__(self, description: str) -> None:
        document = {"type": "string", "default": "false", "example": "true"}
        super().__init__(document, description=description, default=False)

    def read(self, value: object) -> bool:
        """Take `true` for true and everything else for false."""
        return value == "true"

"""`?fields=id,execution.verdict`: of an answer, what was asked for."""

from collections.abc import Iterator, Mapping

from marshmallow import Schema, ValidationError, fields

from app.schemas.complaints import Complaint, shown
from app.schemas.parts import Value

Selection = dict[str, "Selection"]
"""Names that are wanted, each with those wanted of it; none means all of it."""

MAX_CHARS = 4000


class Fields(Value[Selection]):
    """Names of an answer's fields with commas, nested ones with dots. An answer's lists are looked through."""

    def __init__(self, answer: type[Schema]) -> None:
        self.known = list(paths(answer()))
        names = {"type": "string", "enum": self.known}
        description = "What to answer with, nested names with dots: `id,execution.verdict`. All of it by default."
        super().__init__({"type": "array", "items": names, "minItems": 1}, description=description)

    def read(self, value: object) -> Selection:
        """Read the names. Raises ValidationError naming those that are unknown."""
        if not isinstance(value, str) or len(value) > MAX_CHARS:
            raise ValidationError(Complaint("is too long", f"use at most {MAX_CHARS} characters"))
        asked = value.split(",")
        unknown = [name for name in dict.fromkeys(asked) if name not in self.known]
        if unknown:
            message = f"unknown names: {', '.join(map(shown, unknown[:10]))}"
            raise ValidationError(Complaint(message, f"use some of {', '.join(self.known)}"))
        return selection(asked)


def paths(schema: Schema, above: str = "") -> Iterator[str]:
    """List all names of an answer, each before those within it."""
    for name, field in schema.fields.items():
        yield above + name
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            yield from paths(inner.schema, f"{above}{name}.")


def selection(names: list[str]) -> Selection:
    """Put names together; who asks for the whole and for a part of it gets the whole."""
    wanted: Selection = {}
    for path in sorted(names, key=len, reverse=True):
        *above, last = path.split(".")
        place = wanted
        for name in above:
            place = place.setdefault(name, {})
        place[last] = {}
    return wanted


def select(answer: object, wanted: Selection | None) -> object:
    """Give of an answer what is wanted, in the answer's order; what is not there in it is left out."""
    if not wanted:
        return answer
    if isinstance(answer, list):
        return [select(member, wanted) for member in answer]
    if not isinstance(answer, Mapping):
        return answer  # null where there is nothing to choose from
    return {name: select(value, wanted[name]) for name, value in answer.items() if name in wanted}


def canonical(wanted: Selection | None) -> str:
    """Write a selection so that the same one is always written the same."""
    return ",".join(f"{name}({canonical(inner)})" for name, inner in sorted((wanted or {}).items()))

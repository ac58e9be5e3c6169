"""What is said of problem packages."""

from dataclasses import asdict

from marshmallow import Schema, ValidationError, fields

from app.schemas import links
from app.schemas.complaints import Complaint, shown
from app.schemas.documents import word
from app.schemas.parts import Part, Value
from app.schemas.problem_answers import FindingAnswer
from domain.limits import Ranges
from domain.package_store import Stored
from domain.problem import VersionState

_TIMEOUT = Ranges().timeout_ms


class Timeout(Value[int]):
    """A time limit in the query string."""

    def __init__(self) -> None:
        document = {"type": "integer", "minimum": _TIMEOUT.floor, "maximum": _TIMEOUT.ceiling}
        super().__init__(document, description="The time limit in milliseconds where the package says none.")

    def read(self, value: object) -> int:
        """Check the bounds."""
        digits = value if isinstance(value, str) and value.isascii() and value.isdecimal() else ""
        if not (0 < len(digits) < 10 and _TIMEOUT.floor <= int(digits) <= _TIMEOUT.ceiling):
            hint = f"use milliseconds from {_TIMEOUT.floor} to {_TIMEOUT.ceiling}"
            raise ValidationError(Complaint(f"{shown(value)} is no time limit", hint))
        return int(digits)


class PackageQuery(Part):
    """`?timeout_ms=2000`."""

    timeout_ms = Timeout()


class TimeLimitAnswer(Schema):
    """The time limit of one test case."""

    timeout_ms = fields.Integer(required=True)
    stated = fields.Boolean(
        required=True, metadata={"description": "Whether the package, or the request, says it; else it is the default."}
    )


class PackageAnswer(Schema):
    """What a package became."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    version = fields.Integer(required=True)
    state = word([*VersionState])
    links = fields.Dict(required=True)
    time_limit = fields.Nested(TimeLimitAnswer, required=True)
    test_cases = fields.Integer(required=True, metadata={"description": "How many there are."})
    examples = fields.Integer(required=True, metadata={"description": "How many example submissions are kept."})
    report = fields.List(fields.Nested(FindingAnswer), required=True)


def package_json(stored: Stored) -> dict[str, object]:
    """Say what a package became."""
    made, version = stored.made, stored.imported.version
    limit = {"timeout_ms": version.constraints.timeout_ms, "stated": stored.imported.time_limit_stated}
    return {
        "id": made.problem_id,
        "title": version.title,
        "version": made.number,
        "state": made.state.value,
        "links": links.problem(made.problem_id),
        "time_limit": limit,
        "test_cases": len(version.test_cases),
        "examples": len(version.examples),
        "report": [asdict(finding) for finding in stored.imported.report],
    }

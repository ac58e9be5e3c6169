"""Test cases of problems: as those of submissions, but secret unless they say otherwise."""

from dataclasses import replace

from marshmallow import post_load

from app.schemas.cases import TestCasePart
from app.schemas.fields import Text
from app.schemas.parts import Items, Object
from domain.model import TestCase
from domain.problem_limits import MOST_CASES

MAX_DESCRIPTION_CHARS = 10_000


class ProblemCasePart(TestCasePart):
    """One test case of a problem. A sample is one with `"is_hidden": false`; the default is true."""

    description = Text(max_chars=MAX_DESCRIPTION_CHARS, description="Of a sample, for people.")

    @post_load
    def make(self, data: dict[str, object], **more: object) -> tuple[TestCase, str]:
        """Make the test case."""
        description, hidden = str(data.pop("description", "")), bool(data.pop("is_hidden", True))
        return replace(super().make(data, **more), is_hidden=hidden), description


class ProblemCases(Items[object]):
    """All test cases of a problem, in order."""

    def __init__(self) -> None:
        super().__init__(Object(ProblemCasePart), most=MOST_CASES, required=True)

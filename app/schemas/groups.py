"""Test groups: what is asked for, of submissions and of problems alike."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from marshmallow import post_load

from app.schemas.complaints import Complaint
from app.schemas.fields import Choice, Flag, Points, Text
from app.schemas.parts import Items, Object, Part
from domain.groups import faults, ordered, worth
from domain.judging import Aggregation, TestGroup
from domain.limits import MAX_TEST_GROUPS
from domain.model import TestCase


class TestGroupPart(Part):
    """Test cases that are scored together."""

    __test__ = False  # pytest must not take it for one of its own

    name = Text(min_chars=1, required=True, description="Test cases name it as their `group`.")
    parent = Text(min_chars=1, description="The group that this one is a member of.")
    aggregation = Choice(*Aggregation)
    points = Points(description="The most that it earns. Left out: as much as its members do.")
    requires = Items(
        Text(min_chars=1),
        most=MAX_TEST_GROUPS,
        description="Groups that must have passed, else it is skipped; their test cases come before its own.",
    )
    stop_on_first_failure = Flag(description="Skip the rest of it after the first of its test cases that failed.")

    @post_load
    def make(self, data: dict[str, object], **_: object) -> TestGroup:
        """Make the group."""
        data["aggregation"] = Aggregation(str(data.get("aggregation", Aggregation.SUM)))
        data["requires"] = tuple(data.get("requires", ()))  # type: ignore[arg-type]
        return TestGroup(**data)  # type: ignore[arg-type]


class TestGroups(Items[object]):
    """The groups, in any order."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__(Object(TestGroupPart), most=MAX_TEST_GROUPS)


def group_messages(data: Mapping[str, object], original: object) -> dict[str, object]:
    """Say, in marshmallow's form, what is wrong with the groups of a request, as far as its fields are right.

    What is wrong with a test case is told first: `original` has the test cases that `data` lacks then.
    """
    groups, cases = data.get("test_groups"), data.get("test_cases")
    if cases is None and not (isinstance(original, Mapping) and "test_cases" in original):
        cases = []
    if not isinstance(groups, list) or not isinstance(cases, list):
        return {}
    found: dict[int, dict[str, list[Complaint]]] = {}
    for fault in faults(groups, cases):
        complaints = found.setdefault(fault.index, {}).setdefault(fault.field, [])
        complaints.append(Complaint(fault.message, fault.hint))
    return {"test_groups": found} if found else {}


def grouped(
    groups: Sequence[TestGroup], cases: Sequence[TestCase]
) -> tuple[tuple[TestGroup, ...], tuple[TestCase, ...]]:
    """Put outer groups first, and give test cases that have none their share of their group's points."""
    in_order = ordered(groups)
    known = worth(in_order, cases)
    shared = (replace(case, points=points) for case, points in zip(cases, known.cases, strict=True))
    return tuple(replace(group, points=known.groups[group.name]) for group in in_order), tuple(shared)

import pytest

from domain.groups import Fault, Tree, faults, ordered, worth
from domain.judging import Aggregation, TestGroup
from domain.model import TestCase


def cases(*groups: str | None) -> tuple[TestCase, ...]:
    return tuple(TestCase(number, str(number), group=group) for number, group in enumerate(groups))


def found(*groups: TestGroup, cases: tuple[TestCase, ...]) -> list[tuple[int, str]]:
    return [(fault.index, fault.field) for fault in faults(groups, cases)]


def test_groups_that_hang_together_have_no_faults() -> None:
    inner = TestGroup("inner", parent="outer", requires=("first",))
    assert found(inner, TestGroup("outer"), TestGroup("first"), cases=cases("first", "inner", "a label", None)) == []


@pytest.mark.parametrize(
    ("groups", "fault"),
    [
        ((TestGroup("one"), TestGroup("one")), (1, "name")),
        ((TestGroup("one", parent="none"),), (0, "parent")),
        ((TestGroup("one", parent="one"),), (0, "parent")),
        ((TestGroup("one", requires=("none",)),), (0, "requires")),
        ((TestGroup("one", requires=("one",)),), (0, "requires")),
        ((TestGroup("one"), TestGroup("empty")), (1, "name")),
    ],
)
def test_it_names_the_faulty_group_and_field(groups: tuple[TestGroup, ...], fault: tuple[int, str]) -> None:
    assert found(*groups, cases=cases("one")) == [fault]


def test_parents_in_a_circle_are_each_told() -> None:
    groups = (TestGroup("one", parent="two"), TestGroup("two", parent="one"), TestGroup("in", parent="one"))
    assert found(*groups, cases=cases("one", "two")) == [(0, "parent"), (1, "parent"), (2, "parent")]


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one", "two"), ("two",)])
def test_what_is_required_must_come_before(order: tuple[str, ...]) -> None:
    groups = (TestGroup("two"), TestGroup("one", requires=("two",)))
    assert (1, "requires") in found(*groups, cases=cases(*order, "one", "two"))


def test_what_requires_each_other_is_refused() -> None:
    groups = (TestGroup("one", requires=("two",)), TestGroup("two", requires=("one",)))
    assert found(*groups, cases=cases("one", "two")) == [(0, "requires")]


def test_a_group_cannot_require_what_it_is_within() -> None:
    groups = (TestGroup("out"), TestGroup("in", parent="out", requires=("out",)))
    [fault] = faults(groups, cases("out", "in"))
    assert fault == Fault(
        1,
        "requires",
        "test cases of 'out' come later than one of 'in'",
        "all test cases of a required group must come before those of the group that requires it",
    )


def test_outer_groups_come_before_inner_ones() -> None:
    groups = (TestGroup("c", parent="b"), TestGroup("b", parent="a"), TestGroup("z"), TestGroup("a"))
    assert [group.name for group in ordered(groups)] == ["z", "a", "b", "c"]


def test_a_test_case_is_in_all_groups_around_its_own() -> None:
    tree = Tree((TestGroup("a"), TestGroup("b", parent="a")))
    assert [group.name for group in tree.chain("b")] == ["b", "a"]
    assert tree.chain("a label") == tree.chain(None) == ()


def test_only_what_is_granted_is_shared() -> None:
    groups = (TestGroup("sum", points=9), TestGroup("open"), TestGroup("pass", aggregation=Aggregation.ALL_OR_NOTHING))
    known = worth(groups, cases("sum", "sum", "open", "pass"))
    assert (known.cases, known.groups) == ([4.5, 4.5, None, None], {"sum": 9, "open": None, "pass": None})

"""What test groups earn: by example, and against the same said naively."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.groups import ordered
from domain.judging import Aggregation, TestGroup
from domain.model import TestCase, TestResult
from domain.scoring import GroupScore, Score, score, shown
from domain.verdict import Verdict
from tests.unit.domain.grouped import SUM, Made, in_turn, points_of, submissions

MIN, PASS_FAIL = Aggregation.MIN, Aggregation.ALL_OR_NOTHING


def cases(*members: tuple[str | None, float | None]) -> tuple[TestCase, ...]:
    return tuple(TestCase(n, str(n), points=points, group=group) for n, (group, points) in enumerate(members))


def results(letters: str, *earned: float | None) -> list[TestResult]:
    """Give a result for each letter: `y` passed, `n` failed, `-` skipped."""
    verdicts = {"y": Verdict.AC, "n": Verdict.WA, "-": None}
    given = earned or (None,) * len(letters)
    return [
        TestResult(n, verdicts[one], points=points) for n, (one, points) in enumerate(zip(letters, given, strict=True))
    ]


def total(
    groups: tuple[TestGroup, ...], members: tuple[TestCase, ...], letters: str, *earned: float | None
) -> float | None:
    return score(groups, members, results(letters, *earned)).points


def test_subtasks_are_earned_by_passing_all_of_them() -> None:
    groups = (TestGroup("easy", aggregation=PASS_FAIL, points=30), TestGroup("hard", aggregation=PASS_FAIL, points=70))
    members = cases(("easy", None), ("easy", None), ("hard", None))
    assert score(groups, members, results("yyn")) == Score(
        30,
        (
            GroupScore("easy", None, Verdict.AC, 30, 30),
            GroupScore("hard", None, Verdict.WA, 0, 70),
        ),
    )
    assert [total(groups, members, letters) for letters in ("yyy", "yny", "nnn", "y-y")] == [100, 70, 0, 70]


def test_without_groups_points_are_added_up() -> None:
    members = cases((None, 1), ("a label", 2), (None, None))
    assert score((), members, results("yny")) == Score(1)
    assert score((), cases((None, None)), results("y")) == Score(None)


@pytest.mark.parametrize(
    ("earned", "points"),
    [((10, 20), 40), ((10, 10), 20), ((5, 5), 10), ((0, 20), 0)],
)
def test_min_is_the_least_part_of_its_members(earned: tuple[float, float], points: float) -> None:
    groups = (TestGroup("one", aggregation=MIN, points=40),)
    assert total(groups, cases(("one", 10), ("one", 20)), "yy", *earned) == points


def test_in_a_min_test_cases_without_points_pass_or_do_not() -> None:
    groups = (TestGroup("one", aggregation=MIN, points=40),)
    members = cases(("one", None), ("one", 10))
    assert (total(groups, members, "yy", None, 5), total(groups, members, "ny", None, 10)) == (20, 0)
    # What a checker gave without their having points is out of the group's.
    assert total(groups, members, "yy", 10, 10) == 10


def test_a_min_without_points_earns_what_its_weakest_member_did() -> None:
    groups = (TestGroup("one", aggregation=MIN),)
    members = cases(("one", 10), ("one", 20))
    assert score(groups, members, results("yy", 10, 15)).by_group[0] == GroupScore("one", None, Verdict.AC, 10, 10)
    assert total(groups, cases(("one", 10), ("one", None)), "yn", 10, None) == 0
    assert total(groups, cases(("one", None)), "y") is None


def test_a_sum_shares_what_nobody_claims() -> None:
    groups = (TestGroup("one", points=100),)
    members = cases(("one", 40), ("one", None), ("one", None), ("one", None))
    assert [total(groups, members, letters) for letters in ("yyyy", "nyyy", "nnny")] == [100, 60, 20]
    thirds = cases(*[("one", None)] * 7)
    assert total(groups, thirds, "y" * 7) == 100


def test_no_more_than_its_points_is_earned() -> None:
    groups = (TestGroup("one", points=15),)
    assert total(groups, cases(("one", 10), ("one", 10)), "yy") == 15


def test_all_or_nothing_without_points_earns_those_of_its_members() -> None:
    groups = (TestGroup("one", aggregation=PASS_FAIL),)
    members = cases(("one", 1), ("one", 2))
    assert [total(groups, members, letters) for letters in ("yy", "yn")] == [3, 0]


def test_groups_within_groups() -> None:
    groups = (
        TestGroup("secret", points=100),
        TestGroup("one", parent="secret", aggregation=PASS_FAIL, points=30),
        TestGroup("two", parent="secret", aggregation=MIN),
    )
    members = cases(("one", None), ("two", None), ("two", None), (None, 5))
    found = score(groups, members, results("yyyy"))
    assert [(one.name, one.points, one.max_points) for one in found.by_group] == [
        ("secret", 100, 100),
        ("one", 30, 30),
        ("two", 70, 70),
    ]
    assert found.points == 105
    assert [total(groups, members, letters) for letters in ("ynyn", "nyyy")] == [30, 75]


def test_a_group_within_a_min_is_worth_as_much() -> None:
    groups = (TestGroup("whole", aggregation=MIN, points=50), TestGroup("half", parent="whole"))
    assert total(groups, cases(("half", None), ("half", None), ("whole", None)), "yny") == 25


def test_what_a_required_group_did_not_pass_earns_nothing() -> None:
    groups = (
        TestGroup("one", aggregation=PASS_FAIL, points=10),
        TestGroup("two", aggregation=PASS_FAIL, points=20, requires=("one",)),
        TestGroup("three", aggregation=PASS_FAIL, points=40, requires=("two",)),
    )
    members = cases(("one", None), ("two", None), ("three", None))
    assert [total(groups, members, letters) for letters in ("yyy", "nyy", "yny", "yyn")] == [70, 0, 10, 30]
    assert score(groups, members, results("nyy")).by_group[2].verdict is None


def test_a_group_that_was_not_reached_earned_nothing() -> None:
    groups = (TestGroup("one", points=10),)
    members = cases(("one", None), ("one", None))
    assert score(groups, members, []) == Score(0, (GroupScore("one", None, None, 0, 10),))
    assert score((TestGroup("none", points=3),), (), []) == Score(0, (GroupScore("none", None, None, 0, 3),))
    assert score((TestGroup("none"),), (), []) == Score(None, (GroupScore("none", None, None, None, None),))


def test_an_accepted_output_may_earn_less() -> None:
    found = score((TestGroup("one", points=10),), cases(("one", None)), results("y", 2.5))
    assert (found.points, found.by_group[0].verdict) == (2.5, Verdict.AC)


def test_a_group_s_verdict_is_its_first_failure() -> None:
    found = [TestResult(0, Verdict.OK), TestResult(1, Verdict.TLE), TestResult(2, Verdict.WA)]
    members = cases(("one", None), ("one", None), ("one", None))
    assert score((TestGroup("one"),), members, found).by_group[0].verdict is Verdict.TLE
    assert score((TestGroup("one"),), members, found[:1]).by_group[0].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("points", "told"), [(None, None), (7.0, 7), (0.1 + 0.2, 0.3), (2, 2), (99.9999999, 100), (1 / 3, 0.333333)]
)
def test_whole_points_are_shown_as_whole_numbers(points: float | None, told: float | None) -> None:
    assert shown(points) == told
    assert isinstance(shown(points), type(told))


@given(submissions())
def test_it_adds_up_as_one_who_is_told_to_naively(
    made: Made,
) -> None:
    groups, members, found = made
    told = in_turn(groups, members, found)
    points = score(groups, members, told).points
    assert (points or 0) == pytest.approx(points_of(groups, members, told), abs=1e-4)
    # What was run beside what counts changes nothing.
    assert score(groups, members, found) == score(groups, members, told)


@given(submissions(), st.randoms(use_true_random=False))
def test_groups_may_stand_in_any_order(made: Made, random: object) -> None:
    groups, members, found = made
    mixed = list(groups)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    names = {one.name: one for one in score(ordered(mixed), members, found).by_group}
    assert names == {one.name: one for one in score(groups, members, found).by_group}


@given(submissions())
def test_passing_more_never_earns_less(
    made: Made,
) -> None:
    groups, members, found = made
    better = [replace(one, verdict=Verdict.AC, points=None) for one in found]
    assert (score(groups, members, better).points or 0) >= (score(groups, members, found).points or 0)


def test_the_default_is_a_sum() -> None:
    assert TestGroup("one").aggregation is SUM

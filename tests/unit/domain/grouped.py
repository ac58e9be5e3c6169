"""Submissions with test groups as they may come, and what became of them, said as naively as can be."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from domain.judging import Aggregation, TestGroup
from domain.model import TestCase, TestResult
from domain.verdict import Verdict

SUM = Aggregation.SUM
Made = tuple[tuple[TestGroup, ...], tuple[TestCase, ...], list[TestResult]]


def chain(groups: Mapping[str, TestGroup], name: str | None) -> list[TestGroup]:
    found = []
    while name in groups:
        found.append(groups[str(name)])
        name = groups[str(name)].parent
    return found


@st.composite
def submissions(draw: st.DrawFn) -> Made:
    """Give up to six groups, each with a test case at least, and what every test case comes to by itself."""
    names = [f"g{n}" for n in range(draw(st.integers(0, 6)))]
    parents = {name: draw(st.sampled_from([None, *names[:n]])) for n, name in enumerate(names)}
    members = draw(st.lists(st.sampled_from([*names, None, "label"]), max_size=8)) + names
    members = draw(st.permutations(members)) or [None]
    within = {name: [n for n, one in enumerate(members) if name in _above(parents, one)] for name in names}
    groups = []
    for name in names:
        before = [one for one in names if max(within[one]) < min(within[name])]
        groups.append(
            TestGroup(
                name,
                parents[name],
                draw(st.sampled_from(Aggregation)),
                draw(st.sampled_from([None, 0, 10, 30])),
                tuple(draw(st.lists(st.sampled_from(before), unique=True, max_size=2)) if before else ()),
                draw(st.booleans()),
            )
        )
    cases = tuple(
        TestCase(n, str(n), group=group, points=draw(st.sampled_from([None, None, 0, 4, 10])))
        for n, group in enumerate(members)
    )
    return tuple(groups), cases, [_result(draw, case) for case in cases]


def _above(parents: Mapping[str, str | None], name: str | None) -> list[str]:
    found = []
    while name in parents:
        found.append(str(name))
        name = parents[str(name)]
    return found


def _result(draw: st.DrawFn, case: TestCase) -> TestResult:
    verdict = draw(st.sampled_from([Verdict.AC, Verdict.AC, Verdict.AC, Verdict.WA]))
    part = draw(st.sampled_from([None, None, 0.5])) if verdict.passed and case.points is not None else None
    return TestResult(case.ordinal, verdict, points=None if part is None else part * (case.points or 0))


def in_turn(
    groups: Sequence[TestGroup], cases: Sequence[TestCase], found: Sequence[TestResult], *, stop: bool = False
) -> list[TestResult]:
    """Run one after the other, and skip what is not to be run by then."""
    by_name = {group.name: group for group in groups}
    told: list[TestResult] = []
    for case, result in zip(cases, found, strict=True):
        before = list(zip(cases, told, strict=False))
        skip = stop and any(_failed(earlier) for _, earlier in before)
        for group in chain(by_name, case.group):
            within = [earlier for one, earlier in before if group in chain(by_name, one.group)]
            skip = skip or (group.stop_on_first_failure and any(map(_failed, within)))
            for wanted in group.requires:
                needed = [earlier for one, earlier in before if by_name[wanted] in chain(by_name, one.group)]
                skip = skip or not all(one.verdict is not None and one.verdict.passed for one in needed)
        told.append(TestResult(case.ordinal, None, "skipped") if skip else result)
    return told


def _failed(result: TestResult) -> bool:
    return result.verdict is not None and not result.verdict.passed


def points_of(groups: Sequence[TestGroup], cases: Sequence[TestCase], told: Sequence[TestResult]) -> float:
    """Say what was earned in all, member by member."""
    return sum(
        [_case_points(case, told[case.ordinal], case.points or 0) for case in cases if not _in_group(groups, case)]
        + [_group_points(groups, cases, told, group, group.points) for group in groups if group.parent is None]
    )


def _in_group(groups: Sequence[TestGroup], case: TestCase) -> bool:
    return any(group.name == case.group for group in groups)


def _case_points(case: TestCase, result: TestResult, value: float) -> float:
    if result.points is not None:
        return result.points
    return value if result.verdict is not None and result.verdict.passed else 0


def _said(groups: Sequence[TestGroup], cases: Sequence[TestCase], group: TestGroup) -> float | None:
    if group.points is not None:
        return group.points
    inner = [_said(groups, cases, one) for one in groups if one.parent == group.name]
    known = [
        value for value in [*inner, *(case.points for case in cases if case.group == group.name)] if value is not None
    ]
    if not known:
        return None
    return min(known) if group.aggregation is Aggregation.MIN else sum(known)


def _group_points(
    groups: Sequence[TestGroup],
    cases: Sequence[TestCase],
    told: Sequence[TestResult],
    group: TestGroup,
    worth: float | None,
) -> float:
    own = [case for case in cases if case.group == group.name]
    inner = [one for one in groups if one.parent == group.name]
    by_name = {one.name: one for one in groups}
    within = [told[case.ordinal] for case in cases if group in chain(by_name, case.group)]
    passed = all(one.verdict is not None and one.verdict.passed for one in within)
    highest = worth if worth is not None else _said(groups, cases, group)
    if group.aggregation is Aggregation.ALL_OR_NOTHING:
        return (highest or 0) if passed else 0
    if group.aggregation is Aggregation.SUM:
        silent = [one for one in own if one.points is None] + [
            one for one in inner if _said(groups, cases, one) is None
        ]
        known = [one.points or 0 for one in own] + [_said(groups, cases, one) or 0 for one in inner]
        share = max(0, worth - sum(known)) / len(silent) if worth is not None and silent else None
        earned = [
            _case_points(one, told[one.ordinal], (share or 0) if one.points is None else one.points) for one in own
        ]
        for one in inner:
            granted = share if _said(groups, cases, one) is None else one.points
            earned.append(_group_points(groups, cases, told, one, granted))
        return min(sum(earned), highest) if highest is not None else sum(earned)
    return _min_points(groups, cases, told, group, worth)


def _min_points(
    groups: Sequence[TestGroup],
    cases: Sequence[TestCase],
    told: Sequence[TestResult],
    group: TestGroup,
    worth: float | None,
) -> float:
    by_name = {one.name: one for one in groups}
    parts: list[float] = []
    earned: list[float] = []
    for case in cases:
        if case.group == group.name:
            passed = told[case.ordinal].verdict is Verdict.AC
            points = _case_points(case, told[case.ordinal], case.points or 0)
            parts.append(points / case.points if case.points else passed)
            if case.points is not None:
                earned.append(points)
            elif not passed:
                earned.append(0)
    for one in groups:
        if one.parent == group.name:
            within = [told[case.ordinal] for case in cases if one in chain(by_name, case.group)]
            passed = all(result.verdict is Verdict.AC for result in within)
            said = _said(groups, cases, one)
            granted = worth if said is None else one.points
            points = _group_points(groups, cases, told, one, granted)
            most = granted if granted is not None else said
            parts.append(points / most if most else passed)
            if most is not None:
                earned.append(points)
            elif not passed:
                earned.append(0)
    if worth is not None:
        return worth * min(parts)
    return min(earned) if earned and _said(groups, cases, group) is not None else 0

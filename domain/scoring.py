"""What an execution earns, and each of its test groups (pure), by the rules of `docs/semantics.md`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from domain.groups import Case, Tree, most, worth
from domain.judging import Aggregation, TestGroup
from domain.skipping import Skipping
from domain.verdict import Verdict, overall

DIGITS = 6
"""Points are told to so many digits behind the point: thirds add up, and what is whole looks whole."""


class Result(Protocol):
    """What became of a test case, as far as points ask."""

    @property
    def ordinal(self) -> int:
        """The place of its test case."""

    @property
    def verdict(self) -> Verdict | None:
        """None where it was skipped."""

    @property
    def points(self) -> float | None:
        """What it earned: all of its points, none, or as much as its checker says; None where it has none to give."""


@dataclass(frozen=True)
class GroupScore:
    """What became of a group. Its verdict is that of its test cases together; None where none was run."""

    name: str
    parent: str | None
    verdict: Verdict | None
    points: float | None
    max_points: float | None


@dataclass(frozen=True)
class Score:
    """What the whole earned (None where nothing has points), and each group, in their order."""

    points: float | None
    by_group: tuple[GroupScore, ...] = ()


@dataclass(frozen=True)
class _Member:
    passed: bool
    points: float | None
    most: float | None

    def part(self, whole: float) -> float:
        """Give what part of its points it earned, for a `min` that is worth `whole`."""
        value = self.most if self.most is not None else whole
        if self.points is None or not value:
            return float(self.passed)
        return min(1.0, max(0.0, self.points / value))


def shown(points: float | None) -> float | int | None:
    """Give points as answers show them: rounded, and whole numbers as integers."""
    if points is None:
        return None
    told = round(points, DIGITS)
    return int(told) if float(told).is_integer() else told


def score(groups: Sequence[TestGroup], cases: Sequence[Case], results: Iterable[Result]) -> Score:
    """Add up. `groups` have outer ones before inner ones; a test case that has no result earned nothing.

    What the groups' own rules leave out earns nothing either, even where it was run.
    """
    tree = Tree(groups)
    found = _left_in(groups, cases, results)
    value = worth(groups, cases)
    members: dict[str | None, list[_Member]] = {group.name: [] for group in groups} | {None: []}
    for place, case in enumerate(cases):
        name = case.group if case.group in tree.by_name else None
        members[name].append(_of_case(found.get(place), value.cases[place]))
    scored = {}
    for group in reversed(groups):
        made = _of_group(group, members[group.name], value.groups[group.name])
        scored[group.name] = made
        members[group.parent].append(made)
    verdicts = _verdicts(tree, cases, found)
    told = (
        GroupScore(one.name, one.parent, verdicts[one.name], scored[one.name].points, scored[one.name].most)
        for one in groups
    )
    return Score(_sum(members[None]), tuple(told))


def _left_in(groups: Sequence[TestGroup], cases: Sequence[Case], results: Iterable[Result]) -> dict[int, Result]:
    """Give the results that count, by place."""
    known = {result.ordinal: result for result in results if result.verdict is not None}
    failed = {place for place in range(len(cases)) if place not in known or not _passed(known[place])}
    left_out = Skipping(groups, cases, stop_on_first_failure=False).left_out(failed)
    return {place: result for place, result in known.items() if place not in left_out}


def _passed(result: Result | None) -> bool:
    return result is not None and result.verdict is not None and result.verdict.passed


def _of_case(result: Result | None, value: float | None) -> _Member:
    passed = _passed(result)
    if result is not None and result.points is not None:
        return _Member(passed, result.points, value)
    return _Member(passed, None if value is None else value * passed, value)


def _of_group(group: TestGroup, members: Sequence[_Member], value: float | None) -> _Member:
    """Add up one group; `value` is what it is worth, None: as it comes."""
    passed = all(member.passed for member in members)
    highest = value if value is not None else most(group, [member.most for member in members])
    if not members:
        return _Member(passed, None if value is None else 0.0, highest)
    match group.aggregation:
        case Aggregation.SUM:
            points = _sum(members)
        case Aggregation.MIN:
            points = _least(members, value)
        case Aggregation.ALL_OR_NOTHING:
            points = _all_or_nothing(members, highest, passed=passed)
        case _:
            assert_never(group.aggregation)
    return _Member(passed, points if highest is None or points is None else min(points, highest), highest)


def _sum(members: Sequence[_Member]) -> float | None:
    known = [member.points for member in members if member.points is not None]
    return round(sum(known), DIGITS) if known else None


def _least(members: Sequence[_Member], value: float | None) -> float | None:
    if value is not None:
        return round(value * min(member.part(value) for member in members), DIGITS)
    known = [member.points for member in members if member.points is not None]
    if not known:
        return None
    return min(known) if all(member.passed or member.points is not None for member in members) else 0.0


def _all_or_nothing(members: Sequence[_Member], value: float | None, *, passed: bool) -> float | None:
    if value is None:
        return _sum(members) if passed else None
    return value if passed else 0.0


def _verdicts(tree: Tree, cases: Sequence[Case], found: dict[int, Result]) -> dict[str, Verdict | None]:
    parts: dict[str, list[Verdict]] = {group.name: [] for group in tree.groups}
    for place, case in enumerate(cases):
        verdict = found[place].verdict if place in found else None
        for group in tree.chain(case.group):
            if verdict is not None:
                parts[group.name].append(verdict)
    return {name: overall((verdict, None) for verdict in known)[0] if known else None for name, known in parts.items()}

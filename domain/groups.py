"""How test groups hang together (pure): who is in which, what is wrong with them, and what their members are worth.

A test case is in a group that it names; what it names beside these is a label and no more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from domain.judging import Aggregation, TestGroup


class Case(Protocol):
    """A test case, as far as groups ask."""

    @property
    def points(self) -> float | None:
        """The most that it earns; None: it is not scored by itself."""

    @property
    def group(self) -> str | None:
        """The group, or the label, that it names."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a group: its place among them, the field, why, and what to do."""

    index: int
    field: str
    message: str
    hint: str


class Tree:
    """Groups by name; names are unique, and parents are among them."""

    def __init__(self, groups: Sequence[TestGroup]) -> None:
        self.groups = groups
        self.by_name = {group.name: group for group in groups}
        self._chains: dict[str, tuple[TestGroup, ...]] = {}

    def chain(self, name: str | None) -> tuple[TestGroup, ...]:
        """Give the groups that what names this one is in, the innermost first; none where it names none."""
        if name is None or name not in self.by_name:
            return ()
        if name not in self._chains:
            group = self.by_name[name]
            self._chains[name] = (group, *self.chain(group.parent))
        return self._chains[name]

    def places(self, cases: Sequence[Case]) -> dict[str, list[int]]:
        """Give the places of the test cases that name each group."""
        found: dict[str, list[int]] = {group.name: [] for group in self.groups}
        for place, case in enumerate(cases):
            if case.group is not None and case.group in found:
                found[case.group].append(place)
        return found

    @cached_property
    def inner(self) -> Mapping[str | None, list[TestGroup]]:
        """The groups within each, and within the whole."""
        found: dict[str | None, list[TestGroup]] = {}
        for group in self.groups:
            found.setdefault(group.parent, []).append(group)
        return found


def ordered(groups: Sequence[TestGroup]) -> tuple[TestGroup, ...]:
    """Put outer groups before inner ones, else as they are."""
    tree = Tree(groups)
    return tuple(sorted(groups, key=lambda group: len(tree.chain(group.name))))


def faults(groups: Sequence[TestGroup], cases: Sequence[Case], *, may_be_empty: bool = False) -> list[Fault]:
    """List what is wrong with groups and the test cases that name them; with it they must not be used.

    A group without test cases earns nothing, and is most likely a mistake: it is one unless it `may_be_empty`.
    """
    found = list(_faults_of_names(groups)) or [*_circles(groups)]
    return found or [*_faults_of_order(groups, cases, may_be_empty)]


def _faults_of_names(groups: Sequence[TestGroup]) -> Iterator[Fault]:
    names = {group.name for group in groups}
    seen: set[str] = set()
    for index, group in enumerate(groups):
        if group.name in seen:
            yield Fault(index, "name", f"{group.name!r} stands twice", "give each group a name of its own")
        seen.add(group.name)
        if group.parent is not None and group.parent not in names:
            yield Fault(index, "parent", f"there is no group {group.parent!r}", "name one of test_groups")
        for wanted in group.requires:
            if wanted not in names:
                yield Fault(index, "requires", f"there is no group {wanted!r}", "name groups of test_groups")


def _circles(groups: Sequence[TestGroup]) -> Iterator[Fault]:
    parents = {group.name: group.parent for group in groups}
    for index, group in enumerate(groups):
        above, steps = group.parent, 0
        while above is not None and above != group.name and steps <= len(groups):
            above, steps = parents[above], steps + 1
        if above is not None:
            hint = "a group's parent must not be within the group"
            yield Fault(index, "parent", f"{group.name!r} is within itself by its parents", hint)


def _faults_of_order(groups: Sequence[TestGroup], cases: Sequence[Case], may_be_empty: bool) -> Iterator[Fault]:
    """What comes later must not decide whether something is run: so there is no circle of what requires what either."""
    tree = Tree(groups)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for place, case in enumerate(cases):
        for group in tree.chain(case.group):
            first.setdefault(group.name, place)
            last[group.name] = place
    for index, group in enumerate(groups):
        if group.name not in first:
            hint = "name it as the `group` of a test case, or leave the group out"
            if not may_be_empty:
                yield Fault(index, "name", f"no test case is in {group.name!r}", hint)
            continue
        for wanted in group.requires:
            if last.get(wanted, -1) >= first[group.name]:
                hint = "all test cases of a required group must come before those of the group that requires it"
                yield Fault(index, "requires", f"test cases of {wanted!r} come later than one of {group.name!r}", hint)


def most(group: TestGroup, members: Sequence[float | None]) -> float | None:
    """Give the most that a group earns, of what its members do at most; None where nothing is known of it."""
    known = [value for value in members if value is not None]
    if group.points is not None or not known:
        return group.points
    return min(known) if group.aggregation is Aggregation.MIN else sum(known)


@dataclass
class Worth:
    """The most that each group and each test case earns, as far as it is said, or follows from what is said."""

    groups: dict[str, float | None]
    cases: list[float | None]
    """In the order of the test cases."""


def worth(groups: Sequence[TestGroup], cases: Sequence[Case]) -> Worth:
    """Give members that say nothing of points their share of what their group is worth.

    In a `sum` what the others leave is shared evenly among them; a group within a `min` is worth as much as that. Test
    cases in a `min` need none: they pass, or do not. `groups` have outer ones before inner ones.
    """
    tree = Tree(groups)
    found = Worth({group.name: group.points for group in groups}, [case.points for case in cases])
    places = tree.places(cases)
    said = _said(tree, places, cases)
    for group in groups:
        points = found.groups[group.name]
        if points is None or group.aggregation is Aggregation.ALL_OR_NOTHING:
            continue
        silent = [one.name for one in tree.inner.get(group.name, ()) if said[one.name] is None]
        if group.aggregation is Aggregation.MIN:
            found.groups.update(dict.fromkeys(silent, points))
        else:
            known = [said[one.name] for one in tree.inner.get(group.name, ())]
            _share(points, known, silent, places[group.name], found)
    return found


def _said(tree: Tree, places: Mapping[str, Sequence[int]], cases: Sequence[Case]) -> dict[str, float | None]:
    """Give what each group says, or its members say, that it is worth."""
    found: dict[str, float | None] = {}
    for group in reversed(tree.groups):
        members = [cases[place].points for place in places[group.name]]
        found[group.name] = most(group, [*members, *(found[one.name] for one in tree.inner.get(group.name, ()))])
    return found


def _share(
    points: float, known: Sequence[float | None], silent_groups: Sequence[str], places: Sequence[int], found: Worth
) -> None:
    """Share out what is left of a sum's points; `known` is what is said of the groups within."""
    silent = [place for place in places if found.cases[place] is None]
    said = [value for value in (*known, *(found.cases[place] for place in places)) if value is not None]
    if members := len(silent) + len(silent_groups):
        share = max(0.0, points - sum(said)) / members
        found.groups.update(dict.fromkeys(silent_groups, share))
        for place in silent:
            found.cases[place] = share

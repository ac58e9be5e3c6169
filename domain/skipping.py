"""Which test cases are left out because of what others came to (pure): as if they were run one after the other."""

from collections.abc import Collection, Sequence

from domain.groups import Case, Tree
from domain.judging import TestGroup


class Skipping:
    """The rules of one submission; test cases are named by their place in order.

    A failure counts only where its own test case is not left out: what was run ahead must not decide.
    """

    def __init__(self, groups: Sequence[TestGroup], cases: Sequence[Case], *, stop_on_first_failure: bool) -> None:
        tree = Tree(groups)
        self._stops = stop_on_first_failure
        self._stopping = {group.name for group in groups if group.stop_on_first_failure}
        required = {wanted for group in groups for wanted in group.requires}
        chains = [tree.chain(case.group) for case in cases]
        self._within = [frozenset(group.name for group in chain) for chain in chains]
        self._requires = [frozenset(wanted for group in chain for wanted in group.requires) for chain in chains]
        self._deciding = self._stopping | required

    def decides(self, place: int) -> bool:
        """Whether a failure of this test case can leave others out."""
        return self._stops or not self._deciding.isdisjoint(self._within[place])

    def left_out(self, failed: Collection[int], last: Collection[int] = ()) -> set[int]:
        """Give what is left out where these failed, and the rest passes as far as it is known.

        Nothing is run behind one of `last`, whatever became of it.
        """
        found: set[int] = set()
        stopped: set[str] = set()
        not_passed: set[str] = set()
        for place, within in enumerate(self._within):
            if not (stopped.isdisjoint(within) and not_passed.isdisjoint(self._requires[place])):
                found.add(place)
                not_passed |= within
                continue
            if place in failed:
                not_passed |= within
                stopped |= within & self._stopping
            if place in last or (self._stops and place in failed):
                found.update(range(place + 1, len(self._within)))
                break
        return found

"""What an operator sets for one key: ceilings of constraints below the deployment's, and its own limits of use."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from domain import rates
from domain.limits import MAX_TEST_CASES, Range, Ranges

CEILINGS = tuple(name for name, _ in Ranges().items() if name != "wall_timeout_ms")
"""The constraints that a key may have a ceiling for: the wall limit follows from `timeout_ms`."""
TEST_CASES = "test_cases"


@dataclass(frozen=True)
class KeyLimits:
    """None: what the deployment says."""

    ceilings: Mapping[str, int] = field(default_factory=dict)
    """By constraint, or `test_cases` for their number."""
    rate: str | None = None
    """Submissions of one user: `120/minute`; empty: as many as they like."""
    at_once: int | None = None
    """Executions of one user that are in the message queue or at work."""
    cpu_s_per_day: int | None = None
    """CPU seconds of one user on one day; 0: as many as they like."""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `stored` gave; what a newer release may have added is passed over."""
        known = {own.name for own in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})

    def stored(self) -> dict[str, object]:
        """Give it as it is kept: only what is set."""
        given = {own.name: getattr(self, own.name) for own in fields(self)}
        return {name: value for name, value in given.items() if value not in (None, {})}

    def over(self, others: Self) -> Self:
        """Give what is set here, and what `others` say where nothing is."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return replace(others, **{**given, "ceilings": {**others.ceilings, **self.ceilings}})

    def within(self, others: Self) -> bool:
        """Whether nothing that counts for a key alone is more than `others` have; the rest is an owner's."""
        if self.rate != others.rate:  # two rates of several windows have no order
            return False
        return all(name in self.ceilings and self.ceilings[name] <= most for name, most in others.ceilings.items())

    def lower(self, ranges: Ranges) -> Ranges:
        """Give the deployment's ranges with this key's ceilings; a default above one is lowered to it."""
        return Ranges(**{name: _lowered(known, self.ceilings.get(name)) for name, known in ranges.items()})

    @property
    def most_test_cases(self) -> int:
        """How many test cases one submission may have."""
        return min(MAX_TEST_CASES, self.ceilings.get(TEST_CASES, MAX_TEST_CASES))

    def check(self) -> None:
        """Look whether everything is as it may be. Raises ValueError naming what is not, and what is accepted."""
        known = {**dict(Ranges().items()), TEST_CASES: Range(None, 1, MAX_TEST_CASES)}
        for name, ceiling in self.ceilings.items():
            if not known[name].floor <= ceiling <= known[name].ceiling:
                accepted = f"a whole number from {known[name].floor} to {known[name].ceiling}"
                raise ValueError(f"{name}={ceiling} is out of range; it must be {accepted}")
        if self.rate is not None:
            rates.parse(self.rate)
        if self.at_once is not None and self.at_once < 1:
            raise ValueError(f"at_once={self.at_once} is out of range; it must be a whole number >= 1")
        if self.cpu_s_per_day is not None and self.cpu_s_per_day < 0:
            raise ValueError(f"cpu_s_per_day={self.cpu_s_per_day} is out of range; it must be a whole number >= 0")


NO_LIMITS = KeyLimits()


def _lowered(known: Range, ceiling: int | None) -> Range:
    if ceiling is None or ceiling >= known.ceiling:
        return known
    ceiling = max(ceiling, known.floor)
    return Range(None if known.default is None else min(known.default, ceiling), known.floor, ceiling)

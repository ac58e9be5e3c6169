"""How far regions are from each other, as the operator says: `eu:us=80,eu:ap=160` (pure)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

UNSAID_MS = 100.0
"""How far another region is of which nothing is said."""
_PAIR = re.compile(r"([a-z0-9-]{1,32}):([a-z0-9-]{1,32})=([0-9]{1,6}(?:\.[0-9]{1,3})?)")


@dataclass(frozen=True)
class Distances:
    """Round trips between regions, in milliseconds."""

    said: Mapping[frozenset[str], float] = field(default_factory=dict)

    def ms(self, one: str, other: str) -> float:
        """Say how far they are; a region is at itself."""
        return 0.0 if one == other else self.said.get(frozenset((one, other)), UNSAID_MS)


def parse(words: Sequence[str]) -> Distances:
    """Read `REGION:REGION=MILLISECONDS` from each word. Raises ValueError that says what is accepted."""
    found: dict[frozenset[str], float] = {}
    for word in words:
        match = _PAIR.fullmatch(word)
        if match is None or match[1] == match[2]:
            raise ValueError(f"{word!r} must be two regions and the milliseconds between them, as eu:us=80")
        if found.setdefault(frozenset((match[1], match[2])), float(match[3])) != float(match[3]):
            raise ValueError(f"{word!r} says another distance than before: say it once, it holds both ways")
    return Distances(found)

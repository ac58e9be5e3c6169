"""What a dashboard shows, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["lines", "stacked", "number", "text"]
WIDTHS: Mapping[Kind, int] = {"lines": 12, "stacked": 12, "number": 4, "text": 24}
HEIGHTS: Mapping[Kind, int] = {"lines": 8, "stacked": 8, "number": 4, "text": 5}


@dataclass(frozen=True)
class Panel:
    """One picture, with what it tells and the queries that are drawn in it, by their legends."""

    title: str
    meaning: str
    queries: Mapping[str, str]
    unit: str = "short"
    kind: Kind = "lines"
    rare: bool = False
    """Whether it may well be empty: nothing of the kind has happened yet."""
    good_below: float | None = None
    """A number from here on is drawn in red."""
    text: str = ""


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    meaning: str
    rows: Sequence[Row]
    asks_for: Mapping[str, str] = field(default_factory=dict)
    """Text boxes, by the name of their variable, with their labels."""

    @property
    def panels(self) -> list[Panel]:
        """All of its panels."""
        return [panel for row in self.rows for panel in row.panels]


def number(title: str, meaning: str, query: str, unit: str = "short", *, good_below: float | None = None) -> Panel:
    """Show one number, as it is now."""
    return Panel(title, meaning, {"": query}, unit, "number", good_below=good_below)


def quantiles(
    name: str, by: str = "", matching: str = "", *, of: Sequence[float] = (0.5, 0.95, 0.99)
) -> dict[str, str]:
    """Give the queries of quantiles of a histogram, one line for each, and each value of the label `by`."""
    labels = f"le, {by}" if by else "le"
    legend = f" {{{{{by}}}}}" if by else ""
    return {
        f"p{part * 100:g}{legend}": (
            f"histogram_quantile({part:g}, sum by ({labels}) (rate({name}_bucket{{{matching}}}[$__rate_interval])))"
        )
        for part in of
    }


def rate(name: str, by: str, matching: str = "") -> str:
    """Give the query of how often something happens a second, by labels."""
    return f"sum by ({by}) (rate({name}{{{matching}}}[$__rate_interval]))"


def part(name: str, by: str, matching: str) -> str:
    """Give the query of which part of all that happens is such as `matching` says."""
    return f"{rate(name, by, matching)} / {rate(name, by)}"

"""The shape of the figures, and how they are shown (pure).

Figures are known by paths such as `jail/python/cold`, each with numbers by name; in JSON a path is nested objects:
`{"jail": {"python": {"cold": {"wall_p50_ms": ..., "wall_p99_ms": ..., "cpu_ms": ...}}}}`. Beside them stand `machine`
and `run`, which say what they were measured on and how, and `more`, figures that no target speaks of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Figures = dict[str, dict[str, float]]

HEADINGS = {
    "jail": "One jailed run of a + b",
    "http": "From POST to the final result over HTTP",
    "control": "The control plane alone: nothing is run",
    "standing": "Jails that stand and wait",
    "rows": "Calls among many submissions",
    "more/turn": "CPU time of one run in every mode together: as counted above, and of the whole machine meanwhile",
    "more/idle": "The platform while nobody asks anything of it",
    "more/cases": "What a test case comes to",
    "more/phases": "Where the time goes, as telemetry tells",
    "more/control": "The control plane's latencies, and Celery's from sending to the task's start when idle",
    "more/standing": "What the machine's available memory fell by, for each standing jail",
}
"""By the beginning of the paths that stand in one table."""
DIGITS = 3


@dataclass(frozen=True)
class Ratio:
    """Two figures of one run against each other. `at_most` is the target, None where there is none yet."""

    name: str
    above: str
    below: str
    at_most: float | None = None


RATIOS = (
    *(
        Ratio(
            f"{mode} / bare, {language}, {figure}", f"jail/{language}/{mode}/{figure}", f"jail/{language}/bare/{figure}"
        )
        for language in ("cpp", "python", "java", "node")
        for mode in ("cold", "warm", "inner")
        for figure in ("wall_p50_ms", "cpu_ms")
    ),
    *(
        Ratio(
            f"{mode} / isolate, {language}, {figure}",
            f"jail/{language}/{mode}/{figure}",
            f"jail/{language}/isolate/{figure}",
        )
        for language in ("cpp", "python", "java", "node")
        for mode in ("cold", "warm", "inner")
        for figure in ("wall_p50_ms", "cpu_ms")
    ),
    Ratio("compile cache, c1, p50_ms", "http/cpp_10_cached/c1/p50_ms", "http/cpp_10/c1/p50_ms"),
    Ratio("submissions / Celery's no-ops", "control/per_s", "control/celery_noop_per_s"),
)


def nested(figures: Figures) -> dict[str, Any]:
    """Split the paths into objects within objects, figures rounded to microseconds."""
    whole: dict[str, Any] = {}
    for path, numbers in figures.items():
        place = whole
        for part in path.split("/"):
            place = place.setdefault(part, {})
        place.update({name: round(value, DIGITS) for name, value in numbers.items()})
    return whole


def figure(figures: Figures, path: str) -> float | None:
    """Find one number by path and name, `jail/python/cold/cpu_ms`; None where it was not measured."""
    place, _, name = path.rpartition("/")
    return figures.get(place, {}).get(name)


def ratios(figures: Figures, known: Sequence[Ratio] | None = None) -> list[tuple[Ratio, float]]:
    """Give the ratios of which both sides were measured in this run."""
    found = [
        (ratio, figure(figures, ratio.above), figure(figures, ratio.below))
        for ratio in (RATIOS if known is None else known)
    ]
    return [(ratio, above / below) for ratio, above, below in found if above is not None and below]


def markdown(figures: Figures, machine: Mapping[str, str], run: Mapping[str, object]) -> str:
    """Write everything as Markdown tables, one for each part that was measured."""
    parts = [part for part in HEADINGS if any(_within(part, path) for path in figures)]
    blocks = [_machine(machine, run), *(_part(part, figures) for part in parts), _ratios(figures)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _machine(machine: Mapping[str, str], run: Mapping[str, object]) -> str:
    said = ", ".join(f"{name} {value}" for name, value in {**machine, **run}.items())
    return f"Measured in one run: {said}."


def _within(part: str, path: str) -> bool:
    return f"{path}/".startswith(f"{part}/")


def _part(part: str, figures: Figures) -> str:
    rows = {path.removeprefix(part)[1:]: numbers for path, numbers in figures.items() if _within(part, path)}
    names = list(dict.fromkeys(name for numbers in rows.values() for name in numbers))
    lines = [[path, *(_shown(numbers.get(name)) for name in names)] for path, numbers in rows.items()]
    return f"### {HEADINGS[part]}\n\n{_table(['', *names], lines)}"


def _ratios(figures: Figures) -> str:
    lines = [[ratio.name, f"{value:.2f}", _target(ratio, value)] for ratio, value in ratios(figures)]
    return f"### Ratios\n\n{_table(['', 'ratio', 'target'], lines)}" if lines else ""


def _target(ratio: Ratio, value: float) -> str:
    if ratio.at_most is None:
        return ""
    return f"at most {ratio.at_most:g}: {'met' if value <= ratio.at_most else 'missed'}"


def _table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    ruler = ["---", *("---:" for _ in headings[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, ruler, *lines))


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"

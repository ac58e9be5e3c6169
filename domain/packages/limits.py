"""What a package lets its submissions spend, as constraints."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.limits import Constraints, Range, Ranges
from domain.packages import yaml_files
from domain.packages.faults import refused
from domain.packages.header import FILE, Header
from domain.packages.report import Report
from domain.packages.tree import Tree
from domain.problem_bounds import MOST_PASSES

DEFAULT_S = 10.0
"""Where nobody says: what a submission of its own has."""
DEFAULT_MEMORY_MB = 2048
DEFAULT_OUTPUT_KB = 8192
"""What judges of the format have where a package says nothing: authors count on it."""
DEFAULT_PASSES = 2
LEGACY_MULTIPLIER, MULTIPLIER = 5.0, 2.0
"""How many times the slowest accepted submission may take, where a package does not say."""

_TAKEN = {"time_limit", "memory", "output", "validation_passes"}
_KNOWN = _TAKEN | {
    *("time_multiplier", "time_multipliers", "time_safety_margin", "time_resolution", "code"),
    *("compilation_time", "compilation_memory", "validation_time", "validation_memory", "validation_output"),
}
_FIXED = ("code", "compilation_time", "compilation_memory", "validation_time", "validation_memory", "validation_output")
"""What is the platform's to say, and is not the package's here."""
_INI = re.compile(r"""^[ \t]*timelimit[ \t]*=[ \t]*['"]?([^'"\s;#]+)""", re.MULTILINE)


@dataclass(frozen=True)
class Limits:
    """Constraints, and how the time limit came to be."""

    constraints: Constraints
    passes: int
    stated: bool
    """Whether the package says a time limit."""
    rest: Mapping[str, object]
    """Other limits as the package says them."""


@dataclass(frozen=True)
class Inference:
    """How the format has a time limit follow from the slowest accepted submission."""

    multiplier: float
    resolution_s: float

    def timeout_ms(self, slowest_ms: int) -> int:
        """Give the time limit: so many times the slowest, rounded up to whole steps."""
        steps = math.ceil(slowest_ms / 1000 * self.multiplier / self.resolution_s - 1e-9)
        return max(1, math.ceil(max(1, steps) * self.resolution_s * 1000))


def read(tree: Tree, header: Header, ranges: Ranges, report: Report) -> Limits:
    """Read limits. Raises InvalidRequest for what is no number, or none that anybody could grant."""
    said = header.limits
    report.skip_keys(f"{FILE}: limits", set(said) - _KNOWN)
    if fixed := [name for name in _FIXED if yaml_files.text(said.get(name))]:
        report.note(f"{FILE}: limits", f"the platform's own hold for {', '.join(fixed)}")
    asked_s = _time_limit_s(tree, header, report)
    constraints = Constraints(
        timeout_ms=_within("time_limit", math.ceil((asked_s or DEFAULT_S) * 1000), ranges.timeout_ms, report),
        memory_mb=_within("memory", _whole(said, "memory") or DEFAULT_MEMORY_MB, ranges.memory_mb, report),
        output_kb=_within("output", _kib(said) or DEFAULT_OUTPUT_KB, ranges.output_kb, report),
    )
    rest = {key: yaml_files.plain(value) for key, value in said.items() if key in _KNOWN - _TAKEN}
    return Limits(constraints, _passes(header), asked_s is not None, rest)


def inference(header: Header) -> Inference:
    """Say how the time limit follows from runs. Raises InvalidRequest."""
    limits = header.limits
    named = yaml_files.table(limits.get("time_multipliers"))
    multiplier = yaml_files.number(named.get("ac_to_time_limit"), f"{FILE}: limits.time_multipliers")
    if multiplier is None:
        older = limits.get("time_multiplier")
        older = older.get("ac_to_time_limit") if isinstance(older, dict) else older
        multiplier = yaml_files.number(older, f"{FILE}: limits.time_multiplier")
    resolution = yaml_files.number(limits.get("time_resolution"), f"{FILE}: limits.time_resolution")
    usual = LEGACY_MULTIPLIER if header.legacy else MULTIPLIER
    return Inference(max(1.0, multiplier or usual), max(0.01, resolution or 1.0))


def _time_limit_s(tree: Tree, header: Header, report: Report) -> float | None:
    found = [
        (
            f"{FILE}: limits.time_limit",
            yaml_files.number(header.limits.get("time_limit"), f"{FILE}: limits.time_limit"),
        ),
        (".timelimit", _of_file(tree)),
        ("domjudge-problem.ini", _of_ini(tree)),
    ]
    said = [(where, seconds) for where, seconds in found if seconds is not None]
    for where, seconds in said:
        if seconds <= 0:
            raise refused(where, "must be above 0", "write seconds, such as 2 or 0.5")
    if not said:
        report.note("time limit", f"the package says none: {DEFAULT_S:g} s; `shipd problem verify` finds a better one")
        return None
    return said[0][1]


def _of_file(tree: Tree) -> float | None:
    if ".timelimit" not in tree:
        return None
    return yaml_files.number(tree.text(".timelimit").strip(), ".timelimit")


def _of_ini(tree: Tree) -> float | None:
    if "domjudge-problem.ini" not in tree:
        return None
    found = _INI.search(tree.text("domjudge-problem.ini"))
    return yaml_files.number(found[1].partition(":")[0], "domjudge-problem.ini: timelimit") if found else None


def _whole(said: Mapping[str, object], name: str) -> int | None:
    value = yaml_files.number(said.get(name), f"{FILE}: limits.{name}")
    return None if value is None else math.ceil(value)


def _kib(said: Mapping[str, object]) -> int | None:
    value = yaml_files.number(said.get("output"), f"{FILE}: limits.output")
    return None if value is None else math.ceil(value * 1024)


def _passes(header: Header) -> int:
    if not header.multi_pass:
        return 1
    asked = _whole(header.limits, "validation_passes") or DEFAULT_PASSES
    if not 1 <= asked <= MOST_PASSES:
        raise refused(f"{FILE}: limits.validation_passes", f"must be from 1 to {MOST_PASSES}", "run it less often")
    return asked


def _within(name: str, value: int, allowed: Range, report: Report) -> int:
    taken = min(max(value, allowed.floor), allowed.ceiling)
    if taken != value:
        report.note(f"{FILE}: limits.{name}", f"this platform grants {allowed.floor} to {allowed.ceiling}: {taken}")
    return taken

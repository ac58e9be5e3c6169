"""What a version of a problem may give and ask for (pure): bounds that hold however it came here.

A request has them in its fields; a package says the same things in files of its own, where nothing else would look.
"""

import math
from collections.abc import Iterator, Mapping

from domain.errors import Problem
from domain.limits import MAX_POINTS, Constraints, Range, Ranges
from domain.problem import ProblemCase, ProblemVersion

MOST_PASSES = 1000
MAX_NAME_CHARS = 1000
"""Of a test case: it is a path in a package."""
MAX_ARGUMENT_BYTES = 96 * 1024
"""All arguments together: Linux starts no program with more than 128 KiB in one."""
MAX_EXIT_CODE = 255


def beyond(version: ProblemVersion, ranges: Ranges) -> Iterator[Problem]:
    """List what is beyond its bounds; `ranges` are those of whoever keeps the version."""
    allowed = dict(ranges.items())
    yield from _constraints(version.constraints, allowed)
    for name, changed in version.language_constraints.items():
        yield from _of_language(f"language_constraints.{name[:60]}", changed, allowed)
    for number, case in enumerate(version.test_cases):
        yield from _case(f"test_cases[{number}]", case, allowed["timeout_ms"])
    for number, group in enumerate(version.judging.groups):
        yield from _points(f"test_groups[{number}].points", group.points)
    if not 1 <= version.judging.passes <= MOST_PASSES:
        yield _outside("passes", version.judging.passes, 1, MOST_PASSES)
    if not (math.isfinite(version.checker.tolerance) and version.checker.tolerance >= 0):
        yield Problem("checker.tolerance", f"{version.checker.tolerance} is no tolerance", "use 0 or more")
    yield from _arguments("checker.arguments", version.checker.arguments)


def _constraints(given: Constraints, allowed: Mapping[str, Range]) -> Iterator[Problem]:
    for name, bounds in allowed.items():
        value = getattr(given, name)
        if value is None and bounds.default is None:
            continue
        yield from _whole(f"constraints.{name}", value, bounds)
    if given.file_kb is not None:
        yield from _whole("constraints.file_kb", given.file_kb, allowed["output_kb"])
    if given.network_enabled or given.network_rules is not None:
        yield Problem("constraints.network_enabled", "a problem grants no network", "leave it out")


def _of_language(where: str, changed: Mapping[str, int], allowed: Mapping[str, Range]) -> Iterator[Problem]:
    for name, value in changed.items():
        if name not in allowed:
            yield Problem(f"{where}.{name[:60]}", "is no limit of a language", "use " + ", ".join(allowed))
        else:
            yield from _whole(f"{where}.{name}", value, allowed[name])


def _case(where: str, case: ProblemCase, timeout_ms: Range) -> Iterator[Problem]:
    if not 1 <= len(case.name) <= MAX_NAME_CHARS:
        yield Problem(f"{where}.name", f"has {len(case.name)} characters", f"use 1 to {MAX_NAME_CHARS}")
    if case.timeout_ms is not None:
        yield from _whole(f"{where}.timeout_ms", case.timeout_ms, timeout_ms)
    if case.expected_exit_code is not None and not 0 <= case.expected_exit_code <= MAX_EXIT_CODE:
        yield _outside(f"{where}.expected_output.exit_code", case.expected_exit_code, 0, MAX_EXIT_CODE)
    yield from _points(f"{where}.points", case.points)
    yield from _arguments(f"{where}.input.arguments", case.arguments)
    yield from _arguments(f"{where}.checker_arguments", case.checker_arguments)


def _points(where: str, points: float | None) -> Iterator[Problem]:
    if points is not None and not 0 <= points <= MAX_POINTS:  # NaN is not, either
        yield Problem(where, f"{points} is not a number of points", f"use a number from 0 to {MAX_POINTS}")


def _arguments(where: str, arguments: tuple[str, ...]) -> Iterator[Problem]:
    size = sum(len(one.encode(errors="replace")) + 1 for one in arguments)
    if size > MAX_ARGUMENT_BYTES:
        yield Problem(where, f"hold {size} bytes together, more than {MAX_ARGUMENT_BYTES}", "use stdin or a file")


def _whole(where: str, value: object, bounds: Range) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield Problem(where, "must be a whole number", f"use one from {bounds.floor} to {bounds.ceiling}")
    elif not bounds.floor <= value <= bounds.ceiling:
        yield _outside(where, value, bounds.floor, bounds.ceiling)


def _outside(where: str, value: int, floor: int, ceiling: int) -> Problem:
    return Problem(where, f"is {value}, not from {floor} to {ceiling}", "use a number within these")

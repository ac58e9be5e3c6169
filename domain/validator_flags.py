"""The flags of the Kattis format's default validator (pure): how it compares an output with the answer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

CASE = "case_sensitive"
SPACE = "space_change_sensitive"
ABSOLUTE = "float_absolute_tolerance"
RELATIVE = "float_relative_tolerance"
BOTH = "float_tolerance"
KNOWN = (CASE, SPACE, ABSOLUTE, RELATIVE, BOTH)
_NUMBER = re.compile(r"\+?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Flags:
    """What was said; a tolerance that was not is None, and with neither of them no token is a number."""

    case_sensitive: bool = False
    space_change_sensitive: bool = False
    absolute: float | None = None
    relative: float | None = None


def parse(arguments: Sequence[str]) -> Flags:
    """Read the flags; of those that are there twice the last counts. Raises ValueError naming what is wrong."""
    flags, rest = Flags(), iter(arguments)
    for name in rest:
        match name:
            case "case_sensitive":
                flags = replace(flags, case_sensitive=True)
            case "space_change_sensitive":
                flags = replace(flags, space_change_sensitive=True)
            case "float_absolute_tolerance":
                flags = replace(flags, absolute=_tolerance(name, rest))
            case "float_relative_tolerance":
                flags = replace(flags, relative=_tolerance(name, rest))
            case "float_tolerance":
                both = _tolerance(name, rest)
                flags = replace(flags, absolute=both, relative=both)
            case _:
                raise ValueError(f"{name!r} is no flag of the default validator")
    return flags


def _tolerance(name: str, rest: Iterator[str]) -> float:
    text = next(rest, None)
    if text is None:
        raise ValueError(f"{name!r} stands without its tolerance")
    if not _NUMBER.fullmatch(text) or (value := float(text)) == float("inf"):
        raise ValueError(f"{text!r} is not a tolerance for {name!r}")
    return value

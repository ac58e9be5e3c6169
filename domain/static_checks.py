"""Static checks as data: `jail-configs/static/<name>.toml`, read once (pure but for that).

A check says what sources in its language may import, and which names and attributes they may not use, each with its
reason; workers look before they run anything (`workers/static_check.py`). A policy, not a security boundary.

A submission carries the name of its check, so that a regrade checks the same. Today it is its key's; whatever else may
ask for one (a problem) sets the same field.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from domain.errors import InvalidRequest, Problem

LANGUAGES = ("python",)
"""Those that workers can check."""

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_TABLES = ("limits", "imports", "names", "attributes")


@dataclass(frozen=True)
class CheckLimits:
    """What the check of one submission may spend."""

    cpu_time_ms: int
    wall_time_ms: int
    memory_mb: int
    output_kb: int


@dataclass(frozen=True)
class StaticCheck:
    """One policy. What is in another language than its own is not checked."""

    name: str
    language: str
    limits: CheckLimits
    imports: Mapping[str, str]
    """Top-level modules that may be imported; each with its reason, as the next two."""
    names: Mapping[str, str]
    """Names that may not be used."""
    attributes: Mapping[str, str]
    """Attributes that may not be used on anything."""


class StaticChecks:
    """All static checks by name."""

    def __init__(self, known: Mapping[str, StaticCheck] | None = None) -> None:
        self.known = known or {}

    @classmethod
    def load(cls, folder: Path) -> "StaticChecks":
        """Read every `*.toml` of `folder`; there may be none. Raises ValueError naming the file that is wrong."""
        return cls({path.stem: read(path) for path in sorted(folder.glob("*.toml"))})

    def choose(self, name: str) -> StaticCheck:
        """Find a check. Raises InvalidRequest naming what there is."""
        check = self.known.get(name)
        if check is None:
            there = f"there are: {', '.join(self.known)}" if self.known else "there is none in jail-configs/static"
            raise InvalidRequest(Problem("static_check", f"unknown static check {name!r}; {there}"))
        return check


def read(path: Path) -> StaticCheck:
    """Read one file. Raises ValueError that names the file and what is wrong in it."""
    try:
        return _check(path.stem, tomllib.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def _check(name: str, data: Mapping[str, object]) -> StaticCheck:
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name {name!r} must be 1 to 32 of a-z, 0-9 and -")
    _refuse_other_keys("the file", data, ("language", *_TABLES))
    language = data["language"]
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} cannot be checked, only {', '.join(LANGUAGES)}")
    return StaticCheck(
        name=name,
        language=str(language),
        limits=_limits(_table(data, "limits")),
        imports=_reasons(data, "imports"),
        names=_reasons(data, "names"),
        attributes=_reasons(data, "attributes"),
    )


def _refuse_other_keys(where: str, table: Mapping[str, object], wanted: tuple[str, ...]) -> None:
    unknown, missing = sorted(table.keys() - set(wanted)), [key for key in wanted if key not in table]
    if unknown or missing:
        told = [f"{what} keys {keys}" for what, keys in (("unknown", unknown), ("missing", missing)) if keys]
        raise ValueError(f"{where} has {' and '.join(told)}")


def _table(data: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = data[name]
    if not isinstance(table, dict):
        raise ValueError(f"{name} must be a table, not {table!r}")  # noqa: TRY004 - of a file, not of a program
    return table


def _limits(table: Mapping[str, object]) -> CheckLimits:
    names = tuple(field.name for field in fields(CheckLimits))
    _refuse_other_keys("limits", table, names)
    found: dict[str, int] = {}
    for name in names:
        value = table[name]
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise ValueError(f"limits.{name} must be a whole number above 0, not {value!r}")
        found[name] = value
    return CheckLimits(**found)


def _reasons(data: Mapping[str, object], name: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for key, reason in _table(data, name).items():
        if not key.isidentifier():
            raise ValueError(f"{name}: {key!r} is not a name; a module is allowed with all below it")
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"{name}.{key} must say its reason, not {reason!r}")
        found[key] = reason
    return found

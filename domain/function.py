"""Function problems (pure, frozen): how one function is called, and what its values may be.

    type = int | float | str | bool | null | any | list[type] | dict[str,type] | optional[type]

A test case's stdin is the JSON list of the arguments, its expected stdout the JSON value that is to be returned: so a
function problem is kept, imported and claimed as any other.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Self

MAX_TYPE_CHARS = 200
MAX_DEPTH = 100
"""How deep a value may be nested."""
NOT_FINITE = ("NaN", "Infinity", "-Infinity")
"""How such a number is written in JSON, as a string, where a float is expected to be returned."""

_PLAIN = {"int", "float", "str", "bool", "null", "any"}
_AROUND = re.compile(r"(list|optional|dict)\[(.*)\]")
_KEY = "str,"


class Order(StrEnum):
    """Of which lists the order counts."""

    KEPT = "kept"
    """Of all."""
    OUTER = "outer"
    """Of all but the one that is returned."""
    NONE = "none"


@dataclass(frozen=True)
class Comparison:
    """How what was returned is compared with what is expected."""

    order: Order = Order.KEPT
    tolerance: float = 1e-6
    """Absolute or relative, of numbers that are expected to be floats; integers are compared exactly."""


@dataclass(frozen=True)
class Parameter:
    """One parameter; `type` is a word of the grammar above."""

    name: str
    type: str


@dataclass(frozen=True)
class Function:
    """A function that the sources must define."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    class_name: str | None = None
    """The class whose method it is; made without arguments, anew for every test case."""
    compare: Comparison = Comparison()


@dataclass(frozen=True)
class Type:
    """A type, read: `name` is the outermost word, `inner` what it is around."""

    name: str
    inner: Self | None = None


@dataclass(frozen=True)
class Misfit:
    """Where within a value (`[0].name`) something is not of its type, and what."""

    path: str
    message: str


@lru_cache(1024)
def parse(text: str) -> Type:
    """Read a type. Raises ValueError saying what is wrong."""
    if len(text) > MAX_TYPE_CHARS:
        raise ValueError(f"a type has at most {MAX_TYPE_CHARS} characters")
    around, rest = [], "".join(text.split())
    while rest not in _PLAIN:
        found = _AROUND.fullmatch(rest)
        if found is None:
            raise ValueError(f"{rest!r} is no type")
        name, rest = found.groups()
        if name == "dict":
            if not rest.startswith(_KEY):
                raise ValueError("the keys of a dict are str: dict[str,int]")
            rest = rest.removeprefix(_KEY)
        around.append(name)
    made = Type(rest)
    for name in reversed(around):
        made = Type(name, made)
    return made


def misfit(value: object, kind: Type, *, returned: bool = False) -> Misfit | None:
    """Find the first place where a JSON value is not of a type; None where there is none.

    Where it is what is `returned`, a float may also be one of NOT_FINITE.
    """
    waiting: list[tuple[str, object, Type, int]] = [("", value, kind, 0)]
    while waiting:
        path, member, wanted, depth = waiting.pop()
        while wanted.name == "optional" and wanted.inner is not None and member is not None:
            wanted = wanted.inner
        if depth > MAX_DEPTH:
            return Misfit("", f"is nested more than {MAX_DEPTH} deep")
        if not _fits(member, wanted.name, returned=returned):
            return Misfit(path, f"must be {_ARTICLES.get(wanted.name, wanted.name)}")
        inner = wanted.inner or Type("any")
        if isinstance(member, dict):
            waiting += [(f"{path}.{key[:40]}", one, inner, depth + 1) for key, one in reversed(member.items())]
        elif isinstance(member, list):
            waiting += [(f"{path}[{n}]", one, inner, depth + 1) for n, one in reversed(list(enumerate(member)))]
    return None


_ARTICLES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
}


def _fits(value: object, name: str, *, returned: bool) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match name:
        case "int":
            return number and isinstance(value, int)
        case "float":
            return number or (returned and value in NOT_FINITE)
        case "str" | "bool" | "list" | "dict":
            return isinstance(value, {"str": str, "bool": bool, "list": list, "dict": dict}[name])
        case "null" | "optional":
            return value is None
    return True

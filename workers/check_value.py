"""Whether a function returned what is expected: `docs/functions.md` says what is equal.

What a program says that it returned is anybody's JSON. Numbers are never made of its digits here but to be compared,
so that huge integers are exact; what is nested too deep, or has more parts than what is expected, is just wrong.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

from domain.function import MAX_DEPTH, NOT_FINITE, Comparison, Function, Order, Type, parse
from domain.model import Checker, CheckerType, TestCase
from sandbox import BoxFiles
from workers.calling import RETURNED
from workers.check import compare

MAX_SHOWN_CHARS = 200
MOST_MATCHED = 200
"""Members of a list without order that are matched one with the other where they are near but not the same; of more
they are matched in sorted order."""
_ROOM = 64 * 1024
_MOST_PER_BYTE = 16
"""A float of one digit may have been returned with seventeen, a sign and an exponent."""
_PARTS = b"[{,:"
_ANY = Type("any")


class Wrong(Exception):  # noqa: N818 - it is no error of ours
    """Why it is not what is expected, for whoever may see both."""


class Number(str):
    """A number by its digits."""

    __slots__ = ()


def look(function: Function, case: TestCase, box: BoxFiles) -> str | None:
    """Say why what lies in the box is wrong: the program may have written it itself, and is then taken at its word."""
    expected = case.expected.stdout
    content, longer = box.read(RETURNED, most_bytes(expected)) or (None, False)
    return fault(function, content, expected, cut=longer)


def most_bytes(expected: bytes | None) -> int:
    """How long the harness's file may be: nothing longer can be right."""
    return _ROOM + _MOST_PER_BYTE * len(expected or b"")


def fault(function: Function, file: bytes | None, expected: bytes | None, *, cut: bool = False) -> str | None:
    """Say why what the harness left is wrong; None where it is right.

    `expected` None: any JSON value is right. The answer tells nothing of what is expected but that this is not it.
    """
    if file is None:
        return f"it ended before {function.name} had returned"
    if cut:
        return "what it returned is longer than anything that is right"
    try:
        value = _returned(file, expected)
        right = expected is None or Same(function.compare, parse(function.returns))(value, _read(expected))
    except RecursionError:
        return "what it returned is nested too deep"
    except Wrong as wrong:
        return str(wrong)
    return None if right else f"it returned {_shown(file)}"


def _returned(file: bytes, expected: bytes | None) -> object:
    """Read what the harness left. Raises Wrong."""
    if expected is not None and len(file) > _ROOM:
        # Before anything is made of it: what has more parts is not the same, and might take all our memory.
        room = expected.count(b"\\")
        for part in _PARTS:
            if file.count(part) > expected.count(part) + room + (1 if part in b"{:" else 0):
                raise Wrong(f"it returned {_shown(file)}")
    try:
        told = _read(file)
    except (ValueError, UnicodeDecodeError) as error:
        raise Wrong(f"what was written in the place of what it returned is no JSON: {str(error)[:80]}") from None
    if isinstance(told, dict) and told.keys() == {"returned"}:
        return told["returned"]
    if isinstance(told, dict) and told.keys() == {"unfit"}:
        raise Wrong(f"what it returned is no JSON value: {str(told['unfit'])[:MAX_SHOWN_CHARS]}")
    raise Wrong("what was written in the place of what it returned is something else")


def _read(data: bytes) -> object:
    """Read JSON, and the three numbers that JSON has no word for. Raises ValueError: a key twice is none either."""
    return json.loads(
        data.decode(), parse_int=Number, parse_float=Number, parse_constant=Number, object_pairs_hook=_members
    )


def _members(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an object has a key twice")
    return made


def _shown(file: bytes) -> str:
    text = file.decode("utf-8", "replace").removeprefix('{"returned": ').removesuffix("}")
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 3] + "..."


class Same:
    """Compares values of one type."""

    def __init__(self, how: Comparison, kind: Type) -> None:
        self.how = how
        self.kind = kind

    def __call__(self, actual: object, expected: object) -> bool:
        """Say whether `actual` is as good as `expected`. Raises RecursionError."""
        return self._same(actual, expected, self.kind, 0)

    def _same(self, actual: object, expected: object, kind: Type, depth: int) -> bool:
        if depth > MAX_DEPTH:
            raise RecursionError
        if kind.name == "optional" and kind.inner is not None:
            return self._same(actual, expected, kind.inner, depth)
        inner = kind.inner or _ANY
        if isinstance(expected, dict):
            return (
                isinstance(actual, dict)
                and actual.keys() == expected.keys()
                and all(self._same(actual[key], expected[key], inner, depth + 1) for key in expected)
            )
        if isinstance(expected, list):
            if not isinstance(actual, list) or len(actual) != len(expected):
                return False
            if self.how.order is Order.NONE or (self.how.order is Order.OUTER and depth == 0):
                return self._same_in_any_order(actual, expected, inner, depth + 1)
            return all(self._same(a, e, inner, depth + 1) for a, e in zip_longest(actual, expected))
        return self._same_scalar(actual, expected, kind)

    def _same_scalar(self, actual: object, expected: object, kind: Type) -> bool:
        if kind.name == "float" and not isinstance(expected, Number) and expected in NOT_FINITE:
            expected = Number(str(expected))
        if isinstance(expected, Number):
            return isinstance(actual, Number) and self._same_number(actual, expected, kind)
        # True is no 1 and a string no number.
        return type(actual) is type(expected) and actual == expected

    def _same_number(self, actual: Number, expected: Number, kind: Type) -> bool:
        whole = kind.name == "int" or (kind.name != "float" and _is_whole(expected))
        if whole and _is_whole(actual) and _is_whole(expected):
            return _digits(actual) == _digits(expected)
        tolerance = 0.0 if whole else self.how.tolerance
        return compare(Checker(CheckerType.FLOAT, tolerance), actual.encode(), expected.encode())

    def _same_in_any_order(self, actual: list[object], expected: list[object], kind: Type, depth: int) -> bool:
        """Take away what is the same on both sides, and match the rest."""
        theirs = Counter(self._key(one, depth) for one in actual)
        left_expected = []
        for one in expected:
            key = self._key(one, depth)
            if theirs[key]:
                theirs[key] -= 1
            else:
                left_expected.append((key, one))
        left_actual = []
        for one in actual:
            key = self._key(one, depth)
            if theirs[key]:
                theirs[key] -= 1
                left_actual.append((key, one))
        return self._matched(left_actual, left_expected, kind, depth)

    def _matched(
        self, actual: list[tuple[str, object]], expected: list[tuple[str, object]], kind: Type, depth: int
    ) -> bool:
        if all(isinstance(one, Number) for _, one in (*actual, *expected)):
            pairs = zip(sorted(actual, key=_size), sorted(expected, key=_size), strict=True)
            return all(self._same(a, e, kind, depth) for (_, a), (_, e) in pairs)
        if len(expected) > MOST_MATCHED:
            pairs = zip(sorted(actual, key=_rank), sorted(expected, key=_rank), strict=True)
            return all(self._same(a, e, kind, depth) for (_, a), (_, e) in pairs)
        fits = [[n for n, (_, a) in enumerate(actual) if self._same(a, e, kind, depth)] for _, e in expected]
        return _all_matched(fits)

    def _key(self, value: object, depth: int) -> str:
        """Write a value so that two that are written alike are the same."""
        if depth > MAX_DEPTH:
            raise RecursionError
        if isinstance(value, dict):
            return "{" + ",".join(f"{key!r}:{self._key(value[key], depth + 1)}" for key in sorted(value)) + "}"
        if isinstance(value, list):
            keys = [self._key(one, depth + 1) for one in value]
            return "[" + ",".join(sorted(keys) if self.how.order is Order.NONE else keys) + "]"
        if isinstance(value, Number):
            return _digits(value) if _is_whole(value) else str(value)
        return repr(value)


def _is_whole(number: Number) -> bool:
    return number.removeprefix("-").isdigit()


def _digits(number: Number) -> str:
    return "0" if number == "-0" else str(number)


def _rank(one: tuple[str, object]) -> list[tuple[float, str]]:
    """Give a place among others: by the numbers and words within, as they come."""
    ranks, waiting = [], [one[1]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [value[key] for key in sorted(value, reverse=True)]
        elif isinstance(value, list):
            waiting += reversed(value)
        else:
            ranks.append((_size(("", value)), "") if isinstance(value, Number) else (math.inf, repr(value)))
    return ranks


def _size(one: tuple[str, object]) -> float:
    number = float(str(one[1]))
    return math.inf if math.isnan(number) else number


def _all_matched(fits: Sequence[Sequence[int]]) -> bool:
    """Say whether each of the left can have one of its own among those on the right that fit it (augmenting paths)."""
    owner: dict[int, int] = {}

    def placed(left: int, tried: set[int]) -> bool:
        for right in fits[left]:
            if right not in tried:
                tried.add(right)
                if right not in owner or placed(owner[right], tried):
                    owner[right] = left
                    return True
        return False

    return all(placed(left, set()) for left in range(len(fits)))

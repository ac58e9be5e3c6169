"""Whether what a function returned is what is expected."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.function import MAX_DEPTH, Comparison, Function, Order
from workers.check_value import MOST_MATCHED, fault, most_bytes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def judged(
    file: bytes | str | None,
    expected: object,
    returns: str = "any",
    *,
    order: Order = Order.KEPT,
    tolerance: float = 1e-6,
) -> str | None:
    """Judge what lies in the harness's file; `expected` is a value, or JSON as bytes."""
    function = Function("f", (), returns, compare=Comparison(order, tolerance))
    wanted = expected if isinstance(expected, bytes) else json.dumps(expected).encode()
    return fault(function, file.encode() if isinstance(file, str) else file, wanted)


def returned(value: str, expected: object, returns: str = "any", **how: object) -> bool:
    return judged(f'{{"returned": {value}}}', expected, returns, **how) is None  # type: ignore[arg-type]


@given(JSON, st.sampled_from(Order))
def test_every_value_is_itself(value: object, order: Order) -> None:
    assert returned(json.dumps(value), value, order=order)


@given(JSON, JSON)
def test_two_that_differ_are_told_apart(one: object, other: object) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    if returned(json.dumps(one), other, tolerance=0.0):
        assert same or _plain(one) == _plain(other)
    else:
        assert not same


def _plain(value: object) -> object:
    """What JSON and Python see differently: true is no 1 there."""
    if isinstance(value, bool) or not isinstance(value, list | dict):
        return (isinstance(value, bool), value)
    return [_plain(one) for one in value] if isinstance(value, list) else {k: _plain(v) for k, v in value.items()}


@given(st.lists(st.integers() | st.text() | st.lists(st.integers(), max_size=3), max_size=12), st.randoms())
def test_the_order_does_not_count_where_it_is_said(values: list[object], random: object) -> None:
    mixed = values.copy()
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert returned(json.dumps(mixed), values, order=Order.OUTER)
    assert returned(json.dumps(mixed), values, order=Order.NONE)


@pytest.mark.parametrize(
    ("actual", "expected", "kind", "right"),
    [
        ("3", 3, "int", True),
        ("3.0", 3, "int", True),
        ("3e0", 3, "any", True),
        ("3.0000001", 3, "int", False),
        ("3.0000001", 3, "any", False),
        ("-0", 0, "int", True),
        ("true", 1, "int", False),
        ("1", True, "bool", False),
        ('"1"', 1, "any", False),
        ("null", 0, "any", False),
        ("0.30000000000000004", 0.3, "float", True),
        ("0.30000000000000004", 0.3, "any", True),
        ("0.3001", 0.3, "float", False),
        ("3", 3.0, "float", True),
        ("3.0000001", 3, "float", True),
        ("NaN", "NaN", "float", True),
        ("Infinity", "Infinity", "float", True),
        ("-Infinity", "Infinity", "float", False),
        ("NaN", 1.0, "float", False),
        ("1.0", "NaN", "float", False),
        ('"NaN"', "NaN", "any", True),
        ("NaN", "NaN", "any", False),
        ("1e400", "Infinity", "float", False),
        ("[1, 2]", [1, 2, 3], "list[int]", False),
        ("[1, 2, 3]", [1, 2], "list[int]", False),
        ('{"a": 1}', {"a": 1, "b": 2}, "any", False),
        ('{"b": 2, "a": 1}', {"a": 1, "b": 2}, "any", True),
        ("[]", {}, "any", False),
        ('"\\ud800"', "\ud800", "str", True),
    ],
)
def test_numbers_and_words(actual: str, expected: object, kind: str, right: bool) -> None:
    assert returned(actual, expected, kind) is right


def test_huge_integers_are_exact() -> None:
    huge = "9" * 10_000  # more digits than Python reads without being told to
    assert returned(huge, huge.encode(), "int")
    assert not returned(huge[:-1] + "8", huge.encode(), "int")
    assert not returned(str(2**63), 2**63 + 1, "int")
    assert not returned(f"{2**53}.0", 2**53 + 1, "int")


@pytest.mark.parametrize(
    ("order", "actual", "right"),
    [
        (Order.KEPT, "[[2, 1], [3]]", True),
        (Order.KEPT, "[[3], [2, 1]]", False),
        (Order.OUTER, "[[3], [2, 1]]", True),
        (Order.OUTER, "[[3], [1, 2]]", False),
        (Order.NONE, "[[3], [1, 2]]", True),
        (Order.NONE, "[[3], [1, 1]]", False),
        (Order.NONE, "[[3], [3]]", False),
    ],
)
def test_which_lists_have_an_order(order: Order, actual: str, right: bool) -> None:
    assert returned(actual, [[2, 1], [3]], "list[list[int]]", order=order) is right


def test_floats_in_any_order_are_matched() -> None:
    assert returned("[[1.0000001, 5], [1.0, 4]]", [[1.0, 5], [1.0000001, 4]], "list[list[float]]", order=Order.OUTER)
    assert returned("[0.3, 0.1, 0.20000000001]", [0.1, 0.2, 0.3], "list[float]", order=Order.OUTER)
    assert not returned("[0.3, 0.1, 0.21]", [0.1, 0.2, 0.3], "list[float]", order=Order.OUTER)
    near = [[n + 1e-9, "x"] for n in range(MOST_MATCHED + 1)]
    exact = [[float(n), "x"] for n in range(MOST_MATCHED + 1)]
    assert returned(json.dumps(near), exact, "list[any]", order=Order.OUTER)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (None, "it ended before f had returned"),
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b'{"returned": 1}{"returned": 1}', "no JSON"),
        (b'{"returned": {"a": 1, "a": 2}}', "no JSON"),
        (b'{"returned": 1, "returned": 1}', "no JSON"),
        (b'{"returned": 1, "verdict": "AC"}', "something else"),
        (b"1", "something else"),
        (b'"AC"', "something else"),
        (b'{"unfit": "TypeError: a set"}', "no JSON value: TypeError: a set"),
        (b'{"returned": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "returned"),
        (b'{"returned": ' + b"[" * 5000 + b"1" + b"]" * 5000 + b"}", "nested too deep"),
        (b'{"returned": 2}', "it returned 2"),
    ],
)
def test_it_says_what_is_wrong_with_the_file(file: bytes | None, said: str) -> None:
    assert said in (judged(file, 1) or "")


def test_depth_is_the_same_whoever_asks() -> None:
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert returned(deep, deep.encode())
    deeper = "[" * (MAX_DEPTH + 3) + "]" * (MAX_DEPTH + 3)
    assert judged(f'{{"returned": {deeper}}}', deeper.encode()) == "what it returned is nested too deep"


def test_more_parts_than_expected_are_refused_unread() -> None:
    flood = '{"returned": [' + "[]," * 1_000_000 + "[]]}"
    assert "it returned [[],[]" in (judged(flood, [1]) or "")
    assert sys.getrecursionlimit() == 1000


def test_what_is_longer_than_anything_right_is_wrong() -> None:
    function = Function("f", (), "int")
    assert "longer" in (fault(function, b'{"returned": 1}', b"1", cut=True) or "")
    assert most_bytes(b"x" * 100) > most_bytes(None) > 1000


def test_without_an_expectation_any_value_is_right() -> None:
    function = Function("f", (), "int")
    assert fault(function, b'{"returned": [null]}', None) is None
    assert fault(function, b'{"unfit": "x"}', None) is not None
    assert fault(function, None, None) is not None

import pytest

from domain.model import Checker, CheckerType
from workers.check import compare

MIB = 1024 * 1024


def passes(kind: str, actual: bytes, expected: bytes, tolerance: float = 1e-6) -> bool:
    return compare(Checker(CheckerType(kind), tolerance), actual, expected)


@pytest.mark.parametrize("kind", ["tokens", "exact", "lines", "float"])
def test_it_accepts_the_same_bytes(kind: str) -> None:
    assert passes(kind, b"1 2\r\n \xff\n", b"1 2\r\n \xff\n")


@pytest.mark.parametrize("kind", ["tokens", "exact", "lines", "float"])
def test_it_rejects_other_bytes(kind: str) -> None:
    assert not passes(kind, b"yes\n", b"no\n")


@pytest.mark.parametrize("actual", [b"1\n2", b"1\n2\n\n", b"1 \n2\n", b"1\r\n2\n", b"\n1\n2\n", b""])
def test_exact_compares_bytes(actual: bytes) -> None:
    assert not passes("exact", actual, b"1\n2\n")


@pytest.mark.parametrize(
    "actual",
    [b"a b\nc", b"a b\nc\n", b"a b  \nc\t\n", b"a b\r\nc\r\n", b"a b\nc\n\n \n\t\r\n", b"a b \t\r \nc"],
)
def test_lines_ignores_what_trails(actual: bytes) -> None:
    assert passes("lines", actual, b"a b\nc\n")


@pytest.mark.parametrize(
    "actual",
    [
        b"a  b\nc\n",
        b" a b\nc\n",
        b"a b c\n",
        b"a b\n\nc\n",
        b"\na b\nc\n",
        b"a b\n c\n",
        b"a b\nC\n",
        b"a b\x0b\nc\n",
        b"a\rb\nc\n",
        b"a b\n",
    ],
)
def test_lines_sees_everything_else(actual: bytes) -> None:
    assert not passes("lines", actual, b"a b\nc\n")


@pytest.mark.parametrize("actual", [b"", b"\n", b" \t\r\n\n"])
def test_lines_takes_blank_output_for_empty(actual: bytes) -> None:
    assert passes("lines", actual, b"")
    assert passes("lines", b"", actual)


@pytest.mark.parametrize("actual", [b"a b c", b"a\nb\nc\n", b"\v\f a\tb\r\nc ", b"a  b\n\n\nc"])
def test_tokens_splits_at_ascii_whitespace(actual: bytes) -> None:
    assert passes("tokens", actual, b"a b c\n")


@pytest.mark.parametrize(
    "actual", [b"a b", b"a b c d", b"ab c", b"A b c", b"a\xc2\xa0b c", b"a\0b c", b"a\x1cb c", b""]
)
def test_tokens_sees_everything_else(actual: bytes) -> None:
    assert not passes("tokens", actual, b"a b c\n")


def test_tokens_are_never_numbers() -> None:
    assert not passes("tokens", b"1.0", b"1")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("3.1415926", "3.1415927"),
        ("1000000.9", "1000000"),  # relative
        ("0.0000009", "0"),  # absolute
        ("0.500001", "0.5"),  # exactly at the limit, where binary floats say no
        ("1.000001", "1"),
        ("2000002", "2000000"),
        ("1e3", "1000"),
        ("+.5", "0.5"),
        ("5.", "5"),
        ("-0", "0"),
        ("1E+2", "100"),
        ("NaN", "nan"),
        ("-nan", "NaN"),
        ("Infinity", "inf"),
        ("-INF", "-inf"),
        ("1e999", "10e998"),  # finite, though not as floats
    ],
)
def test_float_accepts_what_is_close(actual: str, expected: str) -> None:
    assert passes("float", actual.encode(), expected.encode())


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("3.14158", "3.14159265"),
        ("0.50000100000000001", "0.5"),
        ("1000002", "1000000"),
        ("0.0000011", "0"),
        ("inf", "-inf"),
        ("1", "inf"),
        ("inf", "1"),
        ("nan", "1"),
        ("1", "nan"),
        ("inf", "1e999"),
        ("1e999", "inf"),
        ("2e999", "1e999"),
        ("1e99999999999999999999", "2e99999999999999999999"),
        ("0x10", "16"),
        ("16", "0x10"),
        ("1_000", "1000"),
        ("1000", "1_000"),
        ("1,5", "1.5"),
        ("1e", "1"),
        ("e5", "1"),
        (".", "0"),
        ("one", "1"),
        ("1", "one"),
        ("1 2", "1"),
        ("1", "1 2"),
        ("\uff11", "1"),
    ],
)
def test_float_rejects_what_is_not(actual: str, expected: str) -> None:
    assert not passes("float", actual.encode(), expected.encode())


def test_float_compares_other_tokens_as_bytes() -> None:
    assert passes("float", b"x = 0.33333333\n", b"x  =  0.333333333")
    assert not passes("float", b"y = 0.33333333\n", b"x = 0.333333333")


@pytest.mark.parametrize(("actual", "right"), [("0.6", True), ("0.61", False), ("0.4", True), ("0.39", False)])
def test_float_takes_the_tolerance_given(actual: str, *, right: bool) -> None:
    assert passes("float", actual.encode(), b"0.5", tolerance=0.1) is right


def test_float_of_no_tolerance_compares_values() -> None:
    assert passes("float", b"1.50", b"1.5", tolerance=0)
    assert not passes("float", b"9007199254740993", b"9007199254740992", tolerance=0)
    assert not passes("float", b"1e-400", b"0", tolerance=0)


@pytest.mark.parametrize("kind", ["tokens", "lines", "float"])
@pytest.mark.parametrize(
    "unit",
    [b"1", b" ", b"\n", b"1\n", b"1 \n", b"\r", b"x", b"1e", b"\t1.5 \r\n"],
    ids=["digits", "spaces", "newlines", "short-lines", "trailing", "returns", "one-token", "not-numbers", "mixed"],
)
def test_it_reads_hostile_output_in_linear_time(kind: str, unit: bytes) -> None:
    # Anything quadratic would need hours for this, so the test would not end.
    output = unit * (4 * MIB // len(unit))
    assert not passes(kind, output + b"a", output + b"b")

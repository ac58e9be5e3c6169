"""The default validator of the Kattis format, against a slow and plain reading of its specification."""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workers.check
from domain.model import Checker, CheckerType
from domain.validator_flags import Flags, parse
from workers.check import compare

PARTS = st.sampled_from(
    [b" ", b"\n", b"\t", b"\r\n", b"\v", b"a", b"A", b"\xc3\xa4", b"1", b"1.0", b".5", b"-", b"e3", b"nan"]
)
TEXT = st.lists(PARTS, max_size=12).map(b"".join)
TOLERANCES = [[], ["float_absolute_tolerance", "0.25"], ["float_relative_tolerance", "1e-1"], ["float_tolerance", ".5"]]
FLAGS = st.tuples(
    st.sampled_from([[], ["case_sensitive"]]),
    st.sampled_from([[], ["space_change_sensitive"]]),
    st.sampled_from(TOLERANCES),
).map(lambda chosen: [flag for flags in chosen for flag in flags])
NUMBER = re.compile(rb"[+-]?([0-9]*\.[0-9]+|[0-9]+\.|[0-9]+)([Ee][+-]?[0-9]+)?")
SPACE = b" \t\n\r\v\f"


@pytest.fixture(autouse=True, scope="module")
def _small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers.check, "_BLOCK_BYTES", 3)
        yield


def says(flags: list[str], actual: bytes, expected: bytes) -> bool:
    return compare(Checker(CheckerType.KATTIS, arguments=tuple(flags)), actual, expected)


def plainly(flags: list[str], actual: bytes, expected: bytes) -> bool:
    """Say the same by the letter of the specification."""
    tolerances = {name: Fraction(value) for name, value in pairwise(flags) if name.startswith("float")}
    (team, team_spaces), (judge, judge_spaces) = split(actual), split(expected)
    if len(team) != len(judge) or ("space_change_sensitive" in flags and team_spaces != judge_spaces):
        return False
    return all(alike(flags, tolerances, one, other) for one, other in zip(team, judge, strict=True))


def split(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """Give the tokens, and what stands before, between and behind them."""
    tokens: list[bytes] = []
    spaces = [b""]
    for byte in data:
        if byte in SPACE:
            if len(tokens) == len(spaces):
                spaces.append(b"")
            spaces[-1] += bytes([byte])
        else:
            if len(tokens) < len(spaces):
                tokens.append(b"")
            tokens[-1] += bytes([byte])
    return tokens, [*spaces, b""][: len(tokens) + 1]


def alike(flags: list[str], tolerances: dict[str, Fraction], team: bytes, judge: bytes) -> bool:
    if tolerances and NUMBER.fullmatch(judge):
        return NUMBER.fullmatch(team) is not None and near(
            tolerances, Fraction(team.decode()), Fraction(judge.decode())
        )
    return team == judge if "case_sensitive" in flags else team.lower() == judge.lower()


def near(tolerances: dict[str, Fraction], team: Fraction, judge: Fraction) -> bool:
    both = tolerances.get("float_tolerance")
    absolute = tolerances.get("float_absolute_tolerance", both)
    relative = tolerances.get("float_relative_tolerance", both)
    error = abs(team - judge)
    return (absolute is not None and error <= absolute) or (relative is not None and error <= relative * abs(judge))


@given(FLAGS, TEXT, TEXT)
def test_it_agrees_with_the_letter(flags: list[str], actual: bytes, expected: bytes) -> None:
    assert says(flags, actual, expected) is plainly(flags, actual, expected)


@given(FLAGS, TEXT, st.data())
def test_it_agrees_on_what_is_nearly_the_same(flags: list[str], expected: bytes, data: st.DataObject) -> None:
    actual = expected
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(actual)))
        actual = actual[:place] + data.draw(PARTS) + actual[place + data.draw(st.integers(0, 1)) :]
    assert says(flags, actual, expected) is plainly(flags, actual, expected)


@pytest.mark.parametrize(
    ("flags", "actual", "expected", "right"),
    [
        ([], b"Yes  no\n", b"yes NO", True),
        ([], "\u00c4".encode(), "\u00e4".encode(), False),
        ([], b"1.0", b"1", False),
        ([], b"1 2", b"1", False),
        ([], b"", b"1", False),
        ([], b" \n", b"", True),
        (["case_sensitive"], b"Yes", b"yes", False),
        (["space_change_sensitive"], b"a b\n", b"A b\n", True),
        (["space_change_sensitive"], b"a  b\n", b"a b\n", False),
        (["space_change_sensitive"], b"a b", b"a b\n", False),
        (["space_change_sensitive"], b"a\tb", b"a b", False),
        (["float_tolerance", "1e-6"], b"0.500001 x", b"0.5 X", True),
        (["float_tolerance", "1e-6"], b"0.5000011", b"0.5", False),
        (["float_tolerance", "1e-6"], b"3.14000000e-2", b"0.0314", True),
        (["float_absolute_tolerance", "0.1"], b"1000.2", b"1000", False),
        (["float_relative_tolerance", "0.1"], b"1000.2", b"1000", True),
        (["float_relative_tolerance", "0.1"], b"0.0001", b"0", False),
        (["float_absolute_tolerance", "0"], b"1.0", b"1", True),
        (["float_tolerance", "1"], b"one", b"1", False),
        (["float_tolerance", "1"], b"1", b"one", False),
        (["float_tolerance", "1"], b"NAN inf", b"nan INF", True),
        (["float_tolerance", "1e9"], b"inf", b"1", False),
        (["float_tolerance", "1"], b"0x1", b"1", False),
        (["float_tolerance", "1", "space_change_sensitive"], b"1.5 2\n", b"1 2\n", True),
        (["float_tolerance", "1", "space_change_sensitive"], b"1.5  2\n", b"1 2\n", False),
        (["float_tolerance", "1e-9"], b"1e999999999999999999999", b"1e999999999999999999999", True),
    ],
)
def test_what_counts(flags: list[str], actual: bytes, expected: bytes, *, right: bool) -> None:
    assert says(flags, actual, expected) is right


def test_flags_are_read() -> None:
    flags = ["space_change_sensitive", "float_tolerance", "1", "float_relative_tolerance", "1e-6", "case_sensitive"]
    assert parse(flags) == Flags(case_sensitive=True, space_change_sensitive=True, absolute=1.0, relative=1e-6)
    assert parse([]) == Flags()


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["strict"], "'strict'"),
        (["float_tolerance"], "'float_tolerance'"),
        (["float_tolerance", "case_sensitive"], "'case_sensitive'"),
        (["float_absolute_tolerance", "-1"], "'-1'"),
        (["float_absolute_tolerance", "nan"], "'nan'"),
        (["float_absolute_tolerance", "1e999"], "'1e999'"),
        (["1"], "'1'"),
    ],
)
def test_what_is_no_flag_is_named(flags: list[str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        says(flags, b"same", b"same")


def test_a_large_output_takes_a_moment() -> None:
    data = b"12345 abc\n" * 400_000
    assert says(["float_tolerance", "1e-9"], data.replace(b"abc", b"ABC"), data)

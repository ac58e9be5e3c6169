import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workers.check
from domain.model import Checker, CheckerType
from workers.check import compare

# Few different bytes, so that whitespace, line ends and number characters meet in every order.
TEXT = st.lists(st.sampled_from(list(b" \t\r\n\v\f01.e-nax\xff\x00\xc2\xa0")), max_size=60).map(bytes)
KINDS = st.sampled_from(CheckerType)


def words(data: bytes) -> list[bytes]:
    """Split the slow, plain way."""
    found = [b""]
    for byte in data:
        if byte in b" \t\n\r\v\f":
            found.append(b"")
        else:
            found[-1] += bytes([byte])
    return [word for word in found if word]


def plain_lines(data: bytes) -> list[bytes]:
    found = [line.rstrip(b" \t\r") for line in data.split(b"\n")]
    while found and not found[-1]:
        found.pop()
    return found


@pytest.fixture(autouse=True, scope="module")
def _small_blocks() -> Iterator[None]:
    """Cut every few bytes, so that tokens and lines lie across the cuts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers.check, "_BLOCK_BYTES", 3)
        yield


@given(TEXT, TEXT)
def test_tokens_agrees_with_splitting_whole(a: bytes, b: bytes) -> None:
    assert compare(Checker(CheckerType.TOKENS), a, b) is (words(a) == words(b))


@given(TEXT, TEXT)
def test_lines_agrees_with_splitting_whole(a: bytes, b: bytes) -> None:
    assert compare(Checker(CheckerType.LINES), a, b) is (plain_lines(a) == plain_lines(b))


@given(TEXT, st.lists(st.sampled_from([b" ", b"\t", b"\r"]), max_size=5), st.integers(0, 9))
def test_what_trails_never_counts(text: bytes, trail: list[bytes], newlines: int) -> None:
    other = text + b"".join(trail) + b"\n" * newlines
    for kind in (CheckerType.LINES, CheckerType.TOKENS, CheckerType.FLOAT):
        assert compare(Checker(kind), other, text)


@given(KINDS, TEXT)
def test_everything_equals_itself(kind: CheckerType, text: bytes) -> None:
    assert compare(Checker(kind, tolerance=0.0), bytes(bytearray(text)), text)


@given(TEXT, TEXT)
def test_each_checker_is_looser_than_the_one_before(a: bytes, b: bytes) -> None:
    answers = [
        compare(Checker(kind), a, b)
        for kind in (CheckerType.EXACT, CheckerType.LINES, CheckerType.TOKENS, CheckerType.FLOAT)
    ]
    assert answers == sorted(answers)


@given(st.floats(), st.floats(), st.floats(0, 1e3))
def test_float_agrees_with_exact_arithmetic(a: float, b: float, tolerance: float) -> None:
    answer = compare(Checker(CheckerType.FLOAT, tolerance), repr(a).encode(), repr(b).encode())
    assert answer is close(a, b, tolerance)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-1000, max_value=1000),
    st.sampled_from([1, -1]),
)
def test_float_accepts_exactly_at_the_tolerance(wanted: Decimal, side: int) -> None:
    actual = wanted + side * max(Decimal("0.001"), Decimal("0.001") * abs(wanted))
    assert compare(Checker(CheckerType.FLOAT, 0.001), str(actual).encode(), str(wanted).encode())


def close(a: float, b: float, tolerance: float) -> bool:
    """Compare as fractions: of the shortest decimals that stand for the floats, as a file would hold them."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return a == b or (math.isnan(a) and math.isnan(b))
    exact_a, exact_b, allowed = (Fraction(repr(value)) for value in (a, b, tolerance))
    limit = max(allowed, allowed * abs(exact_b))
    return abs(exact_a - exact_b) <= limit

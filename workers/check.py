"""Whether an output is the expected one: the five built-in checkers of `docs/semantics.md` (pure).

Outputs may have 64 MiB and be hostile, so every checker takes linear time and works block by block: a list of all
tokens would take thirty times the memory of the output.
"""

import math
import re
from collections.abc import Iterator
from decimal import MAX_EMAX, MIN_EMIN, ROUND_UP, Context
from itertools import zip_longest
from typing import assert_never

from domain import validator_flags
from domain.model import Checker, CheckerType
from domain.validator_flags import Flags

_BLOCK_BYTES = 256 * 1024
_WHITESPACE = re.compile(rb"[ \t\n\r\v\f]")
_PIECE = re.compile(rb"[ \t\n\r\v\f]++|[^ \t\n\r\v\f]++")
# Possessive: a token of a million digits and one letter must not be tried a million times.
_FINITE = re.compile(rb"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_NOT_FINITE = re.compile(rb"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)


def compare(checker: Checker, actual: bytes, expected: bytes) -> bool:
    """Say whether `actual` (what the program wrote) is right, given the expected bytes.

    Raises ValueError for arguments that are no flags of the default validator, and for a program.
    """
    if checker.type is CheckerType.KATTIS:
        return _compare_as_kattis(validator_flags.parse(checker.arguments), actual, expected)
    if actual == expected:
        return True  # by every checker: each of them compares a part of what there is with itself
    match checker.type:
        case CheckerType.EXACT:
            return False
        case CheckerType.LINES:
            return _same(_lines(actual), _lines(expected))
        case CheckerType.TOKENS:
            return _same(_joined_tokens(actual), _joined_tokens(expected))
        case CheckerType.FLOAT:
            pairs = zip_longest(_tokens(actual), _tokens(expected))
            return all(a == e or _same_number(a, e, checker.tolerance) for a, e in pairs)
        case CheckerType.PROGRAM:
            raise ValueError("what a program is to judge is not compared")
    assert_never(checker.type)


def _compare_as_kattis(flags: Flags, actual: bytes, expected: bytes) -> bool:
    """Compare as the Kattis format says of its default validator; numbers only where a tolerance was given."""
    if flags.absolute is not None or flags.relative is not None:
        pieces = _pieces if flags.space_change_sensitive else _tokens
        return all(_same_piece(flags, a, e) for a, e in zip_longest(pieces(actual), pieces(expected)))
    if not flags.case_sensitive:
        actual, expected = actual.lower(), expected.lower()
    if flags.space_change_sensitive:
        return actual == expected
    return _same(_joined_tokens(actual), _joined_tokens(expected))


def _same_piece(flags: Flags, actual: bytes | None, expected: bytes | None) -> bool:
    """Compare two tokens, or two stretches of white space; None stands for none."""
    if actual is None or expected is None or actual == expected:
        return actual == expected
    if _FINITE.fullmatch(expected):
        within = (flags.absolute or 0.0, flags.relative or 0.0)
        return bool(_FINITE.fullmatch(actual)) and _is_close(actual, expected, *within)
    return not flags.case_sensitive and actual.lower() == expected.lower()


def _pieces(data: bytes) -> Iterator[bytes]:
    """Give the tokens and the white space between them, in order."""
    for found in _PIECE.finditer(data):
        yield found[0]


def _same(left: Iterator[bytes], right: Iterator[bytes]) -> bool:
    """Say whether two streams are the same, wherever each is cut into (not empty) pieces."""
    a = b = b""
    i = j = 0  # how far each piece is compared
    while True:
        if i == len(a):
            a, i = next(left, b""), 0
        if j == len(b):
            b, j = next(right, b""), 0
        size = min(len(a) - i, len(b) - j)
        if size == 0:
            return not a and not b
        if not a.startswith(b[j : j + size], i):
            return False
        i, j = i + size, j + size


def _lines(data: bytes) -> Iterator[bytes]:
    """Give the lines without what does not count: spaces, tabs and CR at their ends, and empty lines at the end."""
    data = data.rstrip(b" \t\r\n")
    start = 0
    while start < len(data):
        newline = data.find(b"\n", start + _BLOCK_BYTES)
        end = newline + 1 if newline >= 0 else len(data)
        block = data[start:end].replace(b"\r\n", b"\n")
        if any(trail in block for trail in (b" \n", b"\t\n", b"\r\n")):
            block = b"\n".join([line.rstrip(b" \t\r") for line in block.split(b"\n")])
        yield block
        start = end


def _joined_tokens(data: bytes) -> Iterator[bytes]:
    """Give the tokens, each with one space behind it."""
    for tokens in _token_blocks(data):
        yield b" ".join(tokens) + b" "


def _tokens(data: bytes) -> Iterator[bytes]:
    for tokens in _token_blocks(data):
        yield from tokens


def _token_blocks(data: bytes) -> Iterator[list[bytes]]:
    start = 0
    while start < len(data):
        space = _WHITESPACE.search(data, start + _BLOCK_BYTES)
        end = space.end() if space else len(data)
        if tokens := data[start:end].split():
            yield tokens
        start = end


def _same_number(actual: bytes | None, expected: bytes | None, tolerance: float) -> bool:
    """Compare two tokens that differ as bytes; None stands for no token."""
    if actual is None or expected is None:
        return False
    if _FINITE.fullmatch(expected):
        return bool(_FINITE.fullmatch(actual)) and _is_close(actual, expected, tolerance, tolerance)
    if _NOT_FINITE.fullmatch(expected):
        return bool(_NOT_FINITE.fullmatch(actual)) and _same_not_finite(float(actual), float(expected))
    return False


def _same_not_finite(actual: float, expected: float) -> bool:
    return actual == expected or (math.isnan(actual) and math.isnan(expected))


def _is_close(actual: bytes, expected: bytes, absolute: float, relative: float) -> bool:
    """Say whether |a - e| <= absolute or <= relative * |e|, in binary where that leaves no doubt."""
    a, e = float(actual), float(expected)
    error, limit = abs(a - e), max(absolute, relative * abs(e))
    # Several times what the rounding of a, e and the limit can come to; the constant is for what underflows.
    doubt = 1e-15 * (abs(a) + abs(e) + limit) + 1e-300
    if math.isfinite(error + limit + doubt):
        if error + doubt <= limit:
            return True
        if error - doubt > limit:
            return False
    return _is_close_in_decimal(actual.decode(), expected.decode(), absolute, relative)


def _is_close_in_decimal(actual: str, expected: str, absolute: float, relative: float) -> bool:
    """Decide what binary cannot: 0.500001 is just within 1e-6 of 0.5, but not so as floats.

    Both limits have fewer digits than the precision, so a difference rounded up is above a limit only if the true
    one is. An exponent beyond 10**18 gives NaN, which compares as not close.
    """
    context = Context(prec=len(actual) + len(expected) + 40, rounding=ROUND_UP, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
    wanted = context.create_decimal(expected)
    error = context.abs(context.subtract(context.create_decimal(actual), wanted))
    part = context.multiply(context.create_decimal(repr(relative)), context.abs(wanted))
    limits = (context.create_decimal(repr(absolute)), part)
    return any(context.compare(error, limit) <= 0 for limit in limits if not context.compare(error, limit).is_nan())

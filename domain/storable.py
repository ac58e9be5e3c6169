"""Text that a program had a hand in, made fit for PostgreSQL (pure).

A file name may be any bytes and reaches Python with lone surrogates; PostgreSQL takes neither those nor NUL. Such a
name must not fail the write that records what its program did, so that what cannot be kept is shown as an escape.
"""

from collections.abc import Mapping


def text(value: str) -> str:
    r"""Give `value` with lone surrogates and NUL written as `\udc80` and `\x00`."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def mapping(values: Mapping[str, int | str] | Mapping[str, str]) -> dict[str, int | str]:
    """Make every name and every text of a flat mapping storable."""
    return {text(name): text(value) if isinstance(value, str) else value for name, value in values.items()}

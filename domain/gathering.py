"""Rows of other tables within one row, each of their columns an array: so that one statement answers everything.

A second statement, and the transaction or pipeline around both, would cost more than either. An array may be 1 GiB
long, which no request is.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from psycopg.rows import TupleRow


def gathered(alias: str, columns: Sequence[str], rows: str) -> str:
    """Give what stands behind FROM to have `rows`, a query in some order, as one row of arrays: `alias.*`."""
    arrays = ", ".join(f"array_agg({name}) AS {name}" for name in columns)
    return f"LATERAL (SELECT {arrays} FROM ({rows}) AS rows) AS {alias}"


def scattered(arrays: Sequence[Sequence[object] | None]) -> list[TupleRow]:
    """Give the rows again; of none at all there is no array."""
    return list(zip(*(array for array in arrays if array is not None), strict=True))


def split(row: Sequence[Any], *parts: Sequence[str]) -> Iterator[list[Any]]:
    """Give the values of one row in parts, by the columns of each."""
    left = iter(row)
    for columns in parts:
        yield list(islice(left, len(columns)))

"""Many rows into one table with few statements: a query for every row would be the dearest part of an execution.

Not COPY, which cannot be sent in one go with the statements around it, and costs three round trips where one row is to
be written.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice

from domain.db import Connection, Cursor

Row = tuple[object, ...]
MOST_ROWS = 50
"""In one statement: each number of rows is a statement of its own for PostgreSQL to plan."""
KEPT = 200
"""How many texts of one statement for several tables are remembered: there is one for each mixture of numbers."""


def insert(tx: Connection, table: str, same: Mapping[str, object], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows that have the values `same` in common. Raises psycopg.DataError for a value that does not fit."""
    left, own = iter(rows), tuple(same.values())
    while some := tuple(islice(left, MOST_ROWS)):
        values = [value for row in some for value in (*own, *row)]
        tx.execute(_command(table, (*same, *columns), len(some)), values)


@cache
def _command(table: str, columns: Sequence[str], rows: int) -> bytes:
    row = f"({', '.join(['%s'] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}".encode()


def insert_all(
    tx: Connection, table: str, columns: Sequence[str], rows: Sequence[Row], *, ending: str = ""
) -> list[Cursor]:
    """Add rows of which each has all its values, with `ending` behind VALUES; the answers may be read later.

    Of very many rows this is twice as quick as `insert`: places need not be looked for.
    """
    starts = range(0, len(rows), MOST_ROWS)
    return [_insert_some(tx, table, columns, rows[start : start + MOST_ROWS], ending) for start in starts]


def _insert_some(tx: Connection, table: str, columns: Sequence[str], rows: Sequence[Row], ending: str) -> Cursor:
    return tx.run(_numbered(table, tuple(columns), len(rows), ending), [value for row in rows for value in row])


@lru_cache(KEPT)
def _numbered(table: str, columns: Sequence[str], rows: int, ending: str) -> bytes:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {places(1, rows, columns)} {ending}".encode()


def places(first: int, rows: int, columns: Sequence[str], *, same: str = "", types: Mapping[str, str] = {}) -> str:
    """Give the places of some rows' values as VALUES takes them, from `$first` on: `(same, $5, $6), (same, $7, $8)`.

    `types` are needed where no table says them: those of the first row are for all.
    """
    casts = [f"::{types[name]}" if types else "" for name in columns]
    numbers = range(first, first + rows * len(columns), len(columns))
    rows_of = ([f"${start + n}{cast if start == first else ''}" for n, cast in enumerate(casts)] for start in numbers)
    return ", ".join(f"({', '.join([same, *row] if same else row)})" for row in rows_of)

"""Fill a database with many finished submissions, quickly: copies of one that went through the platform's own code.

Only identities and moments differ from copy to copy, so that whatever columns the schema has are filled as they are in
truth. Foreign keys are not looked at meanwhile; they hold by how the identities are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import psycopg
from psycopg import sql

from domain.ids import first_at
from domain.partitions import TABLES

BATCH = 100_000
WITH_PARTS = 10
"""One submission of so many has sources, test cases and results too: what they add lies in tables of their own."""
WHOLE = ("submissions", "executions", "execution_numbers")
PARTS = ("source_files", "test_cases", "test_results", "telemetry")
EPOCH_MS = 1_700_000_000_000
PARTITIONS = 24
PERIOD_MS = 30 * 24 * 3600 * 1000
"""The identity of number n begins with a time, as a UUID of version 7 does: each in another partition than the last."""
AGE_S = 100_000_000
"""How long ago number 0 was made; one a second follows."""

_BOUND = r"""
    SELECT substring(pg_get_expr(relpartbound, oid) FROM 'TO \(''(.*)''\)')::uuid FROM pg_class
    WHERE relname = 'executions_first'
"""


@dataclass(frozen=True)
class Template:
    """The submission that all others are copies of."""

    submission_id: UUID
    execution_id: UUID


def submission_id(number: int) -> UUID:
    """Give the identity of a copy."""
    return UUID(hex=f"{EPOCH_MS + number + number % PARTITIONS * PERIOD_MS:012x}70008000000000000001")


def with_parts(number: int) -> int:
    """Give the nearest copy at or before this one that has all its parts."""
    return number - number % WITH_PARTS


def cut(connection: psycopg.Connection) -> None:
    """Cut an empty database into PARTITIONS of the time that copies are from, and two for what is before and behind."""
    bounds = [datetime.fromtimestamp((EPOCH_MS + n * PERIOD_MS) / 1000, UTC) for n in range(PARTITIONS + 1)]
    with connection.transaction():
        told = connection.execute(_BOUND).fetchone()
        assert told is not None  # noqa: S101 - the migration made it
        for table in reversed(TABLES):
            connection.execute(f"ALTER TABLE {table} DETACH PARTITION {table}_first".encode())
            connection.execute(f"DROP TABLE {table}_first".encode())
        keys = [None, *map(first_at, bounds), told[0]]
        for number, (since, until) in enumerate(pairwise(keys)):
            connection.execute("SELECT make_partition(%s, %s, %s)", (f"_bench{number}", since, until))


def fill(connection: psycopg.Connection, template: Template, start: int, end: int) -> None:
    """Make the copies from `start` on, `end` not included, in one transaction."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for table in WHOLE:
            connection.execute(_copies(connection, table, step=1), _values(template, start, end))
        for table in PARTS:
            first = with_parts(start + WITH_PARTS - 1)
            connection.execute(_copies(connection, table, step=WITH_PARTS), _values(template, first, end))


def _values(template: Template, start: int, end: int) -> dict[str, object]:
    return {**vars(template), "start": start, "end": end - 1}


def _copies(connection: psycopg.Connection, table: str, step: int) -> sql.Composed:
    columns = [
        (name, kind)
        for name, kind in connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
            (table,),
        )
    ]
    owner = "submission_id" if any(name == "submission_id" for name, _ in columns) else "execution_id"
    place = sql.Identifier("id" if table == "submissions" else owner)
    return sql.SQL(
        "INSERT INTO {} ({}) SELECT {} FROM {} AS t, generate_series(%(start)s::bigint, %(end)s::bigint, {}) AS n"
        " WHERE t.{} = {}"
    ).format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sql.SQL(", ").join(_value(table, name, kind) for name, kind in columns),
        sql.Identifier(table),
        sql.Literal(step),
        place,
        sql.Placeholder("execution_id" if place == sql.Identifier("execution_id") else "submission_id"),
    )


def _value(table: str, name: str, kind: str) -> sql.Composable:
    if name == "submission_id" or (table, name) == ("submissions", "id"):
        return _identity("70008000000000000001")
    if name == "execution_id" or (table, name) == ("executions", "id"):
        return _identity("70008000000000000002")
    if kind == "timestamp with time zone":
        return sql.SQL("t.{} - make_interval(secs => {} - n)").format(sql.Identifier(name), sql.Literal(AGE_S))
    return sql.SQL("t.{}").format(sql.Identifier(name))


def _identity(tail: str) -> sql.Composable:
    time = sql.SQL("{} + n + n %% {} * {}").format(*map(sql.Literal, (EPOCH_MS, PARTITIONS, PERIOD_MS)))
    return sql.SQL("(lpad(to_hex({}), 12, '0') || {})::uuid").format(time, sql.Literal(tail))


def batches(start: int, end: int) -> Sequence[tuple[int, int]]:
    """Cut a range into transactions of a size that neither takes long nor much room for its log (pure)."""
    return [(first, min(first + BATCH, end)) for first in range(start, end, BATCH)]

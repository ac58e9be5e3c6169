"""What PostgreSQL looks into for the platform's statements: partitions, indexes and buffers, as EXPLAIN tells.

A statement is explained right before it is executed, on another connection whose transaction is rolled back, with the
plan that it has from then on: one for all values.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest import mock
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from domain.db import Connection, Cursor
from domain.partitions import TABLES

_NAMED = re.compile(rb"%\((\w+)\)s")
_TYPES = {
    bool: "boolean",
    int: "bigint",
    float: "double precision",
    bytes: "bytea",
    UUID: "uuid",
    datetime: "timestamptz",
    Jsonb: "jsonb",
}
_EXPLAINED = (b"SELECT", b"WITH", b"UPDATE", b"INSERT", b"DELETE")
FEW = 5000
_OWN = re.compile(f"({'|'.join(TABLES)})_(.+)")


@dataclass
class Look:
    """What one statement looked into."""

    statement: str
    partitions: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    """Partitions that were read from end to end, those with FEW rows left out."""
    index_only: bool = False
    buffers: int = 0


@contextmanager
def looks(url: str) -> Iterator[list[Look]]:
    """Explain whatever is asked of PostgreSQL meanwhile, and give what was found as it comes."""
    found: list[Look] = []
    run, execute = Connection.run, Connection.execute
    with psycopg.connect(url, options="-c lock_timeout=5s -c plan_cache_mode=force_generic_plan") as beside:

        def note(command: bytes | str, values: Any) -> None:
            text = command.encode() if isinstance(command, str) else command
            if text.split(None, 1)[0].upper() in _EXPLAINED:
                found.append(_look(beside, text, values or ()))

        def running(self: Connection, command: bytes, values: Sequence[object]) -> Cursor:
            note(command, values)
            return run(self, command, values)

        def executing(self: Connection, query: Any, params: Any = None, **named: Any) -> Cursor:
            if isinstance(query, bytes | str):
                note(query, params)
            return execute(self, query, params, **named)

        with mock.patch.object(Connection, "run", running), mock.patch.object(Connection, "execute", executing):
            yield found


def _look(beside: "psycopg.Connection[tuple[Any, ...]]", command: bytes, values: Any) -> Look:
    command, ordered = _numbered(command, values)
    try:
        types = ", ".join(_TYPES.get(type(value), "unknown") for value in ordered)
        prepare = b"PREPARE looked" + (f" ({types})".encode() if ordered else b"") + b" AS " + command
        beside.execute(prepare)
        given = sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, ordered))) if ordered else sql.SQL("")
        row = beside.execute(
            sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE looked{}").format(given)
        ).fetchone()
        assert row is not None  # noqa: S101 - it always says something
        return _read(" ".join(command.decode().split())[:60], row[0][0]["Plan"])
    finally:
        beside.rollback()
        beside.execute("DEALLOCATE ALL")
        beside.commit()


def _numbered(command: bytes, values: Any) -> tuple[bytes, list[object]]:
    """Give a statement with PostgreSQL's own placeholders, whichever it had (pure)."""
    if isinstance(values, Mapping):
        names = list(dict.fromkeys(name.decode() for name in _NAMED.findall(command)))
        numbers = {name.encode(): f"${place}".encode() for place, name in enumerate(names, 1)}
        return _NAMED.sub(lambda found: numbers[found[1]], command), [values[name] for name in names]
    for place in range(1, command.count(b"%s") + 1):
        command = command.replace(b"%s", f"${place}".encode(), 1)
    return command, list(values)


def _read(statement: str, plan: Mapping[str, Any]) -> Look:
    look = Look(statement, buffers=plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0))
    for node in _nodes(plan):
        own = _OWN.fullmatch(node.get("Relation Name", ""))
        if own is None or not node["Actual Loops"]:
            continue
        look.partitions.add(own[2])
        look.index_only |= node["Node Type"] == "Index Only Scan"
        if node["Node Type"] == "Seq Scan" and _rows(node) > FEW:
            look.whole.add(own[2])
    return look


def _rows(node: Mapping[str, Any]) -> float:
    return float(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)

"""Archives: a partition and the submissions that end with it, in the blob store, from which they can be had again.

Of each table there is one blob: PostgreSQL's own text form of COPY, compressed with gzip. A manifest, JSON and a blob
too, names for each its columns, how many rows it holds, and the SHA-256 of the text before it was compressed:

    {"format": 1, "partition", "since", "until", "tables": {NAME: {"columns", "rows", "sha256", "blob", "size_bytes"}}}

So whoever has the store and an empty schema needs nothing of ours: `gunzip < BLOB | psql -c "COPY ... FROM STDIN"`.
Blobs that rows name (long outputs, artifacts) stay where they are.
"""

import gzip
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import BinaryIO, cast
from uuid import UUID

from psycopg import sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from domain.blobs import CHUNK_BYTES, BlobDamaged, BlobStore
from domain.db import Connection, Database
from domain.errors import Conflict, NotFound
from domain.ids import first_at
from domain.partitions import TABLES, Partition

FORMAT = 1
MOST_BYTES = 1 << 50
PATIENT = b"SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"

# Those whose current execution goes: a candidate of a regrade that was not applied is nobody's result.
GOING = """
    SELECT DISTINCT e.submission_id AS id FROM {executions} AS e WHERE NOT EXISTS (
        SELECT FROM execution_numbers AS n JOIN executions AS other ON other.id = n.execution_id
        WHERE n.submission_id = e.submission_id AND NOT other.candidate
            AND (other.id >= {until} OR {since}::uuid IS NOT NULL AND other.id < {since})
    )
"""
_PARTS = {
    "submissions": ("id", "id"),
    "source_files": ("submission_id", "submission_id, position"),
    "test_cases": ("submission_id", "submission_id, ordinal"),
    "test_case_files": ("submission_id", "submission_id, ordinal, role, position"),
}
"""Tables of which a submission's rows go along, by which column, and in which order they are written."""
_ORDERS = {
    "executions": "id",
    "test_results": "execution_id, ordinal",
    "artifacts": "execution_id, ordinal, path",
    "telemetry": "execution_id, kind, ordinal",
}
PARTS = tuple(_PARTS)
"""In this order they can be written again."""
_COLUMNS = b"""
    SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""
# Both by an index, for others wait meanwhile.
_UNFINISHED = "SELECT count(*) FROM {} WHERE state = 'queued' OR lease_until IS NOT NULL"
_REGRADED = """
    SELECT count(*) FROM regrade_items AS i JOIN regrades AS g ON g.id = i.regrade_id
    WHERE g.state IN ('running', 'paused', 'ready') AND EXISTS (
        SELECT FROM {} AS e WHERE e.id = ANY (ARRAY[i.old_execution_id, i.new_execution_id])
    )
"""
_NOTED = b"""
    INSERT INTO archives (name, since, until, state, blob, manifest) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (name) DO UPDATE
    SET since = excluded.since, until = excluded.until, state = excluded.state, blob = excluded.blob,
        manifest = excluded.manifest, archived_at = now(), dropped_at = NULL
"""
_ALL = sql.SQL("")
_FOUND = "SELECT name, since, until, state, blob, manifest, archived_at, dropped_at FROM archives"


@dataclass(frozen=True)
class Written:
    """One table of an archive."""

    columns: list[str]
    rows: int
    sha256: str
    """Of the text, before it was compressed."""
    blob: str
    size_bytes: int
    """Of the blob."""


@dataclass(frozen=True)
class Archive:
    """What is kept of a partition, and what became of its tables."""

    name: str
    since: UUID | None
    until: UUID
    state: str
    """archived: the tables are in use; detached: they are not, and are about to go; dropped; restored: in use again."""
    blob: str
    """The manifest's."""
    tables: Mapping[str, Written]
    archived_at: datetime
    dropped_at: datetime | None


def every(db: Database) -> list[Archive]:
    """List all, the oldest first. Raises Unavailable."""
    with db.statement() as tx:
        return [_read(row) for row in tx.execute(f"{_FOUND} ORDER BY until".encode())]


def find(tx: Connection, name: str, lock: str = "") -> Archive:
    """Read one. Raises NotFound."""
    row = tx.execute(f"{_FOUND} WHERE name = %s {lock}".encode(), (name,)).fetchone()
    if row is None:
        raise NotFound(f"nothing is archived of {name}; `shipd data partitions` lists what there is")
    return _read(row)


def _read(row: TupleRow) -> Archive:
    name, since, until, state, blob, manifest, *at = row
    tables = {table: Written(**told) for table, told in manifest["tables"].items()}
    return Archive(name, since, until, state, blob.hex(), tables, *at)


def going(partition: Partition, table: str) -> sql.Composed:
    """Give a query for the submissions that go with a partition, whose executions are in `table`."""
    since, until = bounds(partition)
    return sql.SQL(GOING).format(executions=sql.Identifier(table), since=sql.Literal(since), until=sql.Literal(until))


def bounds(partition: Partition) -> tuple[UUID | None, UUID]:
    """Give the first key of a partition, None where there is none, and the first one behind it. Raises Conflict."""
    if partition.until is None:
        raise Conflict("the default partition is never archived: what is in it is moved to its own")
    return None if partition.since is None else first_at(partition.since), first_at(partition.until)


def refuse_in_use(tx: Connection, partition: Partition) -> None:
    """Raise Conflict where something in a partition is not over."""
    table = sql.Identifier(f"executions{partition.suffix}")
    for question, what in (
        (_UNFINISHED, "executions that are not over"),
        (_REGRADED, "items of a regrade that is not"),
    ):
        row = tx.execute(sql.SQL(question).format(table)).fetchone()
        if row is not None and row[0]:
            raise Conflict(f"partition {partition.name} holds {row[0]} {what}: end them, and archive it then")


def archive(db: Database, blobs: BlobStore, partition: Partition, before: Archive | None = None) -> Archive:
    """Write a partition and its submissions into the blob store, read it all back, and note it; nothing goes by this.

    With `before` it is detached already, and its submissions are as they were archived then. Raises Conflict where
    something in it is not over, BlobDamaged where what is read back is something else, OSError where the disk is full,
    Unavailable.
    """
    tables = dict(before.tables) if before is not None else {}
    with db.read() as tx:
        tx.execute(PATIENT)
        _refuse_dropped(tx, partition.name)
        refuse_in_use(tx, partition)
        for table, query in _queries(tx, partition):
            if before is None or table in TABLES:
                tables[table] = _write(tx, blobs, query)
    for table, written in tables.items():
        _check(blobs, table, written)
    return _note(db, blobs, partition, tables, "archived" if before is None else "detached")


def _note(db: Database, blobs: BlobStore, partition: Partition, tables: Mapping[str, Written], state: str) -> Archive:
    since, until = bounds(partition)
    manifest: dict[str, object] = {
        "format": FORMAT,
        "partition": partition.name,
        "since": None if since is None else str(since),
        "until": str(until),
        "tables": {table: asdict(written) for table, written in tables.items()},
    }
    blob = blobs.put(json.dumps(manifest, indent=2).encode())
    with db.transaction() as tx:
        tx.run(_NOTED, [partition.name, since, until, state, bytes.fromhex(blob), Jsonb(manifest)])
        return find(tx, partition.name)


def _refuse_dropped(tx: Connection, name: str) -> None:
    row = tx.execute("SELECT FROM archives WHERE name = %s AND state = 'dropped'", (name,)).fetchone()
    if row is not None:
        raise Conflict(
            f"an archive of {name} is there, and its tables are not whole: `shipd data restore {name}` first"
        )


def is_as_archived(tx: Connection, partition: Partition, found: Archive) -> bool:
    """Say whether the partition's own tables hold what was archived, to the byte."""
    return all(
        _digest(tx, query) == (found.tables[table].rows, found.tables[table].sha256)
        for table, query in _queries(tx, partition)
        if table in TABLES
    )


def rows(blobs: BlobStore, written: Written) -> Iterator[bytes]:
    """Give the text of a table again, in pieces. Raises BlobMissing, BlobDamaged."""
    with blobs.open(written.blob) as packed, gzip.open(packed) as file:
        yield from _pieces(cast("BinaryIO", file))


def _queries(tx: Connection, partition: Partition) -> Iterator[tuple[str, tuple[list[str], sql.Composed]]]:
    submissions = going(partition, f"executions{partition.suffix}")
    for table, (key, order) in _PARTS.items():
        columns = _columns(tx, table)
        where = sql.SQL("WHERE {} IN ({})").format(sql.Identifier(key), submissions)
        yield table, (columns, _query(table, columns, order, where))
    for table, order in _ORDERS.items():
        own = f"{table}{partition.suffix}"
        columns = _columns(tx, own)
        yield table, (columns, _query(own, columns, order))


def _query(table: str, columns: Iterable[str], order: str, where: sql.Composable = _ALL) -> sql.Composed:
    return sql.SQL("COPY (SELECT {} FROM {} {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table), where, sql.SQL(order)
    )


def _columns(tx: Connection, table: str) -> list[str]:
    return [name for (name,) in tx.run(_COLUMNS, [table])]


def _write(tx: Connection, blobs: BlobStore, query: tuple[list[str], sql.Composed]) -> Written:
    columns, command = query
    with tempfile.TemporaryFile() as file:
        # Without a name and a time, so that the same rows are the same blob.
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            count, sha256 = _copied(tx, command, packed.write)
        file.seek(0)
        blob, size = blobs.put_stream(file, MOST_BYTES)
    return Written(columns, count, sha256, blob, size)


def _digest(tx: Connection, query: tuple[list[str], sql.Composed]) -> tuple[int, str]:
    return _copied(tx, query[1], lambda _: None)


def _copied(tx: Connection, command: sql.Composed, write: Callable[[bytes], object]) -> tuple[int, str]:
    count, sha256 = 0, hashlib.sha256()
    with tx.cursor().copy(command) as copy:
        for piece in copy:
            data = bytes(piece)
            count += data.count(b"\n")
            sha256.update(data)
            write(data)
    return count, sha256.hexdigest()


def _check(blobs: BlobStore, table: str, written: Written) -> None:
    count, sha256 = 0, hashlib.sha256()
    for piece in rows(blobs, written):
        count += piece.count(b"\n")
        sha256.update(piece)
    if (count, sha256.hexdigest()) != (written.rows, written.sha256):
        raise BlobDamaged(f"the archive of {table} in blob {written.blob} is not what was written; look at the store")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(CHUNK_BYTES):
        yield piece

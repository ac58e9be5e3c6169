"""Whole values: what answers show the beginning of, and collected files, to be read piece by piece.

Never of a hidden test case, whoever asks, and always of the current execution.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO
from uuid import UUID

from domain import cases
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import NotFound


class Stream(StrEnum):
    """What a program writes to."""

    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True)
class Whole:
    """A value to be read from a file, which whoever takes it closes."""

    file: BinaryIO
    size_bytes: int


_EXECUTION = """
    FROM submissions AS s
    CROSS JOIN LATERAL (SELECT * FROM executions WHERE submission_id = s.id ORDER BY number DESC LIMIT 1) AS e
"""
_RESULT = f"""{_EXECUTION}
    JOIN test_results AS r ON r.execution_id = e.id AND r.ordinal = %(ordinal)s AND r.verdict IS NOT NULL
    JOIN LATERAL ({cases.of_execution("e")}) AS t ON t.ordinal = r.ordinal AND NOT t.is_hidden
"""
_OWNED = "WHERE s.id = %(id)s AND (%(owner_id)s::uuid IS NULL OR s.owner_id = %(owner_id)s)"

_STREAM = {
    name: f"SELECT r.{name}, r.{name}_sha256, r.{name}_size_bytes {_RESULT} {_OWNED}" for name in map(str, Stream)
}
_COMPILE_OUTPUT = f"""
    SELECT e.compile_output, e.compile_output_sha256, e.compile_output_size_bytes {_EXECUTION}
    {_OWNED} AND e.compile_output_size_bytes IS NOT NULL
"""
# As bytes: a path that was asked for may be no text that PostgreSQL takes.
_ARTIFACT = f"""
    SELECT NULL, a.sha256, a.size_bytes {_RESULT}
    JOIN artifacts AS a ON a.execution_id = e.id AND a.ordinal = r.ordinal
    {_OWNED} AND convert_to(a.path, 'UTF8') = %(path)s
"""
_NO_ORDINAL = 2**31 - 1
_NO_RESULT = "there is no result {} to be read; results count from 0, and hidden ones are never shown"


def stream(
    db: Database, blobs: BlobStore, submission_id: UUID, owner_id: UUID | None, *, ordinal: int, name: Stream
) -> Whole:
    """Open what the program of a test case wrote. Raises NotFound, for a hidden one in the same words as for none."""
    wanted = {"id": submission_id, "owner_id": owner_id, "ordinal": _within(ordinal)}
    return _open(db, blobs, _STREAM[name], wanted, _NO_RESULT.format(ordinal))


def compile_output(db: Database, blobs: BlobStore, submission_id: UUID, owner_id: UUID | None) -> Whole:
    """Open what the compiler wrote. Raises NotFound."""
    wanted = {"id": submission_id, "owner_id": owner_id}
    return _open(db, blobs, _COMPILE_OUTPUT, wanted, "there is no compile output: nothing was compiled")


def artifact(
    db: Database, blobs: BlobStore, submission_id: UUID, owner_id: UUID | None, *, ordinal: int, path: str
) -> Whole:
    """Open a collected file of a test case. Raises NotFound."""
    as_bytes = path.encode(errors="surrogatepass")
    wanted = {"id": submission_id, "owner_id": owner_id, "ordinal": _within(ordinal), "path": as_bytes}
    missing = f"test case {ordinal} has no artifact of this path to be read; its result lists them"
    return _open(db, blobs, _ARTIFACT, wanted, missing)


def _within(ordinal: int) -> int:
    """Give a number that PostgreSQL takes; no test case has one so high."""
    return min(ordinal, _NO_ORDINAL)


def _open(db: Database, blobs: BlobStore, query: str, wanted: Mapping[str, object], missing: str) -> Whole:
    with db.read() as tx:
        row = tx.execute(query, wanted).fetchone()
    if row is None:
        raise NotFound(missing)
    inline, sha256, size_bytes = row
    return Whole(io.BytesIO(inline) if sha256 is None else blobs.open(sha256.hex()), size_bytes)

"""Packages in and out of the store of problems."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from psycopg.types.json import Jsonb

from domain import audit, problem_limits, problems
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import InvalidRequest, Problem
from domain.ids import new_id
from domain.limits import Ranges
from domain.packages import archive, folder, reading, writing
from domain.packages.reading import Imported
from domain.problems import Made

READ = "problem_package_read"

# Whoever may read a problem's data may have it whole; of several versions the newest that can be submitted to.
_NEWEST = """
    SELECT v.id, v.number FROM problem_versions AS v JOIN problems AS p ON p.id = v.problem_id
    WHERE p.id = %(id)s AND p.deleted_at IS NULL AND (%(owner_id)s::uuid IS NULL OR p.owner_id = %(owner_id)s)
    ORDER BY v.state <> 'ready', v.number DESC LIMIT 1
"""


@dataclass(frozen=True)
class Stored:
    """A package that was kept as a version of a problem."""

    made: Made
    imported: Imported


def refuse_id(problem_id: str) -> None:
    """Raise InvalidRequest for what is no name of a problem, before a package is read for it."""
    if not problem_limits.ID.fullmatch(problem_id):
        raise InvalidRequest(Problem("id", f"{problem_id[:60]!r} is no name of a problem", problem_limits.ID_HINT))


def store(
    db: Database,
    blobs: BlobStore,
    problem_id: str,
    package: BinaryIO,
    *,
    owner_id: UUID,
    anybodys: bool,
    ranges: Ranges,
    timeout_ms: int | None,
    check: Callable[[UUID], None],
) -> Stored:
    """Keep a zip as a problem, or as a new version of it. Raises InvalidRequest, Conflict, Unavailable, OSError."""
    with archive.opened(package) as tree:
        imported = reading.read(tree, problem_id, blobs, ranges=ranges, timeout_ms=timeout_ms)
    made = problems.create(
        db, blobs, imported.version, owner_id=owner_id, anybodys=anybodys, ranges=ranges, check=check
    )
    return Stored(made, imported)


def note_read(db: Database, actor: str, problem_id: str, number: int) -> None:
    """Note in the audit log that somebody reads all of a problem, secret test data too. Raises Unavailable."""
    with db.transaction() as tx:
        details = {"problem_id": problem_id, "version": number}
        audit.note(tx, [(new_id(), READ, actor, None, None, Jsonb(details))])


def newest(db: Database, problem_id: str, owner_id: UUID | None) -> tuple[UUID, int]:
    """Find the version that a package is made of, of a problem of this owner (None: of anybody). Raises NotFound."""
    with db.read() as tx:
        row = tx.execute(_NEWEST.encode(), {"id": problem_id, "owner_id": owner_id}).fetchone()
    if row is None:
        raise problems.missing(problem_id)
    return row[0], row[1]


def package(db: Database, blobs: BlobStore, version_id: UUID, scratch: Path) -> BinaryIO:
    """Give a version as a zip, in a file without a name. Raises NotFound, Unavailable, BlobMissing, OSError."""
    version = problems.load(db, blobs, version_id)
    file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - it is given away
    try:
        folder.pack(writing.write(version, blobs), file)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file

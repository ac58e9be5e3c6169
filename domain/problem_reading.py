"""Problems as answers show them: to everybody who may see them, and more to their author and to operators.

Others than those see of a public problem its newest version that is ready, and of its secret test cases their number.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from domain import audit, problem_rows
from domain.blobs import BlobStore
from domain.db import Connection, Database
from domain.document import Document
from domain.outputs import is_utf8
from domain.payload import Payload
from domain.problem import Finding, ProblemVersion, Statement, VersionState, Visibility
from domain.problems import missing
from domain.values import Whole
from domain.views import Shown

MAX_SHOWN_BYTES = 64 * 1024
"""Longer test data is cut where it is shown."""


@dataclass(frozen=True)
class Viewer:
    """Who asks: themselves, and whether they see everybody's problems as if they were the author."""

    id: UUID
    sees_all: bool = False

    @property
    def owner_id(self) -> UUID | None:
        """Whose problems they see all of; None: anybody's."""
        return None if self.sees_all else self.id


@dataclass(frozen=True)
class VersionEntry:
    """A version without what is in it."""

    id: UUID
    number: int
    state: VersionState
    report: Sequence[Finding]
    created_at: datetime
    created_by: UUID
    checked_at: datetime | None
    title: str


@dataclass(frozen=True)
class ProblemEntry:
    """A problem, with the version of it that is shown: the newest that is ready, for its author else the newest."""

    id: str
    owner_id: UUID
    visibility: Visibility
    created_at: datetime
    version: VersionEntry

    def is_open_to(self, viewer: Viewer) -> bool:
        """Whether somebody sees all of it."""
        return viewer.owner_id in {None, self.owner_id}


@dataclass(frozen=True)
class ProblemView:
    """A problem with what is in one version. Whether its secrets may be shown, `is_open` says."""

    entry: ProblemEntry
    content: ProblemVersion
    is_open: bool


_PROBLEM = "p.id, p.owner_id, p.visibility, p.created_at"
_VERSION = "v.id, v.number, v.state, v.report, v.created_at, v.created_by, v.checked_at, v.title"
_THEIRS = "(%(owner_id)s::uuid IS NULL OR p.owner_id = %(owner_id)s)"
_SHOWN = f"""
    SELECT {_PROBLEM}, {_VERSION} FROM problems AS p CROSS JOIN LATERAL (
        SELECT * FROM problem_versions
        WHERE problem_id = p.id AND (%(number)s::integer IS NULL OR number = %(number)s) AND ({_THEIRS}
            OR p.visibility = 'public' AND state = 'ready' AND %(number)s::integer IS NULL)
        ORDER BY state = 'ready' DESC, number DESC LIMIT 1
    ) AS v
    WHERE p.deleted_at IS NULL
"""
_ONE = f"{_SHOWN} AND p.id = %(id)s".encode()
_PAGE = f"{_SHOWN} AND p.id > %(after)s ORDER BY p.id LIMIT %(limit)s".encode()
_VERSIONS = f"""
    SELECT {_VERSION} FROM problem_versions AS v JOIN problems AS p ON p.id = v.problem_id
    WHERE p.id = %(id)s AND p.deleted_at IS NULL AND {_THEIRS} ORDER BY v.number DESC
""".encode()


def page(db: Database, viewer: Viewer, *, after: str, limit: int) -> Sequence[ProblemEntry]:
    """List what somebody may see, by id, behind the id `after`. Raises Unavailable."""
    values = {"owner_id": viewer.owner_id, "number": None, "after": after, "limit": limit}
    with db.read() as tx:
        return [_entry(row) for row in tx.execute(_PAGE, values)]


def entry(db: Database, problem_id: str, viewer: Viewer) -> ProblemEntry:
    """Read a problem without what is in it. Raises NotFound, Unavailable."""
    with db.read() as tx:
        return _find(tx, problem_id, viewer)


def view(
    db: Database, blobs: BlobStore, problem_id: str, viewer: Viewer, *, number: int | None = None, reveal: bool = False
) -> ProblemView:
    """Read a problem with its version of a number (None: the one that is shown).

    With `reveal` it is noted that secrets are read; that, and a number, are for its author and operators. Raises
    NotFound, Unavailable, BlobMissing.
    """
    with db.read() as tx:
        found = _find(tx, problem_id, viewer, number)
        content = problem_rows.read(tx, found.version.id, blobs)
    if content is None or (reveal and not found.is_open_to(viewer)):
        raise missing(problem_id)
    if reveal:
        with db.statement() as tx:
            audit.hidden_read(tx, viewer.id, {"problem_id": problem_id, "version": found.version.number})
    return ProblemView(found, content, found.is_open_to(viewer))


def versions(db: Database, problem_id: str, viewer: Viewer) -> Sequence[VersionEntry]:
    """List all versions, newest first, for author and operators. Raises NotFound, Unavailable."""
    with db.read() as tx:
        rows = tx.execute(_VERSIONS, {"id": problem_id, "owner_id": viewer.owner_id}).fetchall()
    if not rows:
        raise missing(problem_id)
    return [_version(row) for row in rows]


def statement(db: Database, problem_id: str, viewer: Viewer, language: str | None) -> Statement | None:
    """Give the statement in a language (None: English, else the first); None where there is none. Raises NotFound."""
    statements: Sequence[Statement] = _documents(db, problem_id, viewer)[0]
    by_language = {one.language: one for one in statements}
    if language is not None:
        return by_language.get(language)
    return by_language.get("en") or next(iter(statements), None)


def attachment(db: Database, problem_id: str, viewer: Viewer, path: str) -> Document | None:
    """Find an attachment by its path; None where there is none. Raises NotFound, Unavailable."""
    return next((one for one in _documents(db, problem_id, viewer)[1] if one.path == path), None)


def opened(document: Document, blobs: BlobStore) -> Whole:
    """Open a document to be read piece by piece. Raises BlobMissing."""
    content = document.content
    file = io.BytesIO(content.inline or b"") if content.sha256 is None else blobs.open(content.sha256.hex())
    return Whole(file, document.size_bytes)


def shown(payload: Payload | None, blobs: BlobStore) -> Shown | None:
    """Read the beginning of test data, as an answer shows it. Raises BlobMissing."""
    if payload is None:
        return None
    if payload.sha256 is None:
        data = payload.inline or b""
        return Shown(data[:MAX_SHOWN_BYTES], len(data), is_utf8(data))
    with blobs.open(payload.sha256.hex()) as file:
        head = file.read(MAX_SHOWN_BYTES)
    size = blobs.size(payload.sha256.hex())
    # Of what is cut no more is read to tell what it is; the cut may have split the last character.
    whole = head if size <= MAX_SHOWN_BYTES else head[: MAX_SHOWN_BYTES - 3]
    return Shown(head, size, is_utf8(whole) or is_utf8(head))


def _documents(db: Database, problem_id: str, viewer: Viewer) -> tuple[Sequence[Statement], Sequence[Document]]:
    with db.read() as tx:
        found = problem_rows.documents(tx, _find(tx, problem_id, viewer).version.id)
    return found["statements"], found["attachments"]


def _find(tx: Connection, problem_id: str, viewer: Viewer, number: int | None = None) -> ProblemEntry:
    row = tx.execute(_ONE, {"id": problem_id, "owner_id": viewer.owner_id, "number": number}).fetchone()
    if row is None:
        raise missing(problem_id)
    return _entry(row)


def _entry(row: TupleRow) -> ProblemEntry:
    problem_id, owner_id, visibility, created_at, *version = row
    return ProblemEntry(problem_id, owner_id, Visibility(visibility), created_at, _version(version))


def _version(row: Sequence[object]) -> VersionEntry:
    own_id, number, state, report, *rest = row
    findings = [Finding(**one) for one in report]  # type: ignore[attr-defined] # JSON, of `problems.checked`
    return VersionEntry(own_id, number, VersionState(str(state)), findings, *rest)  # type: ignore[arg-type] # by column

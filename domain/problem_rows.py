"""A version of a problem as rows: written once, read whole. Who may see it and what it is used for is asked elsewhere.

It is written in two steps, as a submission is: `prepare` puts long values into the blob store, `insert` writes rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import DictRow, TupleRow
from psycopg.types.json import Jsonb

from domain.blobs import BlobStore
from domain.db import Connection
from domain.document import Document
from domain.file import File
from domain.inserting import Row, insert_all
from domain.judging import Judging, Program, decode, encode
from domain.limits import Constraints
from domain.payload import Payload
from domain.problem import Example, ProblemCase, ProblemVersion, Statement, Visibility

INLINE_BYTES = 4 * 1024
"""The longest value in a row: who grades keeps those in memory, of every version that it knows."""

_OWN = (
    *("title", "constraints", "language_constraints", "languages", "checker_type", "checker_tolerance"),
    *("judging", "judging_sha256", "outputs", "stop_on_first_failure", "metadata", "programs", "programs_sha256"),
)
CASE = (
    *("ordinal", "name", "stdin", "stdin_sha256", "arguments", "expected_stdout", "expected_stdout_sha256"),
    *("expected_exit_code", "timeout_ms", "is_hidden", "points", "test_group", "checker_arguments", "description"),
)
_FILE = ("path", "mode", "size_bytes", "content", "content_sha256")
CASE_FILE = ("ordinal", "role", "position", *_FILE)
DOCUMENT = ("role", "language", "position", "title", *_FILE)

_READ = f"""
    SELECT p.id, p.visibility, {", ".join(f"v.{name}" for name in _OWN)}
    FROM problem_versions AS v JOIN problems AS p ON p.id = v.problem_id WHERE v.id = %s
"""
_CASES = f"SELECT {', '.join(CASE)} FROM problem_cases WHERE version_id = %s ORDER BY ordinal"
_CASE_FILES = (
    f"SELECT {', '.join(CASE_FILE)} FROM problem_case_files WHERE version_id = %s ORDER BY ordinal, role, position"
)
_DOCUMENTS = (
    f"SELECT {', '.join(DOCUMENT)} FROM problem_documents WHERE version_id = %s ORDER BY role, language, position"
)


@dataclass(frozen=True)
class _Programs:
    """What is kept as one value, for nobody looks for anything in it."""

    input_validators: tuple[Program, ...] = ()
    validator_arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    included: Mapping[str, tuple[File, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """The rows of a version, long values already in the blob store; each lacks the version's id."""

    own: Mapping[str, object]
    cases: Sequence[Row]
    case_files: Sequence[Row]
    documents: Sequence[Row]


def prepare(version: ProblemVersion, blobs: BlobStore) -> Rows:
    """Put long values into the blob store and give the rows to insert. Raises OSError where the disk is full."""
    return Rows(
        own=_own(version, blobs),
        cases=[_case_row(case, blobs) for case in version.test_cases],
        case_files=[
            (case.ordinal, role, position, *_file_row(file, blobs))
            for case in version.test_cases
            for role, files in (("input", case.files), ("expected", case.expected_files))
            for position, file in enumerate(files)
        ],
        documents=list(_document_rows(version, blobs)),
    )


def insert(tx: Connection, version_id: UUID, keys: Mapping[str, object], rows: Rows) -> None:
    """Write a version, whose row has `keys` besides its own columns."""
    own = {"id": version_id, **keys, **rows.own}
    insert_all(tx, "problem_versions", tuple(own), [tuple(own.values())])
    parts = (
        ("problem_cases", CASE, rows.cases),
        ("problem_case_files", CASE_FILE, rows.case_files),
        ("problem_documents", DOCUMENT, rows.documents),
    )
    for table, columns, part in parts:
        insert_all(tx, table, ("version_id", *columns), [(version_id, *row) for row in part])


def read(tx: Connection, version_id: UUID, blobs: BlobStore) -> ProblemVersion | None:
    """Read a version whole, data by reference; None where there is none. Raises BlobMissing."""
    row = tx.execute(_READ.encode(), (version_id,)).fetchone()
    if row is None:
        return None
    problem_id, visibility, *own = row
    return ProblemVersion(
        id=problem_id,
        visibility=Visibility(visibility),
        test_cases=cases(tx, version_id),
        **documents(tx, version_id),
        **_of_own(dict(zip(_OWN, own, strict=True)), blobs),
    )


def cases(tx: Connection, version_id: UUID) -> tuple[ProblemCase, ...]:
    """Read a version's test cases in order, data by reference."""
    files: dict[tuple[int, str], list[Document]] = {}
    for ordinal, role, _, *file in tx.execute(_CASE_FILES.encode(), (version_id,)):
        files.setdefault((ordinal, role), []).append(_document(file))
    return tuple(_case(row, files) for row in tx.execute(_CASES.encode(), (version_id,)))


def documents(tx: Connection, version_id: UUID) -> dict[str, Any]:
    """Read a version's statements and attachments, by their fields."""
    found: dict[str, list[tuple[str, str, Document]]] = {"statement": [], "picture": [], "attachment": []}
    for role, language, _, title, *file in tx.execute(_DOCUMENTS.encode(), (version_id,)):
        found[role].append((language, title, _document(file)))
    statements = (
        Statement(language, title, content, tuple(one for other, _, one in found["picture"] if other == language))
        for language, title, content in found["statement"]
    )
    return {"statements": tuple(statements), "attachments": tuple(one for _, _, one in found["attachment"])}


def _own(version: ProblemVersion, blobs: BlobStore) -> dict[str, object]:
    checker = version.checker
    judging = replace(version.judging, program=checker.program, protocol=checker.protocol, arguments=checker.arguments)
    programs = _Programs(version.input_validators, version.validator_arguments, version.examples, version.included)
    constraints = {name: value for name, value in asdict(version.constraints).items() if name != "network_rules"}
    kept = _kept(encode(judging), blobs), _kept(msgspec.json.encode(programs), blobs)
    values = (
        *(version.title, Jsonb(constraints)),
        Jsonb({name: dict(changed) for name, changed in version.language_constraints.items()}),
        *(list(version.languages), checker.type, checker.tolerance, *kept[0].columns),
        *(list(version.outputs), version.stop_on_first_failure, Jsonb(dict(version.metadata)), *kept[1].columns),
    )
    return dict(zip(_OWN, values, strict=True))


def _of_own(named: DictRow, blobs: BlobStore) -> dict[str, Any]:
    judging: Judging = decode(Payload(named["judging"], named["judging_sha256"]).load(blobs))
    stored = Payload(named["programs"], named["programs_sha256"]).load(blobs)
    programs = _Programs() if stored is None else msgspec.json.decode(stored, type=_Programs)
    return {
        "title": named["title"],
        "checker": judging.checker(named["checker_type"], named["checker_tolerance"]),
        "judging": judging,
        "constraints": Constraints(**named["constraints"]),
        "language_constraints": named["language_constraints"],
        "languages": tuple(named["languages"]),
        "outputs": tuple(named["outputs"]),
        "stop_on_first_failure": named["stop_on_first_failure"],
        "metadata": named["metadata"],
        **vars(programs),
    }


def _kept(data: bytes | None, blobs: BlobStore) -> Payload:
    return _short(Payload(inline=data), blobs)


def _short(payload: Payload, blobs: BlobStore) -> Payload:
    """Give the same value by its hash where it is too long to stand in a row."""
    data = payload.inline
    return payload if data is None or len(data) <= INLINE_BYTES else Payload(sha256=bytes.fromhex(blobs.put(data)))


def _case_row(case: ProblemCase, blobs: BlobStore) -> Row:
    return (
        case.ordinal,
        case.name,
        *_short(case.stdin, blobs).columns,
        list(case.arguments),
        *_short(case.expected_stdout or Payload(), blobs).columns,
        case.expected_exit_code,
        case.timeout_ms,
        case.is_hidden,
        None if case.points is None else float(case.points),
        case.group,
        list(case.checker_arguments),
        case.description,
    )


def _case(row: TupleRow, files: Mapping[tuple[int, str], Iterable[Document]]) -> ProblemCase:
    named = dict(zip(CASE, row, strict=True))
    ordinal = named["ordinal"]
    expected = Payload(named["expected_stdout"], named["expected_stdout_sha256"])
    return ProblemCase(
        ordinal=ordinal,
        name=named["name"],
        stdin=Payload(named["stdin"], named["stdin_sha256"]),
        expected_stdout=None if expected == Payload() else expected,
        files=tuple(files.get((ordinal, "input"), ())),
        expected_files=tuple(files.get((ordinal, "expected"), ())),
        expected_exit_code=named["expected_exit_code"],
        arguments=tuple(named["arguments"]),
        checker_arguments=tuple(named["checker_arguments"]),
        is_hidden=named["is_hidden"],
        points=named["points"],
        group=named["test_group"],
        timeout_ms=named["timeout_ms"],
        description=named["description"],
    )


def _document_rows(version: ProblemVersion, blobs: BlobStore) -> Iterator[Row]:
    for one in version.statements:
        yield "statement", one.language, 0, one.title, *_file_row(one.content, blobs)
        for position, picture in enumerate(one.files):
            yield "picture", one.language, position, "", *_file_row(picture, blobs)
    for position, attachment in enumerate(version.attachments):
        yield "attachment", "", position, "", *_file_row(attachment, blobs)


def _file_row(file: Document, blobs: BlobStore) -> Row:
    return file.path, file.mode, file.size_bytes, *_short(file.content, blobs).columns


def _document(row: Sequence[Any]) -> Document:
    path, mode, size_bytes, inline, sha256 = row
    return Document(path, Payload(inline, sha256), size_bytes, mode)

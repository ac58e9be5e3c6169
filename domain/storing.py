"""How a submission becomes rows and comes back: the one place that knows the columns of the request's tables.

It comes back whole for whoever grades it, or as answers say it again: then no source, input or expectation is read.

Writing is two steps: `prepare` puts long values into the blob store, outside of any transaction; `insert` writes all
rows with one statement a table, or few. Reading is two as well: `ask` sends all questions in one go, `read` takes the
answers when the transaction is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import DictRow, TupleRow
from psycopg.types.json import Jsonb

from domain import payload
from domain.blobs import BlobStore
from domain.db import Connection, Cursor
from domain.inserting import MOST_ROWS, Row, places
from domain.inserting import insert as insert_rows
from domain.limits import Constraints
from domain.model import Cache, Checker, CheckerType, Expectation, File, Priority, Submission, TestCase
from domain.network import NetworkRule, Protocol
from domain.payload import Payload
from domain.views import Asked as View
from domain.views import CaseView

_CONSTRAINTS = (
    "timeout_ms",
    "wall_timeout_ms",
    "memory_mb",
    "cpu_millicores",
    "disk_mb",
    "output_kb",
    "processes",
    "network_enabled",
    "file_kb",
)
_SUBMISSION = (
    *("language", "entry_point", "arguments", "checker_type", "checker_tolerance", "outputs"),
    *("stop_on_first_failure", "priority", "problem_id", "user_id", "metadata", "network_rules", "cache"),
    "static_check",
    *_CONSTRAINTS,
)
_FILE = ("position", "path", "mode", "content", "content_sha256")
_TEST_CASE = (
    *("ordinal", "name", "stdin", "stdin_sha256", "arguments", "expected_stdout", "expected_stdout_sha256"),
    *("expected_exit_code", "timeout_ms", "is_hidden", "points", "test_group"),
)
_CASE_FILE = ("ordinal", "role", *_FILE)
_PARTS = (("source_files", _FILE), ("test_cases", _TEST_CASE), ("test_case_files", _CASE_FILE))
_VIEW = (
    *("owner_id", "created_at", "language", "entry_point", "priority", "problem_id", "user_id", "metadata"),
    *("network_rules", *_CONSTRAINTS),
)
_CASE_VIEW = ("name", "is_hidden", "points", "test_group")


class Rows(NamedTuple):
    """The rows of a submission's parts, long values already in the blob store; each lacks the submission's id."""

    sources: Sequence[Row]
    test_cases: Sequence[Row]
    case_files: Sequence[Row]

    @property
    def many(self) -> bool:
        """Whether one statement does not hold them."""
        return any(len(rows) > MOST_ROWS for rows in self)


def prepare(new: Submission, blobs: BlobStore) -> Rows:
    """Put long values into the blob store and give the rows to insert. Raises OSError where the disk is full."""
    return Rows(
        sources=list(_file_rows(new.sources, blobs)),
        test_cases=[_test_case_row(case, blobs) for case in new.test_cases],
        case_files=[
            (case.ordinal, role, *row)
            for case in new.test_cases
            for role, files in (("input", case.files), ("expected", case.expected.files))
            for row in _file_rows(files, blobs)
        ],
    )


def values(new: Submission) -> dict[str, object]:
    """Give the submission's own columns with their values."""
    constraints = new.constraints
    return {
        "language": new.language,
        "entry_point": new.entry_point,
        "arguments": list(new.arguments),
        "checker_type": new.checker.type,
        "checker_tolerance": new.checker.tolerance,
        "outputs": list(new.outputs),
        "stop_on_first_failure": new.stop_on_first_failure,
        "priority": new.priority,
        "problem_id": new.problem_id,
        "user_id": new.user_id,
        "metadata": Jsonb(dict(new.metadata)),
        "cache": new.cache,
        "network_rules": _rules_json(constraints.network_rules),
        "static_check": new.static_check,
        "needs_root": not constraints.disk_is_tmpfs,
        **{name: getattr(constraints, name) for name in _CONSTRAINTS},
    }


def insert(tx: Connection, execution_id: UUID, own: Mapping[str, object], rows: Rows) -> Cursor:
    """Write a submission, all its parts and its first execution: its own columns with their values, `id` first.

    The answer is `created_at, number, queued_at`. It is one statement, and one by itself where the rows are not `many`.
    """
    first = [part[:MOST_ROWS] for part in rows]
    if rows.many:
        first[-1] = []  # their test cases may not be there yet
    values = [execution_id, *own.values(), *(value for part in first for row in part for value in row)]
    made = tx.run(_command(tuple(own), *map(len, first)), values)
    for (table, columns), part, written in zip(_PARTS, rows, first, strict=True):
        insert_rows(tx, table, {"submission_id": own["id"]}, columns, part[len(written) :])
    return made


@cache
def _command(own: tuple[str, ...], *counts: int) -> bytes:
    submission = (
        f"INSERT INTO submissions ({', '.join(own)}) VALUES {places(2, 1, own)} RETURNING id, priority, created_at"
    )
    # It takes its submission from there, so that of two with the same id the second fails at the submission.
    execution = """
        INSERT INTO executions (id, submission_id, priority, number) SELECT $1, id, priority, 1 FROM own
        RETURNING number, queued_at
    """
    parts = [f"own AS ({submission})", f"queued AS ({execution})"]
    place = 2 + len(own)
    for (table, columns), count in zip(_PARTS, counts, strict=True):
        if count:
            values = places(place, count, columns, same="$2")
            parts.append(f"{table}_ AS (INSERT INTO {table} (submission_id, {', '.join(columns)}) VALUES {values})")
        place += count * len(columns)
    return f"WITH {', '.join(parts)} SELECT created_at, number, queued_at FROM own, queued".encode()


class Asked(NamedTuple):
    """The questions for a submission, sent together."""

    own: Cursor
    sources: Cursor
    cases: Cursor
    files: Cursor


def ask(tx: Connection, which: str, values: Mapping[str, object]) -> Asked:
    """Ask for all of the submission that `which` gives the id of, an expression with named `values`."""

    def from_(table: str, key: str, columns: Sequence[str], order: str = "") -> Cursor:
        return tx.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} = {which}{order}".encode(), values)

    return Asked(
        own=from_("submissions", "id", _SUBMISSION),
        sources=from_("source_files", "submission_id", _FILE, " ORDER BY position"),
        cases=from_("test_cases", "submission_id", _TEST_CASE, " ORDER BY ordinal"),
        files=from_("test_case_files", "submission_id", _CASE_FILE, " ORDER BY ordinal, role, position"),
    )


def read(asked: Asked, blobs: BlobStore) -> Submission:
    """Read a submission that exists, as it was sent, whole. Raises BlobMissing, BlobDamaged."""
    by_case: dict[tuple[object, object], list[File]] = {}
    for row in asked.files:
        by_case.setdefault(row[:2], []).append(_file(row[2:], blobs))
    return _submission(
        asked.own.fetchone() or (),
        sources=tuple(_file(row, blobs) for row in asked.sources),
        test_cases=tuple(_test_case(row, by_case, blobs) for row in asked.cases),
    )


class ViewAsked(NamedTuple):
    """The questions for what answers say of a submission."""

    own: Cursor
    cases: Cursor


def ask_view(tx: Connection, submission_id: UUID) -> ViewAsked:
    """Ask for what answers say again of a submission."""
    return ViewAsked(
        own=tx.execute(f"SELECT {', '.join(_VIEW)} FROM submissions WHERE id = %s", (submission_id,)),
        cases=tx.execute(
            f"SELECT {', '.join(_CASE_VIEW)} FROM test_cases WHERE submission_id = %s ORDER BY ordinal",
            (submission_id,),
        ),
    )


def read_view(asked: ViewAsked) -> tuple[UUID, datetime, View] | None:
    """Give whose a submission is, when it was made, and what answers say again of it; None where there is none."""
    row = asked.own.fetchone()
    if row is None:
        return None
    named = dict(zip(_VIEW, row, strict=True))
    view = View(
        language=named["language"],
        entry_point=named["entry_point"],
        priority=Priority(named["priority"]),
        constraints=_constraints(named),
        problem_id=named["problem_id"],
        user_id=named["user_id"],
        metadata=named["metadata"],
        test_cases=tuple(CaseView(*case) for case in asked.cases),
    )
    return named["owner_id"], named["created_at"], view


def _file_rows(files: Iterable[File], blobs: BlobStore) -> Iterable[Row]:
    for position, file in enumerate(files):
        yield position, file.path, file.mode, *Payload.keep(file.content, blobs).columns


def _test_case_row(case: TestCase, blobs: BlobStore) -> Row:
    return (
        case.ordinal,
        case.name,
        *Payload.keep(case.stdin, blobs).columns,
        list(case.arguments),
        *Payload.keep(case.expected.stdout, blobs).columns,
        case.expected.exit_code,
        case.timeout_ms,
        case.is_hidden,
        case.points,
        case.group,
    )


def _file(row: TupleRow, blobs: BlobStore) -> File:
    _, path, mode, content, sha256 = row
    return File(path, payload.load(content, sha256, blobs), mode)


def _submission(row: TupleRow, *, sources: tuple[File, ...], test_cases: tuple[TestCase, ...]) -> Submission:
    named = dict(zip(_SUBMISSION, row, strict=True))
    return Submission(
        language=named["language"],
        sources=sources,
        entry_point=named["entry_point"],
        test_cases=test_cases,
        arguments=tuple(named["arguments"]),
        constraints=_constraints(named),
        checker=Checker(CheckerType(named["checker_type"]), named["checker_tolerance"]),
        outputs=tuple(named["outputs"]),
        stop_on_first_failure=named["stop_on_first_failure"],
        priority=Priority(named["priority"]),
        problem_id=named["problem_id"],
        user_id=named["user_id"],
        metadata=named["metadata"],
        static_check=named["static_check"],
        cache=Cache(named["cache"]),
    )


def _rules_json(rules: Sequence[NetworkRule] | None) -> Jsonb | None:
    return None if rules is None else Jsonb([asdict(rule) for rule in rules])


def _rule(host: str | None, cidr: str | None, ports: Sequence[int], protocol: str) -> NetworkRule:
    return NetworkRule(host, cidr, tuple(ports), Protocol(protocol))


def _constraints(named: DictRow) -> Constraints:
    rules = named["network_rules"]
    asked = None if rules is None else tuple(_rule(**rule) for rule in rules)
    return Constraints(**{name: named[name] for name in _CONSTRAINTS}, network_rules=asked)


def _test_case(row: TupleRow, files: dict[tuple[object, object], list[File]], blobs: BlobStore) -> TestCase:
    named = dict(zip(_TEST_CASE, row, strict=True))
    expected_stdout = Payload(named["expected_stdout"], named["expected_stdout_sha256"]).load(blobs)
    ordinal = named["ordinal"]
    return TestCase(
        ordinal=ordinal,
        name=named["name"],
        stdin=payload.load(named["stdin"], named["stdin_sha256"], blobs),
        files=tuple(files.get((ordinal, "input"), ())),
        arguments=tuple(named["arguments"]),
        expected=Expectation(
            stdout=expected_stdout,
            files=tuple(files.get((ordinal, "expected"), ())),
            exit_code=named["expected_exit_code"],
        ),
        timeout_ms=named["timeout_ms"],
        is_hidden=named["is_hidden"],
        points=named["points"],
        group=named["test_group"],
    )

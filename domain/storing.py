"""How a submission becomes rows and comes back: the one place that knows the columns of the request's tables.

It comes back whole for whoever grades it, or as answers say it again: then no source, input or expectation is read.

Writing is two steps: `prepare` puts long values into the blob store, outside of any transaction; `insert` writes all
rows with one statement a table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from psycopg.rows import DictRow, TupleRow
from psycopg.types.json import Jsonb

from domain import payload
from domain.blobs import BlobStore
from domain.copying import Row, copy
from domain.db import Connection
from domain.limits import Constraints
from domain.model import Cache, Checker, CheckerType, Expectation, File, Priority, Submission, TestCase
from domain.network import NetworkRule, Protocol
from domain.payload import Payload
from domain.views import Asked, CaseView

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
_ASKED = ("language", "entry_point", "priority", "problem_id", "user_id", "metadata", "network_rules", *_CONSTRAINTS)
_CASE_VIEW = ("name", "is_hidden", "points", "test_group")


@dataclass(frozen=True)
class Rows:
    """The rows of a submission's parts, long values already in the blob store; each lacks the submission's id."""

    sources: Sequence[Row]
    test_cases: Sequence[Row]
    case_files: Sequence[Row]


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


def insert(tx: Connection, submission_id: UUID, rows: Rows) -> None:
    """Write the parts of a submission whose own row is written."""
    own = {"submission_id": submission_id}
    copy(tx, "source_files", own, _FILE, rows.sources)
    copy(tx, "test_cases", own, _TEST_CASE, rows.test_cases)
    if rows.case_files:
        copy(tx, "test_case_files", own, _CASE_FILE, rows.case_files)


def read(tx: Connection, submission_id: UUID, blobs: BlobStore) -> Submission:
    """Read a submission that exists, as it was sent, whole. Raises BlobMissing, BlobDamaged."""
    with tx.pipeline():
        own = tx.execute(f"SELECT {', '.join(_SUBMISSION)} FROM submissions WHERE id = %s", (submission_id,))
        sources = tx.execute(
            f"SELECT {', '.join(_FILE)} FROM source_files WHERE submission_id = %s ORDER BY position", (submission_id,)
        )
        cases = tx.execute(
            f"SELECT {', '.join(_TEST_CASE)} FROM test_cases WHERE submission_id = %s ORDER BY ordinal",
            (submission_id,),
        )
        files = tx.execute(
            f"SELECT {', '.join(_CASE_FILE)} FROM test_case_files WHERE submission_id = %s"
            " ORDER BY ordinal, role, position",
            (submission_id,),
        )
    by_case: dict[tuple[object, object], list[File]] = {}
    for row in files:
        by_case.setdefault(row[:2], []).append(_file(row[2:], blobs))
    return _submission(
        own.fetchone() or (),
        sources=tuple(_file(row, blobs) for row in sources),
        test_cases=tuple(_test_case(row, by_case, blobs) for row in cases),
    )


def read_asked(tx: Connection, submission_id: UUID) -> Asked:
    """Read of a submission that exists what answers say again."""
    with tx.pipeline():
        own = tx.execute(f"SELECT {', '.join(_ASKED)} FROM submissions WHERE id = %s", (submission_id,))
        cases = tx.execute(
            f"SELECT {', '.join(_CASE_VIEW)} FROM test_cases WHERE submission_id = %s ORDER BY ordinal",
            (submission_id,),
        )
    named = dict(zip(_ASKED, own.fetchone() or (), strict=True))
    return Asked(
        language=named["language"],
        entry_point=named["entry_point"],
        priority=Priority(named["priority"]),
        constraints=_constraints(named),
        problem_id=named["problem_id"],
        user_id=named["user_id"],
        metadata=named["metadata"],
        test_cases=tuple(CaseView(*row) for row in cases),
    )


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

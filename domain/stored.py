"""How a submission comes back from its rows: whole for whoever grades it, or as answers say it again.

For an answer no source, input or expectation is read. How it became rows stands in `domain/storing.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow, TupleRow

from domain import payload
from domain.blobs import BlobStore
from domain.gathering import gathered, scattered, split
from domain.judging import decode
from domain.limits import Constraints
from domain.model import Cache, Expectation, File, Priority, Submission, TestCase
from domain.network import NetworkRule, Protocol
from domain.payload import Payload
from domain.storing import CASE_FILE, CONSTRAINTS, FILE, TEST_CASE
from domain.views import Asked as View
from domain.views import CaseView

_SUBMISSION = (
    *("language", "entry_point", "arguments", "checker_type", "checker_tolerance", "outputs"),
    *("stop_on_first_failure", "priority", "problem_id", "user_id", "metadata", "network_rules", "cache"),
    *("static_check", "interactive", "judging", "judging_sha256", "region"),
    *CONSTRAINTS,
)
_VIEW = (
    *("owner_id", "created_at", "language", "entry_point", "priority", "problem_id", "user_id", "metadata"),
    *("network_rules", "interactive", "region", *CONSTRAINTS),
)
_CASE_VIEW = ("name", "is_hidden", "points", "test_group")


def _part(alias: str, table: str, columns: Sequence[str], order: str) -> str:
    # Arrays of several lengths are no array of PostgreSQL's.
    names = (f"to_json({name}) AS {name}" if name.endswith("arguments") else name for name in columns)
    rows = f"SELECT {', '.join(names)} FROM {table} WHERE submission_id = s.id ORDER BY {order}"
    return gathered(alias, columns, rows)


PARTS = ", ".join(
    (
        _part("sources", "source_files", FILE, "position"),
        _part("cases", "test_cases", TEST_CASE, "ordinal"),
        _part("files", "test_case_files", CASE_FILE, "ordinal, role, position"),
    )
)
WHOLE = f"{', '.join(f's.{name}' for name in _SUBMISSION)}, sources.*, cases.*, files.*"
"""What `read` reads of a submission `s`, with PARTS behind FROM."""
VIEW_PARTS = _part("cases", "test_cases", _CASE_VIEW, "ordinal")
VIEW = f"{', '.join(f's.{name}' for name in _VIEW)}, cases.*"
"""What `read_view` reads of a submission `s`, with VIEW_PARTS behind FROM."""
VIEW_COLUMNS = (*_VIEW, *_CASE_VIEW)


def read(row: Sequence[object], blobs: BlobStore) -> Submission:
    """Read a submission as it was sent, whole. Raises BlobMissing, BlobDamaged."""
    own, sources, cases, files = split(row, _SUBMISSION, FILE, TEST_CASE, CASE_FILE)
    by_case: dict[tuple[object, object], list[File]] = {}
    for file in scattered(files):
        by_case.setdefault(file[:2], []).append(_file(file[2:], blobs))
    return _submission(
        own,
        blobs,
        sources=tuple(_file(file, blobs) for file in scattered(sources)),
        test_cases=tuple(_test_case(case, by_case, blobs) for case in scattered(cases)),
    )


def read_view(row: Sequence[object]) -> tuple[UUID, datetime, View]:
    """Give whose a submission is, when it was made, and what answers say again of it."""
    own, cases = split(row, _VIEW, _CASE_VIEW)
    named: DictRow = dict(zip(_VIEW, own, strict=True))
    view = View(
        language=named["language"],
        entry_point=named["entry_point"],
        priority=Priority(named["priority"]),
        constraints=_constraints(named),
        problem_id=named["problem_id"],
        user_id=named["user_id"],
        metadata=named["metadata"],
        test_cases=tuple(CaseView(*case) for case in scattered(cases)),
        interactive=named["interactive"],
        region=named["region"],
    )
    return named["owner_id"], named["created_at"], view


def _file(row: TupleRow, blobs: BlobStore) -> File:
    _, path, mode, content, sha256 = row
    return File(path, payload.load(content, sha256, blobs), mode)


def _submission(
    row: Sequence[object], blobs: BlobStore, *, sources: tuple[File, ...], test_cases: tuple[TestCase, ...]
) -> Submission:
    named: DictRow = dict(zip(_SUBMISSION, row, strict=True))
    judging = decode(Payload(named["judging"], named["judging_sha256"]).load(blobs))
    return Submission(
        language=named["language"],
        sources=sources,
        entry_point=named["entry_point"],
        test_cases=test_cases,
        arguments=tuple(named["arguments"]),
        constraints=_constraints(named),
        checker=judging.checker(named["checker_type"], named["checker_tolerance"]),
        outputs=tuple(named["outputs"]),
        stop_on_first_failure=named["stop_on_first_failure"],
        priority=Priority(named["priority"]),
        region=named["region"],
        problem_id=named["problem_id"],
        user_id=named["user_id"],
        metadata=named["metadata"],
        static_check=named["static_check"],
        cache=Cache(named["cache"]),
        interactive=named["interactive"],
        interactor=judging.interactor,
        passes=judging.passes,
        groups=judging.groups,
        function=judging.function,
        suite=judging.suite,
    )


def _rule(host: str | None, cidr: str | None, ports: Sequence[int], protocol: str) -> NetworkRule:
    return NetworkRule(host, cidr, tuple(ports), Protocol(protocol))


def _constraints(named: DictRow) -> Constraints:
    rules = named["network_rules"]
    asked = None if rules is None else tuple(_rule(**rule) for rule in rules)
    return Constraints(**{name: named[name] for name in CONSTRAINTS}, network_rules=asked)


def _test_case(row: TupleRow, files: dict[tuple[object, object], list[File]], blobs: BlobStore) -> TestCase:
    named = dict(zip(TEST_CASE, row, strict=True))
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
        checker_arguments=tuple(named["checker_arguments"]),
    )

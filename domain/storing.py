"""How a submission becomes rows. How it comes back stands in `domain/stored.py`.

It is two steps: `prepare` puts long values into the blob store, outside of any transaction; `insert` writes all rows
with one statement, or few.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from domain import idempotency
from domain.blobs import BlobStore
from domain.db import Connection, Cursor
from domain.fair import URGENCY, User, Usual
from domain.inserting import KEPT, MOST_ROWS, Row, places
from domain.inserting import insert as insert_rows
from domain.judging import encode
from domain.model import File, Priority, Submission, TestCase
from domain.network import NetworkRule
from domain.payload import Payload

CONSTRAINTS = (
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
FILE = ("position", "path", "mode", "content", "content_sha256")
TEST_CASE = (
    *("ordinal", "name", "stdin", "stdin_sha256", "arguments", "expected_stdout", "expected_stdout_sha256"),
    *("expected_exit_code", "timeout_ms", "is_hidden", "points", "test_group", "checker_arguments"),
)
CASE_FILE = ("ordinal", "role", *FILE)
_PLACE = ("uuid", "text", "smallint", "integer", "bigint")
"""The types of what `take_place` takes."""
_PARTS = (("source_files", FILE), ("test_cases", TEST_CASE), ("test_case_files", CASE_FILE))


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
    own_cases = () if new.by_problem is not None else new.test_cases
    return Rows(
        sources=list(_file_rows(new.sources, blobs)),
        test_cases=[_test_case_row(case, blobs) for case in own_cases],
        case_files=[
            (case.ordinal, role, *row)
            for case in own_cases
            for role, files in (("input", case.files), ("expected", case.expected.files))
            for row in _file_rows(files, blobs)
        ],
    )


def version_of(new: Submission) -> UUID | None:
    """Give the version of a problem that a submission is judged by; None where it brings its own test cases."""
    return None if new.by_problem is None else new.by_problem.version_id


def values(new: Submission, blobs: BlobStore) -> dict[str, object]:
    """Give the submission's own columns with their values; a long one is in the blob store then. Raises OSError."""
    constraints = new.constraints
    judging = Payload.keep(None if new.by_problem is not None else encode(new.judging), blobs)
    return {
        "language": new.language,
        "entry_point": new.entry_point,
        "arguments": list(new.arguments),
        "checker_type": new.checker.type,
        "checker_tolerance": new.checker.tolerance,
        "judging": judging.inline,
        "judging_sha256": judging.sha256,
        "outputs": list(new.outputs),
        "stop_on_first_failure": new.stop_on_first_failure,
        "priority": new.priority,
        "region": new.region,
        "problem_id": new.problem_id,
        "user_id": new.user_id,
        "metadata": Jsonb(dict(new.metadata)),
        "cache": new.cache,
        "interactive": new.interactive,
        "network_rules": _rules_json(constraints.network_rules),
        "static_check": new.static_check,
        "needs_root": not constraints.disk_is_tmpfs,
        **{name: getattr(constraints, name) for name in CONSTRAINTS},
    }


@dataclass(frozen=True)
class Place:
    """Whose place in the message queue an execution takes, or waits for."""

    user: User
    priority: Priority
    usual: Usual

    @property
    def values(self) -> tuple[object, ...]:
        """Give what the statement takes of it."""
        return self.user.owner_id, self.user.name, URGENCY[self.priority], *self.usual.values


def insert(
    tx: Connection,
    execution_id: UUID,
    own: Mapping[str, object],
    rows: Rows,
    *,
    queue: str | None = None,
    place: Place | None = None,
    key: str | None = None,
    version_id: UUID | None = None,
) -> Cursor:
    """Write a submission, all its parts and its first execution: its own columns with their values, `id` first.

    The answer is `created_at, number, queued_at, sent`: without `sent` it waits for a place and must not be sent to the
    `queue`. A `key` is taken for it (domain/idempotency.py), and `version_id` is the version of a problem that it is
    graded by. It is one statement, and one by itself where the rows are
    not `many`. What the user may not do any more is raised as `fair.told` tells.
    """
    first = [part[:MOST_ROWS] for part in rows]
    if rows.many:
        first[-1] = []  # their test cases may not be there yet
    taken = place.values if place is not None else ()
    versioned = () if version_id is None else (version_id,)
    values = [execution_id, *own.values(), queue, *taken, *(value for part in first for row in part for value in row)]
    last = [*versioned, *(() if key is None else (key,))]
    command = _command(
        tuple(own), len(taken), *map(len, first), versioned=version_id is not None, keyed=key is not None
    )
    made = tx.run(command, values + last)
    for (table, columns), part, written in zip(_PARTS, rows, first, strict=True):
        insert_rows(tx, table, {"submission_id": own["id"]}, columns, part[len(written) :])
    return made


@lru_cache(KEPT)
def _command(own: tuple[str, ...], taken: int, *counts: int, versioned: bool = False, keyed: bool = False) -> bytes:
    submission = (
        f"INSERT INTO submissions ({', '.join(own)}) VALUES {places(2, 1, own)}"
        " RETURNING id, owner_id, priority, created_at"
    )
    queue = 2 + len(own)
    place = queue + 1
    owner, name, urgency, *usual = (f"${place + n}::{kind}" for n, kind in enumerate(_PLACE))
    sent_at = f"take_place({', '.join((owner, name, urgency, *usual))})" if taken else "now()"
    version = place + taken + sum(count * len(columns) for (_, columns), count in zip(_PARTS, counts, strict=True))
    column, value = (", problem_version_id", f", ${version}::uuid") if versioned else ("", "")
    # It takes its submission from there, so that of two with the same id the second fails at the submission.
    execution = f"""
        INSERT INTO executions (id, submission_id, priority, number, queue, sent_at{column})
        SELECT $1, id, priority, 1, ${queue}::text, {sent_at}{value} FROM own
        RETURNING number, queued_at, sent_at < 'infinity' AS sent
    """
    parts = [f"own AS ({submission})", f"queued AS ({execution})"]
    if taken:
        into = "places (execution_id, owner_id, user_id, urgency, sent)"
        parts.append(f"place AS (INSERT INTO {into} SELECT $1, {owner}, {name}, {urgency}, sent FROM queued)")
    place += taken
    for (table, columns), count in zip(_PARTS, counts, strict=True):
        if count:
            values = places(place, count, columns, same="$2")
            parts.append(f"{table}_ AS (INSERT INTO {table} (submission_id, {', '.join(columns)}) VALUES {values})")
        place += count * len(columns)
    if keyed:
        parts.append(f"keyed AS ({idempotency.TAKE.format(key=f'${place + versioned}')})")
    return f"WITH {', '.join(parts)} SELECT created_at, number, queued_at, sent FROM own, queued".encode()


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
        None if case.points is None else float(case.points),
        case.group,
        list(case.checker_arguments),
    )


def _rules_json(rules: Sequence[NetworkRule] | None) -> Jsonb | None:
    return None if rules is None else Jsonb([asdict(rule) for rule in rules])

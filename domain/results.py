"""Test results, their artifacts and telemetry as rows, written and read.

Like a submission's parts they are written in two steps: long values first, then all rows in one go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import TupleRow

from domain import payload, storable, telemetry
from domain.blobs import BlobStore
from domain.copying import Row, copy
from domain.db import Connection
from domain.model import Artifact, Claim, RunTelemetry, TestResult
from domain.payload import Payload
from domain.verdict import Verdict

_RESULT = (
    *("ordinal", "verdict", "reason", "message", "exit_code", "exit_signal"),
    *("stdout", "stdout_sha256", "stderr", "stderr_sha256"),
    *telemetry.USAGE,
    "points",
)
_ARTIFACT = ("ordinal", "path", "size_bytes", "sha256", "truncated")

TOTALS = """
    points = CASE WHEN EXISTS (
        SELECT FROM test_cases AS t WHERE t.submission_id = e.submission_id AND t.points IS NOT NULL
    ) THEN (SELECT coalesce(sum(r.points), 0) FROM test_results AS r WHERE r.execution_id = e.id) END,
    (cpu_time_ms, wall_time_ms, memory_bytes, usage_source) = (
        SELECT sum(r.cpu_time_ms), sum(r.wall_time_ms), max(r.memory_bytes), max(r.usage_source)
        FROM test_results AS r WHERE r.execution_id = e.id
    )
"""
"""Sets what an execution `e` has in all, from its results: to be set when it ends, whoever ends it. Of the two sources
of usage the greater word is `sampled`, the weaker one."""


@dataclass(frozen=True)
class Rows:
    """The rows of some results, long values already in the blob store; each lacks its execution."""

    ordinals: list[int]
    results: Sequence[Row]
    artifacts: Sequence[Row]
    telemetry: Sequence[Row]


def prepare(results: Sequence[TestResult], blobs: BlobStore) -> Rows:
    """Put long values into the blob store and give the rows to write. Raises OSError where the disk is full."""
    latest = {result.ordinal: result for result in results}
    return Rows(
        ordinals=list(latest),
        results=[_result_row(result, blobs) for result in latest.values()],
        artifacts=[row for result in latest.values() for row in _artifact_rows(result)],
        telemetry=[
            ("test", result.ordinal, *telemetry.run_values(result.usage, result.telemetry))
            for result in latest.values()
            if result.telemetry is not None
        ],
    )


def replace(tx: Connection, claim: Claim, rows: Rows) -> None:
    """Write results, in place of what was recorded of the same test cases before."""
    which = (claim.execution_id, rows.ordinals)
    with tx.pipeline():
        tx.execute("DELETE FROM test_results WHERE execution_id = %s AND ordinal = ANY (%s)", which)
        tx.execute("DELETE FROM telemetry WHERE execution_id = %s AND kind = 'test' AND ordinal = ANY (%s)", which)
    own = {"execution_id": claim.execution_id}
    copy(tx, "test_results", {**own, "submission_id": claim.submission_id}, _RESULT, rows.results)
    if rows.artifacts:
        copy(tx, "artifacts", own, _ARTIFACT, rows.artifacts)
    if rows.telemetry:
        insert_runs(tx, claim.execution_id, rows.telemetry)


def insert_runs(tx: Connection, execution_id: UUID, runs: Sequence[Row]) -> None:
    """Write the telemetry of jailed runs: (kind, ordinal, *telemetry.run_values)."""
    copy(tx, "telemetry", {"execution_id": execution_id}, ("kind", "ordinal", *telemetry.RUN), runs)


def read(tx: Connection, execution_id: UUID, blobs: BlobStore) -> tuple[TestResult, ...]:
    """Read what was recorded so far, in the order of the test cases. Raises BlobMissing, BlobDamaged."""
    with tx.pipeline():
        results = tx.execute(
            f"SELECT {', '.join(_RESULT)} FROM test_results WHERE execution_id = %s ORDER BY ordinal", (execution_id,)
        )
        artifacts = tx.execute(
            f"SELECT {', '.join(_ARTIFACT)} FROM artifacts WHERE execution_id = %s ORDER BY ordinal, path",
            (execution_id,),
        )
        runs = tx.execute(
            f"SELECT ordinal, {', '.join(telemetry.RUN)} FROM telemetry WHERE execution_id = %s AND kind = 'test'",
            (execution_id,),
        )
    collected: dict[int, list[Artifact]] = {}
    for ordinal, path, size, sha256, truncated in artifacts:
        collected.setdefault(ordinal, []).append(Artifact(path, size, sha256.hex(), truncated))
    counted = {row[0]: telemetry.run(row[1:])[1] for row in runs}
    return tuple(_result(row, collected, counted, blobs) for row in results)


def _result_row(result: TestResult, blobs: BlobStore) -> Row:
    return (
        result.ordinal,
        result.verdict,
        storable.text(result.reason) if result.reason is not None else None,
        storable.text(result.message),
        result.exit_code,
        result.exit_signal,
        *Payload.keep(result.stdout, blobs).columns,
        *Payload.keep(result.stderr, blobs).columns,
        *telemetry.usage_values(result.usage),
        result.points,
    )


def _artifact_rows(result: TestResult) -> list[Row]:
    return [
        (result.ordinal, storable.text(item.path), item.size_bytes, bytes.fromhex(item.sha256), item.truncated)
        for item in result.artifacts
    ]


def _result(
    row: TupleRow, artifacts: dict[int, list[Artifact]], counted: dict[int, RunTelemetry | None], blobs: BlobStore
) -> TestResult:
    named = dict(zip(_RESULT, row, strict=True))
    ordinal = named["ordinal"]
    return TestResult(
        ordinal=ordinal,
        verdict=Verdict(named["verdict"]) if named["verdict"] is not None else None,
        reason=named["reason"],
        exit_code=named["exit_code"],
        exit_signal=named["exit_signal"],
        stdout=payload.load(named["stdout"], named["stdout_sha256"], blobs),
        stderr=payload.load(named["stderr"], named["stderr_sha256"], blobs),
        usage=telemetry.usage(tuple(named[name] for name in telemetry.USAGE)),
        telemetry=counted.get(ordinal),
        points=named["points"],
        artifacts=tuple(artifacts.get(ordinal, ())),
        message=named["message"],
    )

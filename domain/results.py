"""Test results, their artifacts and telemetry as rows: written whole, read as answers show them.

Like a submission's parts they are written in two steps: long values first, then all rows in one go. Reading is the same
the other way round: `read` takes what rows tell, `view` opens blobs when the connection is back in the pool.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg.rows import TupleRow

from domain import audit, cases, outputs, storable, telemetry
from domain.blobs import BlobStore
from domain.db import Connection
from domain.gathering import gathered, scattered, split
from domain.inserting import MOST_ROWS, Row
from domain.inserting import insert as insert_rows
from domain.limits import MAX_SHOWN_BYTES, MAX_SHOWN_TOGETHER_BYTES, MIN_SHOWN_BYTES
from domain.model import Artifact, Claim, ExecutionTelemetry, TestResult
from domain.verdict import Verdict
from domain.views import ResultView

_JUDGED = ("ordinal", "verdict", "reason", "message", "exit_code", "exit_signal", *telemetry.USAGE, "points")
_STDOUT, _STDERR, _SAID = map(outputs.columns, ("stdout", "stderr", "interaction"))
RESULT = (*_JUDGED, "artifacts_cut", "cached", "judge_message", *_STDOUT, *_STDERR, *_SAID)
ARTIFACT = ("ordinal", "path", "size_bytes", "sha256", "truncated")
RUN = ("kind", "ordinal", *telemetry.RUN)

TOTALLED = ("points", "cpu_time_ms", "wall_time_ms", "memory_bytes", "usage_source")


def totals(unwritten: str = "", points: str = "NULL::double precision") -> str:
    """Give what sets an execution `e`'s totals from its results: to be set when it ends, whoever ends it.

    `points` are taken where they are not null: those of test groups, which are no mere sum. `unwritten` are results
    that the same statement writes, and so does not see: more of TOTALLED, to be asked for. Of the two sources of usage
    the greater word is `sampled`, the weaker one.
    """
    written = f"SELECT {', '.join(TOTALLED)} FROM test_results WHERE execution_id = e.id"
    found = f"({written} UNION ALL {unwritten}) AS r" if unwritten else f"({written}) AS r"
    return f"""
        points = coalesce({points}, CASE WHEN EXISTS (
            SELECT FROM ({cases.of_execution("e")}) AS t WHERE t.points IS NOT NULL
        ) THEN (SELECT coalesce(sum(r.points), 0) FROM {found}) END),
        (cpu_time_ms, wall_time_ms, memory_bytes, usage_source) = (
            SELECT sum(r.cpu_time_ms), sum(r.wall_time_ms), max(r.memory_bytes), max(r.usage_source) FROM {found}
        )
    """


_UNLESS_HIDDEN = "NOT t.is_hidden AND "
# Outputs of hidden and skipped test cases are not read, and do not count: how much of the others is shown must not tell
# of hidden ones. Of an inline value no more than what is shown leaves the database.
_READ = f"""
    WITH known AS (
        SELECT r.*, {_UNLESS_HIDDEN}r.verdict IS NOT NULL AS has_output
        FROM test_results AS r JOIN ({cases.of_execution("e")}) AS t USING (ordinal)
        WHERE r.execution_id = e.id
    ), counted AS (
        SELECT *, sum(
                least(stdout_size_bytes, {MAX_SHOWN_BYTES}) + least(stderr_size_bytes, {MAX_SHOWN_BYTES})
                + least(coalesce(interaction_size_bytes, 0), {MAX_SHOWN_BYTES})
            )
            FILTER (WHERE has_output)
            OVER (ORDER BY ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS shown_before
        FROM known
    ), cut AS (
        SELECT *, CASE
            WHEN NOT has_output THEN 0
            WHEN shown_before >= {MAX_SHOWN_TOGETHER_BYTES} THEN {MIN_SHOWN_BYTES}
            ELSE {MAX_SHOWN_BYTES}
        END AS shown_bytes
        FROM counted
    )
    SELECT {", ".join(f"cut.{name}" for name in (*_JUDGED, "artifacts_cut", "cached", "has_output", "shown_bytes"))},
        substring(stdout FOR shown_bytes) AS stdout, {", ".join(_STDOUT[1:])},
        substring(stderr FOR shown_bytes) AS stderr, {", ".join(_STDERR[1:])},
        substring(interaction FOR shown_bytes) AS interaction, {", ".join(_SAID[1:])},
        {", ".join(f"t.{name}" for name in telemetry.COUNTED)}
    FROM cut LEFT JOIN telemetry AS t
        ON t.execution_id = e.id AND t.kind = 'test' AND t.ordinal = cut.ordinal
    ORDER BY cut.ordinal
"""
_SHOWN = (*_JUDGED, "artifacts_cut", "cached", "has_output", "shown_bytes", *_STDOUT, *_STDERR, *_SAID)
_ARTIFACTS = f"SELECT {', '.join(ARTIFACT)} FROM artifacts WHERE execution_id = e.id ORDER BY ordinal, path"

PARTS = ", ".join(
    (gathered("results", (*_SHOWN, *telemetry.COUNTED), _READ), gathered("artifacts", ARTIFACT, _ARTIFACTS))
)
REVEALED_PARTS = PARTS.replace(_UNLESS_HIDDEN, "")
"""The same with what is hidden, for those who may see that."""
COLUMNS = (*_SHOWN, *telemetry.COUNTED, *ARTIFACT)
"""What `read` reads of an execution `e`, with PARTS behind FROM."""


@dataclass(frozen=True)
class Rows:
    """The rows of some results, long values already in the blob store; each lacks its execution."""

    ordinals: list[int]
    results: Sequence[Row]
    artifacts: Sequence[Row]
    telemetry: Sequence[Row]
    audit: Sequence[Row]

    @property
    def many(self) -> bool:
        """Whether one statement does not hold them."""
        parts = (self.results, self.artifacts, self.telemetry, self.audit)
        return any(len(rows) > MOST_ROWS for rows in parts)


def prepare(
    claim: Claim, results: Sequence[TestResult], blobs: BlobStore, compiled: ExecutionTelemetry | None = None
) -> Rows:
    """Put long values into the blob store and give the rows to write. Raises OSError where the disk is full.

    With the telemetry of the whole execution, what was counted of its compiler is written too.
    """
    latest = {result.ordinal: result for result in results}
    return Rows(
        ordinals=list(latest),
        results=[_result_row(result, blobs) for result in latest.values()],
        artifacts=[row for result in latest.values() for row in _artifact_rows(result)],
        telemetry=[*_test_runs(latest.values()), *(_compile_run(compiled) if compiled else [])],
        audit=[
            *(entry for one in results for entry in audit.forbidden_calls(claim, str(one.ordinal), one.telemetry)),
            *(audit.forbidden_calls(claim, "compile", compiled.compile) if compiled else []),
        ],
    )


def hold(tx: Connection, guard: str, values: Mapping[str, object], ordinals: Sequence[int], *, lock: str) -> bool:
    """Lock the execution that `guard` (with its `values`) lets pass, and remove earlier results of these test cases.

    One of the values is the execution's `id`.
    False: none passes, nothing is done. One statement for all of it: it is the first of every write of results.
    """
    command = f"""
        WITH held AS (SELECT id FROM executions WHERE {guard} {lock}),
        results AS (
            DELETE FROM test_results AS r USING held WHERE r.execution_id = %(id)s AND r.ordinal = ANY (%(ordinals)s)
        ), runs AS (
            DELETE FROM telemetry AS t USING held
            WHERE t.execution_id = %(id)s AND t.kind = 'test' AND t.ordinal = ANY (%(ordinals)s)
        )
        SELECT FROM held
    """
    return tx.execute(command.encode(), {**values, "ordinals": ordinals}).fetchone() is not None


def insert(tx: Connection, claim: Claim, rows: Rows) -> None:
    """Write results of test cases that have none."""
    own = {"execution_id": claim.execution_id}
    insert_rows(tx, "test_results", {**own, "submission_id": claim.submission_id}, RESULT, rows.results)
    insert_rows(tx, "artifacts", own, ARTIFACT, rows.artifacts)
    insert_rows(tx, "telemetry", own, RUN, rows.telemetry)
    audit.note(tx, rows.audit)


@dataclass(frozen=True)
class Found:
    """What rows tell of an execution's results; blobs are yet to be opened."""

    results: Sequence[TupleRow]
    artifacts: Mapping[int, Sequence[Artifact]]


def read(row: Sequence[object]) -> Found:
    """Read what was recorded so far, in the order of the test cases, as far as rows tell."""
    results, artifacts = split(row, (*_SHOWN, *telemetry.COUNTED), ARTIFACT)
    collected: dict[int, list[Artifact]] = {}
    for ordinal, path, size, sha256, truncated in scattered(artifacts):
        collected.setdefault(ordinal, []).append(Artifact(path, size, sha256.hex(), truncated))
    return Found(scattered(results), collected)


def view(found: Found, blobs: BlobStore) -> tuple[ResultView, ...]:
    """Read what is shown of long outputs from their blobs. Raises BlobMissing."""
    return tuple(_result(row, found, blobs) for row in found.results)


def _test_runs(found: Iterable[TestResult]) -> list[Row]:
    return [
        ("test", result.ordinal, *telemetry.run_values(result.usage, result.telemetry))
        for result in found
        if result.telemetry is not None
    ]


def _compile_run(known: ExecutionTelemetry) -> list[Row]:
    if known.compile is None and known.compile_usage is None:
        return []
    return [("compile", 0, *telemetry.run_values(known.compile_usage, known.compile))]


def _result_row(result: TestResult, blobs: BlobStore) -> Row:
    return (
        result.ordinal,
        result.verdict,
        storable.text(result.reason) if result.reason is not None else None,
        storable.text(result.message),
        result.exit_code,
        result.exit_signal,
        *telemetry.usage_values(result.usage),
        None if result.points is None else float(result.points),
        result.artifacts_cut,
        result.cached,
        storable.text(result.judge_message),
        *outputs.keep(result.stdout, blobs),
        *outputs.keep(result.stderr, blobs),
        *outputs.keep(result.interaction, blobs),
    )


def _artifact_rows(result: TestResult) -> list[Row]:
    return [
        (result.ordinal, storable.text(item.path), item.size_bytes, bytes.fromhex(item.sha256), item.truncated)
        for item in result.artifacts
    ]


def _result(row: TupleRow, found: Found, blobs: BlobStore) -> ResultView:
    named, counted = dict(zip(_SHOWN, row, strict=False)), row[len(_SHOWN) :]
    ordinal, limit, has_output = named["ordinal"], named["shown_bytes"], named["has_output"]
    return ResultView(
        ordinal=ordinal,
        verdict=Verdict(named["verdict"]) if named["verdict"] is not None else None,
        reason=named["reason"],
        exit_code=named["exit_code"],
        exit_signal=named["exit_signal"],
        stdout=outputs.show(named, _STDOUT, limit, blobs) if has_output else None,
        stderr=outputs.show(named, _STDERR, limit, blobs) if has_output else None,
        interaction=outputs.show(named, _SAID, limit, blobs) if has_output else None,
        usage=telemetry.usage(tuple(named[name] for name in telemetry.USAGE)),
        telemetry=telemetry.counted(counted),
        points=named["points"],
        artifacts=tuple(found.artifacts.get(ordinal, ())),
        artifacts_cut=named["artifacts_cut"],
        message=named["message"],
        cached=named["cached"],
    )

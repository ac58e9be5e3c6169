"""An execution as it is added and as answers show it. How its state changes stands in `domain/executions.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from domain import outputs, results, telemetry
from domain.blobs import BlobStore
from domain.gathering import split
from domain.limits import MAX_SHOWN_BYTES
from domain.model import CompileCache, ExecutionCache, ExecutionTelemetry, Phases, RunTelemetry, Usage
from domain.verdict import State, Verdict
from domain.views import ExecutionView

PHASES = tuple(field.name for field in fields(Phases))
COMPILE_OUTPUT = outputs.columns("compile_output")
_COLUMNS = (
    *("id", "number", "state", "verdict", "reason", "attempt", "queued_at", "started_at", "finished_at"),
    *("message", "points", "host", "worker", "versions", "language_metrics", "compile_cache"),
    "execution_cache",
    *telemetry.USAGE,
    *PHASES,
    *COMPILE_OUTPUT,
)


def _named(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in columns)


LATEST = f"""
    executions AS e LEFT JOIN telemetry AS compiling ON compiling.execution_id = e.id AND compiling.kind = 'compile',
    {results.PARTS}
    WHERE e.id = (
        SELECT id FROM executions WHERE submission_id = $1 AND NOT candidate ORDER BY number DESC LIMIT 1
    )
"""
"""FROM what, and where, COLUMNS are those of the current execution of submission `$1`: the last that is no candidate of
a regrade."""
COLUMNS = f"{_named('e', _COLUMNS)}, {_named('compiling', telemetry.RUN)}, results.*, artifacts.*"
"""What `read` reads of an execution."""


def queued(own_id: UUID, number: int, queued_at: datetime) -> ExecutionView:
    """Give an execution that was just added."""
    return ExecutionView(
        id=own_id,
        number=number,
        state=State.QUEUED,
        verdict=None,
        reason=None,
        attempt=0,
        queued_at=queued_at,
        started_at=None,
        finished_at=None,
        compile_output=None,
        telemetry=None,
        results=(),
    )


@dataclass(frozen=True)
class Found:
    """What rows tell of an execution; blobs are yet to be opened."""

    own: DictRow
    compiled: tuple[Usage | None, RunTelemetry | None]
    results: results.Found


def read(row: Sequence[object]) -> Found:
    """Read an execution, as far as rows tell."""
    own, compiled, found = split(row, _COLUMNS, telemetry.RUN, results.COLUMNS)
    return Found(dict(zip(_COLUMNS, own, strict=True)), telemetry.run(compiled), results.read(found))


def view(found: Found, blobs: BlobStore) -> ExecutionView:
    """Read what is shown of long outputs from their blobs. Raises BlobMissing."""
    named = found.own
    return ExecutionView(
        id=named["id"],
        number=named["number"],
        state=State(named["state"]),
        verdict=Verdict(named["verdict"]) if named["verdict"] is not None else None,
        reason=named["reason"],
        attempt=named["attempt"],
        queued_at=named["queued_at"],
        started_at=named["started_at"],
        finished_at=named["finished_at"],
        compile_output=outputs.show(named, COMPILE_OUTPUT, MAX_SHOWN_BYTES, blobs),
        telemetry=_telemetry(found) if named["versions"] is not None else None,
        results=results.view(found.results, blobs),
        message=named["message"],
        points=named["points"],
        usage=telemetry.usage(tuple(named[name] for name in telemetry.USAGE)),
    )


def _telemetry(found: Found) -> ExecutionTelemetry:
    named = found.own
    compile_usage, compiled = found.compiled
    return ExecutionTelemetry(
        phases=Phases(**{name: named[name] for name in PHASES}),
        host=named["host"],
        worker=named["worker"],
        versions=named["versions"],
        compile=compiled,
        compile_usage=compile_usage,
        language_metrics=named["language_metrics"],
        compile_cache=CompileCache(named["compile_cache"]) if named["compile_cache"] is not None else None,
        execution_cache=ExecutionCache(named["execution_cache"]) if named["execution_cache"] is not None else None,
    )

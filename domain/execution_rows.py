"""An execution as it is added and as answers show it. How its state changes stands in `domain/executions.py`."""

from dataclasses import dataclass, fields
from uuid import UUID

from psycopg.rows import DictRow, TupleRow

from domain import outputs, results, telemetry
from domain.blobs import BlobStore
from domain.db import Connection
from domain.ids import new_id
from domain.limits import MAX_SHOWN_BYTES
from domain.model import CompileCache, ExecutionTelemetry, Phases, Priority
from domain.verdict import State, Verdict
from domain.views import ExecutionView

PHASES = tuple(field.name for field in fields(Phases))
COMPILE_OUTPUT = outputs.columns("compile_output")
_COLUMNS = (
    *("id", "number", "state", "verdict", "reason", "attempt", "queued_at", "started_at", "finished_at"),
    *("message", "points", "host", "worker", "versions", "language_metrics", "compile_cache"),
    *telemetry.USAGE,
    *PHASES,
    *COMPILE_OUTPUT,
)


def insert(tx: Connection, submission_id: UUID, priority: Priority) -> ExecutionView:
    """Add the next execution of a submission, queued."""
    own_id = new_id()
    row = tx.execute(
        "INSERT INTO executions (id, submission_id, priority, number)"
        " SELECT %s, %s, %s, coalesce(max(number), 0) + 1 FROM executions WHERE submission_id = %s"
        " RETURNING number, queued_at",
        (own_id, submission_id, priority, submission_id),
    ).fetchone()
    number, queued_at = row or ()
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
    compiled: TupleRow | None
    results: results.Found


def read_latest(tx: Connection, submission_id: UUID) -> Found:
    """Read the current execution of a submission that exists, as far as rows tell."""
    row = tx.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM executions WHERE submission_id = %s ORDER BY number DESC LIMIT 1",
        (submission_id,),
    ).fetchone()
    own = dict(zip(_COLUMNS, row or (), strict=True))
    compiled = tx.execute(
        f"SELECT {', '.join(telemetry.RUN)} FROM telemetry WHERE execution_id = %s AND kind = 'compile'",
        (own["id"],),
    ).fetchone()
    return Found(own, compiled, results.read(tx, own["id"]))


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
    compile_usage, compiled = telemetry.run(found.compiled) if found.compiled is not None else (None, None)
    return ExecutionTelemetry(
        phases=Phases(**{name: named[name] for name in PHASES}),
        host=named["host"],
        worker=named["worker"],
        versions=named["versions"],
        compile=compiled,
        compile_usage=compile_usage,
        language_metrics=named["language_metrics"],
        compile_cache=CompileCache(named["compile_cache"]) if named["compile_cache"] is not None else None,
    )

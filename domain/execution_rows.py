"""An execution as it is added and as it is read back. How its state changes stands in `domain/executions.py`."""

from dataclasses import fields
from uuid import UUID

from psycopg.rows import DictRow

from domain import results, telemetry
from domain.blobs import BlobStore
from domain.db import Connection
from domain.ids import new_id
from domain.model import ExecutionTelemetry, ExecutionView, Phases, Priority
from domain.payload import Payload
from domain.verdict import State, Verdict

PHASES = tuple(field.name for field in fields(Phases))
_COLUMNS = (
    *("id", "number", "state", "verdict", "reason", "attempt", "queued_at", "started_at", "finished_at"),
    *("compile_output", "compile_output_sha256", "message", "points", "host", "worker", "versions", "language_metrics"),
    *telemetry.USAGE,
    *PHASES,
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


def read_latest(tx: Connection, submission_id: UUID, blobs: BlobStore) -> ExecutionView:
    """Read the current execution of a submission that exists. Raises BlobMissing, BlobDamaged."""
    row = tx.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM executions WHERE submission_id = %s ORDER BY number DESC LIMIT 1",
        (submission_id,),
    ).fetchone()
    named = dict(zip(_COLUMNS, row or (), strict=True))
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
        compile_output=Payload(named["compile_output"], named["compile_output_sha256"]).load(blobs),
        telemetry=_telemetry(tx, named) if named["versions"] is not None else None,
        results=results.read(tx, named["id"], blobs),
        message=named["message"],
        points=named["points"],
        usage=telemetry.usage(tuple(named[name] for name in telemetry.USAGE)),
    )


def _telemetry(tx: Connection, named: DictRow) -> ExecutionTelemetry:
    row = tx.execute(
        f"SELECT {', '.join(telemetry.RUN)} FROM telemetry WHERE execution_id = %s AND kind = 'compile'",
        (named["id"],),
    ).fetchone()
    compile_usage, compiled = telemetry.run(row) if row is not None else (None, None)
    return ExecutionTelemetry(
        phases=Phases(**{name: named[name] for name in PHASES}),
        host=named["host"],
        worker=named["worker"],
        versions=named["versions"],
        compile=compiled,
        compile_usage=compile_usage,
        language_metrics=named["language_metrics"],
    )

"""An execution as it is added and as answers show it. How its state changes stands in `domain/executions.py`."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from domain import outputs, results, telemetry
from domain.blobs import BlobStore
from domain.db import Connection, Cursor
from domain.limits import MAX_SHOWN_BYTES
from domain.model import CompileCache, ExecutionTelemetry, Phases
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
    results: results.Found


class Asked(NamedTuple):
    """The questions for an execution, sent together."""

    own: Cursor
    results: results.Asked


def ask_latest(tx: Connection, submission_id: UUID) -> Asked:
    """Ask for the current execution of a submission."""
    which = "(SELECT id FROM executions WHERE submission_id = %s ORDER BY number DESC LIMIT 1)"
    command = f"SELECT {', '.join(_COLUMNS)} FROM executions WHERE id = {which}"
    return Asked(tx.execute(command.encode(), (submission_id,)), results.ask(tx, which, submission_id))


def read(asked: Asked) -> Found | None:
    """Read the current execution of a submission, as far as rows tell; None where there is no such submission."""
    row = asked.own.fetchone()
    if row is None:
        return None
    return Found(dict(zip(_COLUMNS, row, strict=True)), results.read(asked.results))


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
    compile_usage, compiled = found.results.compiled
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

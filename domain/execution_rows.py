"""An execution as it is added and as answers show it. How its state changes stands in `domain/executions.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from domain import outputs, results, telemetry
from domain.blobs import BlobStore
from domain.gathering import gathered, scattered, split
from domain.limits import MAX_SHOWN_BYTES
from domain.model import CompileCache, ExecutionCache, ExecutionTelemetry, Phases, RunTelemetry, Usage
from domain.scoring import GroupScore
from domain.verdict import State, Verdict
from domain.views import Asked, CaseView, ExecutionView

PHASES = tuple(field.name for field in fields(Phases))
COMPILE_OUTPUT = outputs.columns("compile_output")
_COLUMNS = (
    *("id", "number", "state", "verdict", "reason", "attempt", "queued_at", "started_at", "finished_at"),
    *("message", "points", "host", "region", "worker", "versions", "language_metrics", "compile_cache"),
    *("execution_cache", "test_groups"),
    *telemetry.USAGE,
    *PHASES,
    *COMPILE_OUTPUT,
)


def _named(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in columns)


_CASE_VIEW = ("name", "is_hidden", "points", "test_group")
_POSED = gathered(
    "posed",
    _CASE_VIEW,
    f"SELECT {', '.join(_CASE_VIEW)} FROM problem_cases WHERE version_id = e.problem_version_id ORDER BY ordinal",
)
_NUMBER = "(SELECT number FROM problem_versions WHERE id = e.problem_version_id) AS problem_version"


_CURRENT = "current_execution($1)"
_OF_EXECUTION = "execution_id = e.id"
"""In its place the above is said wherever rows are looked for: so each is looked for in one partition only."""


def _latest(parts: str) -> str:
    return f"""
        executions AS e
        LEFT JOIN telemetry AS compiling
            ON compiling.execution_id = {_CURRENT} AND compiling.kind = 'compile',
        {parts.replace(_OF_EXECUTION, f"execution_id = {_CURRENT}")}, {_POSED}
        WHERE e.id = {_CURRENT}
    """


LATEST = _latest(results.PARTS)
"""FROM what, and where, COLUMNS are those of the current execution of submission `$1`: the last that is no candidate of
a regrade."""
REVEALED = _latest(results.REVEALED_PARTS)
"""The same with outputs of hidden test cases."""
COLUMNS = f"{_named('e', _COLUMNS)}, {_named('compiling', telemetry.RUN)}, results.*, artifacts.*, {_NUMBER}, posed.*"
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
    problem_version: int | None
    """The number of the version of a problem that it is graded by; None where test cases were sent."""
    cases: tuple[CaseView, ...]
    """Of that version."""

    def completed(self, asked: Asked) -> Asked:
        """Give what was asked with the test cases that this execution is graded by."""
        if self.problem_version is None:
            return asked
        return replace(asked, test_cases=self.cases, problem_version=self.problem_version)


def read(row: Sequence[object]) -> Found:
    """Read an execution, as far as rows tell."""
    own, compiled, found, (version,), posed = split(
        row, _COLUMNS, telemetry.RUN, results.COLUMNS, ("problem_version",), _CASE_VIEW
    )
    cases = tuple(CaseView(*case) for case in scattered(posed))
    return Found(dict(zip(_COLUMNS, own, strict=True)), telemetry.run(compiled), results.read(found), version, cases)


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
        groups=tuple(_group(**one) for one in named["test_groups"] or ()),
        usage=telemetry.usage(tuple(named[name] for name in telemetry.USAGE)),
    )


def _group(verdict: str | None, **rest: Any) -> GroupScore:
    """Read a group as `domain/ending.py` wrote it."""
    return GroupScore(verdict=None if verdict is None else Verdict(verdict), **rest)


def _telemetry(found: Found) -> ExecutionTelemetry:
    named = found.own
    compile_usage, compiled = found.compiled
    return ExecutionTelemetry(
        phases=Phases(**{name: named[name] for name in PHASES}),
        host=named["host"],
        region=named["region"],
        worker=named["worker"],
        versions=named["versions"],
        compile=compiled,
        compile_usage=compile_usage,
        language_metrics=named["language_metrics"],
        compile_cache=CompileCache(named["compile_cache"]) if named["compile_cache"] is not None else None,
        execution_cache=ExecutionCache(named["execution_cache"]) if named["execution_cache"] is not None else None,
    )

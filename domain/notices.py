"""What is said of an execution that is over: a summary, from which nothing can be learned that a GET would not tell.

No source, no input, no output and no message is in it; of hidden test cases only what they add to the counts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain import cases, telemetry
from domain.db import Database
from domain.gathering import gathered, scattered
from domain.listing import OF_HIDDEN
from domain.model import Usage
from domain.usage import rounded, together
from domain.verdict import Verdict, hidden_reason
from domain.webhooks import Event

Json = dict[str, object]

_SUBMISSION = ("id", "created_at", "language", "priority", "user_id", "problem_id", "metadata")
_EXECUTION = ("id", "number", "state", "verdict", "reason", "points", "queued_at", "started_at", "finished_at")
_RESULT = ("is_hidden", "verdict", *telemetry.USAGE)
_RESULTS = gathered(
    "results",
    _RESULT,
    f"SELECT t.is_hidden, r.verdict, {', '.join(f'r.{name}' for name in telemetry.USAGE)}"
    f" FROM ({cases.of_execution('e')}) AS t"
    " LEFT JOIN test_results AS r ON r.execution_id = e.id AND r.ordinal = t.ordinal ORDER BY t.ordinal",
)
_READ = f"""
    SELECT {", ".join(f"s.{name}" for name in _SUBMISSION)}, {", ".join(f"e.{name}" for name in _EXECUTION)},
        {OF_HIDDEN}, results.*
    FROM executions AS e JOIN submissions AS s ON s.id = e.submission_id, {_RESULTS}
    WHERE e.id = %s
"""


@dataclass(frozen=True)
class Part:
    """What one test case adds."""

    is_hidden: bool
    verdict: Verdict | None
    """None where it was not run."""
    usage: Usage | None


@dataclass(frozen=True)
class Ended:
    """An execution that is over, as far as it is told."""

    submission: Mapping[str, object]
    execution: Mapping[str, object]
    of_hidden: bool
    """Whether verdict and reason are those of a hidden test case."""
    parts: Sequence[Part] = field(default=())


def read(db: Database, execution_id: UUID) -> Ended | None:
    """Read what is told of an execution; None where it was deleted. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.execute(_READ.encode(), (execution_id,)).fetchone()
    if row is None:
        return None
    names, width = (*_SUBMISSION, *_EXECUTION), len(_SUBMISSION)
    values = list(zip(names, row, strict=False))
    parts = [_part(*values) for values in scattered(row[len(names) + 1 :])]
    return Ended(dict(values[:width]), dict(values[width:]), row[len(names)], parts)


def _part(is_hidden: bool, verdict: str | None, *spent: object) -> Part:
    return Part(is_hidden, None if verdict is None else Verdict(verdict), telemetry.usage(spent))


def of_execution(event: Event, ended: Ended) -> bytes:
    """Give the body that tells of the end of an execution: JSON in UTF-8, the same at every attempt."""
    own = ended.submission
    data = {
        **{name: _plain(value) for name, value in own.items()},
        "links": {"self": f"/v1/submissions/{own['id']}"},
        "execution": _execution(ended),
    }
    return _body(event, ended.execution["finished_at"], data)


def of_webhook(webhook_id: UUID | None, at: datetime) -> bytes:
    """Give the body of a ping."""
    return _body(Event.PING, at, {"webhook_id": str(webhook_id)})


def _execution(ended: Ended) -> Json:
    run = [part for part in ended.parts if part.verdict is not None]
    passed = sum(1 for part in run if part.verdict is not None and part.verdict.passed)
    own = {name: _plain(value) for name, value in ended.execution.items()}
    if ended.of_hidden:
        own["reason"] = hidden_reason(_verdict(own["verdict"]), str(own["reason"]))
    return own | {
        "tests_run": len(run),
        "tests_passed": passed,
        "all_tests_passed": passed == len(ended.parts),
        "usage": _usage(run),
    }


def _verdict(text: object) -> Verdict | None:
    return None if text is None else Verdict(str(text))


def _usage(run: Sequence[Part]) -> Json | None:
    spent = together(rounded(part.usage) if part.is_hidden else part.usage for part in run if part.usage is not None)
    if spent is None:
        return None
    counted: Json = {name: getattr(spent, name) for name in ("cpu_time_ms", "wall_time_ms", "memory_bytes")}
    return counted if spent.source == "cgroup" else counted | {"source": spent.source}


def _body(event: Event, at: object, data: Json) -> bytes:
    told = {"type": event.value, "timestamp": _plain(at), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID) else value

"""The result of one test case as bytes, for another worker or another day. Its number is left out.

Its points count only where a checker gave them: else they are what the test case has now.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TypeVar

from domain.model import Artifact, RunTelemetry, TestResult, Usage
from domain.verdict import Verdict

_LENGTH_BYTES = 8
Made = TypeVar("Made")


def packed(result: TestResult) -> bytes:
    """Put a result into bytes: the length of a JSON head, the head, then the outputs."""
    head = {
        "verdict": result.verdict,
        "reason": result.reason,
        "message": result.message,
        "judge_message": result.judge_message,
        "points": result.points,
        "exit_code": result.exit_code,
        "exit_signal": result.exit_signal,
        "usage": asdict(result.usage) if result.usage is not None else None,
        "telemetry": asdict(result.telemetry) if result.telemetry is not None else None,
        "artifacts": [asdict(item) for item in result.artifacts],
        "artifacts_cut": result.artifacts_cut,
        "outputs": [len(result.stdout), len(result.stderr)],
        "interaction": None if result.interaction is None else len(result.interaction),
    }
    text = json.dumps(head).encode()
    outputs = (result.stdout, result.stderr, result.interaction or b"")
    return b"".join([len(text).to_bytes(_LENGTH_BYTES), text, *outputs])


def unpacked(data: bytes) -> TestResult:
    """Read such bytes; its number is still that of no test case. Raises KeyError, TypeError, ValueError."""
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES])
    head = json.loads(data[_LENGTH_BYTES:start])
    stdout_bytes, stderr_bytes = head["outputs"]
    said_at = start + stdout_bytes + stderr_bytes
    if said_at + (head["interaction"] or 0) != len(data):
        raise ValueError("what was kept is not as long as its head says")
    return TestResult(
        ordinal=0,
        verdict=Verdict(head["verdict"]),
        reason=head["reason"],
        message=head["message"],
        judge_message=head["judge_message"],
        points=head["points"],
        exit_code=head["exit_code"],
        exit_signal=head["exit_signal"],
        stdout=data[start : start + stdout_bytes],
        stderr=data[start + stdout_bytes : said_at],
        interaction=None if head["interaction"] is None else data[said_at:],
        usage=_made(Usage, head["usage"]),
        telemetry=_made(RunTelemetry, head["telemetry"]),
        artifacts=tuple(Artifact(**item) for item in head["artifacts"]),
        artifacts_cut=head["artifacts_cut"],
    )


def _made(kind: Callable[..., Made], fields: Mapping[str, object] | None) -> Made | None:
    return None if fields is None else kind(**fields)

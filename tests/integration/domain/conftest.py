"""An execution that is claimed, and its results."""

from collections.abc import Callable

import pytest

from domain import executions
from domain.blobs import BlobStore
from domain.db import Database
from domain.model import (
    Artifact,
    Claim,
    ExecutionTelemetry,
    Outcome,
    Phases,
    RunTelemetry,
    SubmissionView,
    TestResult,
    Usage,
)
from domain.verdict import Verdict

Take = Callable[..., Claim]


@pytest.fixture
def take(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> Take:
    """Submit something, or take what was submitted, and claim it."""

    def claim(view: SubmissionView | None = None, worker: str = "worker-1", lease_s: int = 30) -> Claim:
        execution_id = (view or submit()).execution.id
        claimed = executions.claim(db, blobs, execution_id, worker=worker, lease_s=lease_s)
        assert claimed is not None
        return claimed

    return claim


@pytest.fixture
def expire(rows: Callable[..., object]) -> Callable[[], None]:
    """End every lease, as if the time had passed."""
    return lambda: (
        rows("UPDATE executions SET lease_until = now() - interval '1 ms' WHERE lease_until IS NOT NULL") and None
    )


COUNTED = RunTelemetry(
    cpu_user_ms=1,
    cpu_system_ms=2,
    pids_peak=3,
    page_faults=4,
    page_faults_major=0,
    context_switches=6,
    cpu_migrations=7,
    bytes_read=8,
    bytes_written=9,
    system_calls=10,
    network_bytes=None,
    disk_bytes=2**40,
    slot=1,
    prepare_us=13,
    mode="cold",
    sources={"cpu": "cgroup"},
)
RESULT = TestResult(
    ordinal=0,
    verdict=Verdict.AC,
    exit_code=0,
    stdout=b"\0\xff",
    stderr=b"warning",
    usage=Usage(10, 20, 3000),
    telemetry=COUNTED,
    points=4,
    artifacts=(Artifact("out/a.png", 3, "ab" * 32), Artifact("out/b.png", 0, "cd" * 32, truncated=True)),
    message="well done",
)
SECOND = TestResult(
    ordinal=1, verdict=Verdict.RTE, reason="signal:11", exit_signal=11, usage=Usage(1, 2, 5000, "sampled")
)
OUTCOME = Outcome(
    verdict=Verdict.RTE,
    reason="signal:11",
    telemetry=ExecutionTelemetry(
        phases=Phases(1, 2, None, 4, 5, 6),
        host="host-1",
        worker="worker-1",
        versions={"nsjail": "3.6"},
        compile=COUNTED,
        compile_usage=Usage(100, 200, None),
        language_metrics={"gc": 3, "vm": "hotspot"},
    ),
    compile_output=b"warning: \xff",
    message="it crashed",
)

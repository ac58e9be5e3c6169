"""What may be graded, and what it may come to: results and an outcome with every field set."""

from domain.model import (
    Artifact,
    CompileCache,
    ExecutionCache,
    ExecutionTelemetry,
    File,
    Outcome,
    Phases,
    RunTelemetry,
    Submission,
    TestCase,
    TestResult,
    Usage,
)
from domain.verdict import Verdict

HELLO = Submission("python", (File("main.py", b"print('hello')\n"),), "main.py", (TestCase(0, "1"), TestCase(1, "2")))

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
    artifacts_cut=True,
    message="well done",
    cached=True,
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
        compile_cache=CompileCache.HIT,
        execution_cache=ExecutionCache.PARTIAL,
    ),
    compile_output=b"warning: \xff",
    message="it crashed",
)

"""What of a run is kept to be told again: what a program came to by itself, far from its limits, and as it was."""

from dataclasses import replace

import pytest

from domain.limits import Constraints
from domain.model import Artifact, RunTelemetry, TestResult, Usage
from domain.verdict import Verdict
from tests.unit.workers.making import ONLY, planned
from workers.execution_cache import may_be_kept
from workers.packing import packed, unpacked

MIB = 1 << 20
PLAN = planned(constraints=Constraints(timeout_ms=1100, wall_timeout_ms=2200, memory_mb=110, processes=8))
FAR = TestResult(
    0,
    Verdict.AC,
    exit_code=0,
    stdout=b"\0\xff",
    stderr=b"warning",
    usage=Usage(1000, 2000, 100 * MIB),
    telemetry=RunTelemetry(cpu_user_ms=1, pids_peak=7, hash_seed=5, sources={"cpu": "cgroup"}),
    points=4,
    artifacts=(Artifact("a/b.png", 3, "ab" * 32, truncated=True),),
    artifacts_cut=True,
    message="well done",
    judge_message="for the author",
)


def test_it_comes_back_as_it_was() -> None:
    assert unpacked(packed(FAR)) == FAR


def test_what_is_far_from_its_limits_is_kept() -> None:
    assert may_be_kept(PLAN, ONLY, FAR)


@pytest.mark.parametrize("verdict", [Verdict.AC, Verdict.WA, Verdict.OK])
def test_what_a_program_came_to_by_itself_is_kept(verdict: Verdict) -> None:
    assert may_be_kept(PLAN, ONLY, replace(FAR, verdict=verdict))
    assert may_be_kept(PLAN, ONLY, replace(FAR, verdict=Verdict.RTE, reason="exit:3"))


@pytest.mark.parametrize(
    "other",
    [
        *(replace(FAR, verdict=verdict) for verdict in (Verdict.TLE, Verdict.MLE, Verdict.OLE, Verdict.JE, None)),
        *(replace(FAR, verdict=Verdict.RTE, reason=reason) for reason in ("signal:9", "processes", "syscall:ptrace")),
        replace(FAR, exit_code=None, exit_signal=9),
        replace(FAR, usage=None),
        replace(FAR, usage=Usage(1000, 2000, None)),
        replace(FAR, usage=Usage(1001, 2000, MIB)),
        replace(FAR, usage=Usage(1000, 2001, MIB)),
        replace(FAR, usage=Usage(1000, 2000, 100 * MIB + 1)),
        replace(FAR, telemetry=None),
        replace(FAR, telemetry=RunTelemetry(pids_peak=8)),
        replace(FAR, telemetry=RunTelemetry(denied_syscalls={"ptrace": 1})),
    ],
)
def test_what_may_go_another_way_is_not_kept(other: TestResult) -> None:
    assert not may_be_kept(PLAN, ONLY, other)

"""One test case: filled, run, collected, and run again where it just missed its time."""

import errno
import math
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from domain.limits import Constraints
from domain.model import File, RunTelemetry, TestCase, TestResult, Usage
from domain.verdict import Verdict
from sandbox import Cause, Counters, RunResult, SandboxError
from sandbox.fake import SPENT, FakeJail, FakeSandbox, ended, in_turn
from tests.unit.workers.making import ONLY, bench, planned
from workers.compile import Compiled
from workers.run import Bench, is_doubtful, just_missed, out_of_time, points, run_test_case, skipped
from workers.spread import Spread
from workers.work import Work

MIB = 1 << 20


def test_it_runs_the_program_with_all_it_should_have(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    case = TestCase(3, "fourth", b"in", (File("data/in.txt", b"x", 0o600),), ("c",), timeout_ms=500)
    made = planned(arguments=("a", "b"), constraints=Constraints(memory_mb=64, output_kb=2, processes=7, disk_mb=3))
    result = run_test_case(bench(sandbox, tmp_path, made), case)
    [jail] = sandbox.jails
    assert jail.command.line == ("/usr/bin/python3", "-B", "./main.py", "a", "b", "c")
    assert (jail.command.stdin, jail.command.policy) == (b"in", "python")
    assert (jail.limits.cpu_time_ms, jail.limits.wall_time_ms, jail.limits.memory_bytes) == (500, 2000, 64 * MIB)
    assert (jail.limits.output_bytes, jail.limits.processes) == (2048, 7)
    assert jail.box.files == {"main.py": b"print('hello')\n", "data/in.txt": b"x"}
    assert jail.box.modes == {"main.py": 0o644, "data/in.txt": 0o600}
    assert (jail.on_disk, jail.mounts) == (False, ())
    assert (result.ordinal, result.verdict) == (3, Verdict.OK)


def test_each_test_case_has_a_jail_of_its_own(tmp_path: Path) -> None:
    def leave_something(jail: FakeJail) -> RunResult:
        assert "left.txt" not in jail.box.files
        jail.box.write("left.txt", b"")
        return SPENT

    sandbox = FakeSandbox(leave_something)
    where = bench(sandbox, tmp_path)
    for number in range(2):
        run_test_case(where, TestCase(number, str(number)))
    assert len(sandbox.jails) == 2


def test_a_large_box_is_on_disk(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    run_test_case(bench(sandbox, tmp_path, planned(constraints=Constraints(disk_mb=257, memory_mb=1024))), ONLY)
    assert sandbox.jails[0].on_disk
    assert sandbox.jails[0].disk_bytes > 257 * MIB


def test_it_tells_all_that_was_found(tmp_path: Path) -> None:
    seen = Counters(cpu_user_us=1999, cpu_system_us=0, pids_peak=2, sources={"pids_peak": "cgroup"})
    found = replace(ended(3, stdout=b"\0\xff", stderr=b"oops"), counters=seen, prepare_us=77)
    result = run_test_case(bench(FakeSandbox(in_turn(found)), tmp_path), replace(ONLY, points=5))
    assert result == TestResult(
        ordinal=0,
        verdict=Verdict.RTE,
        reason="exit:3",
        exit_code=3,
        stdout=b"\0\xff",
        stderr=b"oops",
        usage=Usage(1, 2, MIB),
        telemetry=RunTelemetry(
            cpu_user_ms=1,
            cpu_system_ms=0,
            pids_peak=2,
            slot=0,
            prepare_us=77,
            mode="cold",
            sources={"pids_peak": "cgroup"},
        ),
        points=0,
    )


def test_it_collects_what_was_asked_for(tmp_path: Path) -> None:
    def write(jail: FakeJail) -> RunResult:
        jail.box.write("out/a.png", b"picture")
        return SPENT

    where = bench(FakeSandbox(write), tmp_path, planned(outputs=("out/*.png",)))
    [artifact] = run_test_case(where, ONLY).artifacts
    assert (artifact.path, artifact.size_bytes) == ("out/a.png", 7)
    assert where.blobs.get(artifact.sha256) == b"picture"


def test_the_artifact_is_run_where_there_was_a_compiler(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    made = planned("java", (File("Main.java", b""),), entry_point=None)
    where = replace(bench(sandbox, tmp_path, made), compiled=Compiled((File("classes/a/B.class", b"x"),), "a.B"))
    run_test_case(where, ONLY)
    assert sandbox.jails[0].box.files == {"classes/a/B.class": b"x"}
    assert sandbox.jails[0].command.argv[-1] == "a.B"
    assert sandbox.jails[0].mounts == ("/etc/java-17-openjdk",)


def test_an_interpreter_that_does_not_start_is_our_fault(tmp_path: Path) -> None:
    sandbox = FakeSandbox(in_turn(replace(ended(127), exec_errno=errno.ENOENT)))
    with pytest.raises(SandboxError, match="/usr/bin/python3 cannot be started: No such file"):
        run_test_case(bench(sandbox, tmp_path), ONLY)


@pytest.mark.parametrize("number", [errno.E2BIG, errno.ENOMEM, errno.EAGAIN])
def test_too_little_to_start_with_is_the_program_s_fault(tmp_path: Path, number: int) -> None:
    sandbox = FakeSandbox(in_turn(replace(ended(127), exec_errno=number)))
    assert run_test_case(bench(sandbox, tmp_path), ONLY).reason == "exit:127"


def test_a_program_of_its_own_that_does_not_start_is_its_fault(tmp_path: Path) -> None:
    sandbox = FakeSandbox(in_turn(replace(ended(127), exec_errno=errno.ENOEXEC)))
    assert run_test_case(bench(sandbox, tmp_path, planned("c", (File("main.c", b""),))), ONLY).reason == "exit:127"


def test_files_that_do_not_fit_the_box_are_our_fault(tmp_path: Path) -> None:
    sources = (File("main.py", b""), File("a", b""), File("a/b", b""))
    with pytest.raises(SandboxError, match="'a/b' cannot be put into the box: Not a directory"):
        run_test_case(bench(FakeSandbox(), tmp_path, planned(sources=sources)), ONLY)


def late(cpu_ms: int, wall_ms: int, cause: Cause = Cause.CPU) -> RunResult:
    timed = {"cpu_time_us": cpu_ms * 1000, "wall_time_us": wall_ms * 1000}
    return replace(ended(cause=cause, exit_signal=signal.SIGKILL), **timed)  # type: ignore[arg-type]


LIMITED = replace(ONLY, timeout_ms=1000)  # wall: 3000


def confirmed(where: Bench) -> TestResult:
    """What is found of LIMITED where nothing else runs for its execution."""
    with Spread(where, Work((LIMITED,), stop_on_first_failure=False), lambda step: step(), math.inf) as spread:
        [result] = spread.results()
    return result


@pytest.mark.parametrize(
    ("result", "near"),
    [
        (late(1001, 1100), True),
        (late(1100, 1100), True),
        (late(1101, 1100), False),
        (late(10, 3300, Cause.WALL), True),
        (late(10, 3301, Cause.WALL), False),
        (ended(0), False),
        (ended(cause=Cause.MEMORY, exit_signal=9), False),
    ],
)
def test_a_near_miss_on_a_busy_host_is_run_again(tmp_path: Path, result: RunResult, near: bool) -> None:
    sandbox = FakeSandbox(in_turn(result), busy=True)
    final = confirmed(bench(sandbox, tmp_path))
    assert len(sandbox.jails) == (2 if near else 1)
    assert (final.verdict is Verdict.OK) == (near or result.exit_code == 0)


def test_a_near_miss_on_an_idle_host_stands(tmp_path: Path) -> None:
    sandbox = FakeSandbox(in_turn(late(1001, 1100)))
    assert confirmed(bench(sandbox, tmp_path)).verdict is Verdict.TLE
    assert len(sandbox.jails) == 1


@pytest.mark.parametrize(
    ("result", "doubtful"), [(late(1001, 1100), True), (late(5000, 5000), True), (ended(0), False), (ended(1), False)]
)
def test_beside_others_of_ours_every_tle_is_in_doubt(tmp_path: Path, result: RunResult, *, doubtful: bool) -> None:
    where = bench(FakeSandbox(in_turn(result)), tmp_path)
    assert is_doubtful(where, LIMITED, run_test_case(where, LIMITED), disturbed=True) == doubtful


def test_what_was_typed_is_not_typed_again(tmp_path: Path) -> None:
    sandbox = FakeSandbox(in_turn(late(1001, 1100)), busy=True)
    asked = planned(constraints=Constraints(timeout_ms=1000), interactive=True)
    assert confirmed(bench(sandbox, tmp_path, asked)).verdict is Verdict.TLE
    assert len(sandbox.jails) == 1


def test_what_was_never_run_is_not_in_doubt(tmp_path: Path) -> None:
    assert not is_doubtful(bench(FakeSandbox(), tmp_path), LIMITED, out_of_time(LIMITED), disturbed=True)


@pytest.mark.parametrize(("first", "second"), [(1001, 1050), (1050, 1001)])
def test_of_two_misses_the_lower_time_counts(tmp_path: Path, first: int, second: int) -> None:
    sandbox = FakeSandbox(in_turn(late(first, 2000), late(second, 2000)), busy=True)
    result = confirmed(bench(sandbox, tmp_path))
    assert (result.verdict, result.usage and result.usage.cpu_time_ms) == (Verdict.TLE, 1001)


def test_a_result_without_usage_missed_nothing() -> None:
    assert just_missed(planned(), LIMITED, TestResult(0, Verdict.TLE, "cpu"))
    assert not just_missed(planned(), LIMITED, TestResult(0, Verdict.AC))


@pytest.mark.parametrize(
    ("verdict", "earned"),
    [(Verdict.AC, 5), (Verdict.OK, 5), (Verdict.WA, 0), (Verdict.TLE, 0), (Verdict.JE, 0), (None, 0)],
)
def test_points_are_earned_whole_or_not_at_all(verdict: Verdict | None, earned: int) -> None:
    assert points(replace(ONLY, points=5), verdict) == earned
    assert points(ONLY, verdict) is None


def test_what_was_not_run_says_so() -> None:
    case = replace(ONLY, ordinal=4, points=5)
    assert skipped(case) == TestResult(4, None, "skipped", points=0)
    assert (out_of_time(case).verdict, out_of_time(case).reason, out_of_time(case).points) == (Verdict.TLE, "wall", 0)

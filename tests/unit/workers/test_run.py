"""The table of docs/semantics.md: from what a run came to, and what was expected of it, to a verdict."""

import errno
import signal
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from domain.limits import Constraints
from domain.model import Checker, CheckerType, Expectation, File, RunTelemetry, TestCase, TestResult, Usage
from domain.verdict import Verdict
from sandbox import Cause, Counters, RunResult, SandboxError
from sandbox.fake import SPENT, FakeBox, FakeJail, FakeSandbox, ended, in_turn
from tests.unit.workers.making import ONLY, bench, expecting, planned
from workers.compile import Compiled
from workers.run import Judgement, judge, just_missed, out_of_time, points, run_test_case, skipped

MIB = 1 << 20


def judged(
    result: RunResult, case: TestCase = ONLY, checker: CheckerType = CheckerType.TOKENS
) -> tuple[str, str | None]:
    box = FakeBox(MIB, {"right.txt": b"1 2\n", "wrong.txt": b"3\n"})
    judgement = judge(planned(checker=Checker(checker)), case, result, box)
    return judgement.verdict.value, judgement.reason


ENDED_BY = {
    "MLE memory": ended(cause=Cause.MEMORY, exit_signal=signal.SIGKILL),
    "OLE stdout": ended(cause=Cause.STDOUT, exit_signal=signal.SIGKILL),
    "OLE stderr": ended(cause=Cause.STDERR, exit_signal=signal.SIGKILL),
    "OLE file": ended(cause=Cause.FILE, exit_signal=signal.SIGXFSZ),
    "TLE cpu": ended(cause=Cause.CPU, exit_signal=signal.SIGKILL),
    "TLE wall": ended(cause=Cause.WALL, exit_signal=signal.SIGKILL),
    "RTE syscall:ptrace": replace(ended(cause=Cause.SYSCALL, exit_signal=signal.SIGKILL), denied_syscall="ptrace"),
    "RTE processes": ended(cause=Cause.PROCESSES, exit_signal=signal.SIGABRT),
    "RTE signal:11": ended(cause=Cause.SIGNAL, exit_signal=signal.SIGSEGV),
    "RTE signal:9": ended(cause=Cause.SIGNAL, exit_signal=signal.SIGKILL),
    "RTE signal:34": ended(cause=Cause.SIGNAL, exit_signal=34),
}
"""Ways to end that no expectation can make good."""

WHATEVER = [
    expecting(),
    expecting(b""),
    expecting(b"something else"),
    expecting(exit_code=0),
    expecting(exit_code=9),
    expecting(exit_code=11),
    expecting(exit_code=139),
    expecting(b"", 139, right=b"1 2"),
]


@pytest.mark.parametrize(("verdict", "case"), [*product(ENDED_BY, WHATEVER)])
def test_what_ended_it_comes_before_what_was_expected(verdict: str, case: TestCase) -> None:
    assert " ".join(filter(None, judged(ENDED_BY[verdict], case))) == verdict


@pytest.mark.parametrize("cause", [Cause.MEMORY, Cause.STDOUT, Cause.STDERR, Cause.CPU, Cause.WALL])
def test_a_limit_that_was_passed_counts_even_if_it_ended_by_itself(cause: Cause) -> None:
    verdict, reason = judged(ended(0, cause=cause, stdout=b"1"), expecting(b"1", 0))
    assert verdict in {"MLE", "OLE", "TLE"}
    assert reason == cause.value


@pytest.mark.parametrize(
    ("actual", "expected", "verdict", "reason"),
    [
        (0, None, "OK", None),
        (0, 0, "AC", None),
        (0, 7, "WA", "exit:0"),
        (1, None, "RTE", "exit:1"),
        (1, 0, "RTE", "exit:1"),
        (1, 7, "RTE", "exit:1"),
        (7, 7, "AC", None),
        (255, None, "RTE", "exit:255"),
        (137, None, "RTE", "exit:137"),
        (127, None, "RTE", "exit:127"),
    ],
)
def test_the_exit_code_alone(actual: int, expected: int | None, verdict: str, reason: str | None) -> None:
    assert judged(ended(actual), expecting(exit_code=expected)) == (verdict, reason)


@pytest.mark.parametrize(
    ("expected", "verdict", "reason"),
    [(None, "RTE", "processes"), (0, "RTE", "processes"), (7, "RTE", "processes"), (1, "AC", None)],
)
def test_a_refused_fork_counts_unless_the_exit_is_the_expected_one(
    expected: int | None, verdict: str, reason: str | None
) -> None:
    assert judged(ended(1, cause=Cause.PROCESSES), expecting(exit_code=expected)) == (verdict, reason)


@pytest.mark.parametrize(
    ("case", "verdict", "reason"),
    [
        (expecting(b"1 2"), "AC", None),
        (expecting(b"1 3"), "WA", "stdout"),
        (expecting(b""), "WA", "stdout"),
        (expecting(b"1 2", 0), "AC", None),
        (expecting(right=b"1 2"), "AC", None),
        (expecting(wrong=b"1 2"), "WA", "file:wrong.txt"),
        (expecting(missing=b"1 2"), "WA", "file:missing.txt"),
        (expecting(missing=b""), "WA", "file:missing.txt"),
        (expecting(b"1 2", right=b"1 2"), "AC", None),
        (expecting(b"1 3", wrong=b"1 2"), "WA", "stdout"),
        (expecting(b"1 2", right=b"1 2", wrong=b"1 2", missing=b""), "WA", "file:wrong.txt"),
    ],
)
def test_what_it_wrote(case: TestCase, verdict: str, reason: str | None) -> None:
    assert judged(ended(stdout=b"1 2\n", stderr=b"never compared"), case) == (verdict, reason)


def test_an_expected_exit_code_goes_on_to_comparing() -> None:
    assert judged(ended(7, stdout=b"1"), expecting(b"1", 7)) == ("AC", None)
    assert judged(ended(7, stdout=b"2"), expecting(b"1", 7)) == ("WA", "stdout")


def test_a_crash_after_the_right_output_is_a_crash() -> None:
    assert judged(ended(1, stdout=b"1"), expecting(b"1")) == ("RTE", "exit:1")


def test_nothing_expected_but_nothing_is_an_expectation() -> None:
    assert judged(ended(), expecting(b"")) == ("AC", None)
    assert judged(ended(stdout=b"x"), TestCase(0, "only", expected=Expectation())) == ("OK", None)


@pytest.mark.parametrize(("checker", "verdict"), [(CheckerType.EXACT, "WA"), (CheckerType.LINES, "AC")])
def test_the_checker_counts_for_stdout_and_files_alike(checker: CheckerType, verdict: str) -> None:
    assert judged(ended(stdout=b"1 2\n"), expecting(b"1 2"), checker)[0] == verdict
    assert judged(ended(), expecting(right=b"1 2"), checker)[0] == verdict


def test_a_file_is_read_well_beyond_what_is_expected_and_no_further() -> None:
    made = planned(constraints=Constraints(output_kb=1))
    for size, verdict in ((MIB, Verdict.AC), (MIB + 3, Verdict.WA)):
        box = FakeBox(4 * MIB, {"out.txt": b"1" + b" " * size})
        assert judge(made, expecting(out=b"1"), ended(), box).verdict is verdict


@pytest.mark.parametrize(
    ("result", "case", "message"),
    [
        (ended(cause=Cause.SIGNAL, exit_signal=signal.SIGSEGV), ONLY, "SIGSEGV"),
        (ended(cause=Cause.SIGNAL, exit_signal=99), ONLY, ""),
        (ended(1, cause=Cause.PROCESSES), ONLY, "more than 64 at a time"),
        (ended(0), expecting(exit_code=3), "exited 0 where 3 was expected"),
        (ended(0), expecting(out=b""), "the expected file out.txt is missing"),
    ],
)
def test_a_sentence_says_more_where_there_is_more_to_say(result: RunResult, case: TestCase, message: str) -> None:
    assert judge(planned(), case, result, FakeBox(MIB)).message == message


def test_it_runs_the_program_with_all_it_should_have(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    case = TestCase(3, "fourth", b"in", (File("data/in.txt", b"x", 0o600),), ("c",), timeout_ms=500)
    made = planned(arguments=("a", "b"), constraints=Constraints(memory_mb=64, output_kb=2, processes=7, disk_mb=3))
    result = run_test_case(bench(sandbox, tmp_path, made), case)
    [jail] = sandbox.jails
    assert jail.command.argv == ("/usr/bin/python3", "-B", "./main.py", "a", "b", "c")
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
    final = run_test_case(bench(sandbox, tmp_path), LIMITED)
    assert len(sandbox.jails) == (2 if near else 1)
    assert (final.verdict is Verdict.OK) == (near or result.exit_code == 0)


def test_a_near_miss_on_an_idle_host_stands(tmp_path: Path) -> None:
    sandbox = FakeSandbox(in_turn(late(1001, 1100)))
    assert run_test_case(bench(sandbox, tmp_path), LIMITED).verdict is Verdict.TLE
    assert len(sandbox.jails) == 1


@pytest.mark.parametrize(("first", "second"), [(1001, 1050), (1050, 1001)])
def test_of_two_misses_the_lower_time_counts(tmp_path: Path, first: int, second: int) -> None:
    sandbox = FakeSandbox(in_turn(late(first, 2000), late(second, 2000)), busy=True)
    result = run_test_case(bench(sandbox, tmp_path), LIMITED)
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


def test_a_judgement_needs_no_reason() -> None:
    assert Judgement(Verdict.AC) == Judgement(Verdict.AC, None, "")

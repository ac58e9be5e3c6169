"""The step before a run: what is looked at, and what becomes of each way in which a check ends."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

from domain.blobs import BlobStore
from domain.errors import InvalidRequest
from domain.model import Expectation, File, TestCase
from domain.settings import TREE
from domain.static_checks import StaticChecks
from domain.verdict import State, Verdict
from sandbox import Cause, RunResult, SandboxError
from sandbox.fake import FakeJail, FakeSandbox, ended, in_turn
from tests.unit.workers.grading import Make, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import HELLO, asking, planned
from workers.check_python import FOUND
from workers.compile import CompileError
from workers.prepare import Plan
from workers.static_check import Checked, applying, check_sources

CHECKS = StaticChecks.load(TREE / "jail-configs" / "static")
BASIC = CHECKS.choose("basic")
FINE = ended(0, stdout=b"checked 1\n")
WRONG = ended(FOUND, stdout=b"main.py:3: import of 'os' is not allowed (rule imports)\nb.py:1: x (rule names)\n")


def check(made: Plan, sandbox: FakeSandbox) -> Checked:
    with sandbox.slot() as slot:
        return check_sources(sandbox, slot, BASIC, made, BlobStore(Path("none")))


def asked(jail: FakeJail) -> dict[str, object]:
    found = json.loads(jail.box.files["ask.json"])
    assert isinstance(found, dict)
    return found


def test_it_works() -> None:
    sandbox = FakeSandbox(in_turn(FINE))
    made = check(planned(), sandbox)

    assert made.files == HELLO
    assert (made.output, made.metrics) == (None, None)
    assert made.usage is not None
    assert made.telemetry is not None
    [jail] = sandbox.jails
    assert jail.command.argv == ("/usr/bin/python3", "-I", "-S", "-B", "./check_python.py")
    assert (jail.command.policy, jail.network) == ("check", None)
    assert (jail.limits.cpu_time_ms, jail.limits.processes) == (BASIC.limits.cpu_time_ms, 1)
    assert jail.box.files["files/0"] == HELLO[0].content


def test_what_is_found_is_a_compile_error() -> None:
    with pytest.raises(CompileError) as raised:
        check(planned(), FakeSandbox(in_turn(WRONG)))
    assert raised.value.reason == "policy"
    assert raised.value.output == WRONG.stdout
    assert raised.value.message == "main.py:3: import of 'os' is not allowed (rule imports) (and 1 more)"
    assert raised.value.usage.cpu_time_ms == 1


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (ended(0, stdout=b""), "exit code 0"),
        (ended(0, stdout=b"checked 2\n"), "exit code 0"),
        (ended(1, stdout=b"checked 1\n", stderr=b"RecursionError"), "exit code 1"),
        (ended(FOUND, stdout=b""), "exit code 3"),
        (ended(cause=Cause.SIGNAL, exit_signal=11), "signal"),
        (ended(0, cause=Cause.MEMORY, stdout=b"checked 1\n"), "memory"),
        (ended(cause=Cause.CPU, exit_signal=9), "cpu"),
        (ended(cause=Cause.WALL, exit_signal=9), "wall"),
        (ended(cause=Cause.STDOUT, exit_signal=9), "stdout"),
        (ended(cause=Cause.STDERR, exit_signal=9), "stderr"),
        (replace(ended(cause=Cause.SYSCALL, exit_signal=9), denied_syscall="socket"), "syscall"),
        (replace(ended(127), exec_errno=errno.ENOMEM), "exit code 127"),
    ],
)
def test_what_cannot_be_checked_is_refused(result: RunResult, why: str) -> None:
    with pytest.raises(CompileError) as raised:
        check(planned(), FakeSandbox(in_turn(result)))
    assert raised.value.reason == "policy"
    assert "too complex to be checked" in raised.value.message
    assert f"({why}" in raised.value.message or f"{why})" in raised.value.message


def test_an_interpreter_that_is_missing_is_our_fault() -> None:
    with pytest.raises(SandboxError, match="/usr/bin/python3 cannot be started"):
        check(planned(), FakeSandbox(in_turn(replace(ended(127), exec_errno=errno.ENOENT))))


def test_everything_that_could_run_is_looked_at() -> None:
    cases = (
        TestCase(0, "a", files=(File("main.py", b"in its place"), File("data.txt", b"")), is_hidden=True),
        TestCase(1, "b", files=(File("main.py", b"in its place"), File("only_here.py", b"x"))),
    )
    sources = (File("main.py", b"1"), File("sub/x.so", b"2"), File("notes.md", b"3"), File("start", b"4"))
    sandbox = FakeSandbox(in_turn(ended(0, stdout=b"checked 6\n")))
    check(planned("python", sources, entry_point="start", test_cases=cases), sandbox)

    ask = asked(sandbox.jails[0])
    files = ask["files"]
    assert isinstance(files, list)
    assert [(file["path"], file["hidden"]) for file in files] == [
        ("main.py", False),
        ("sub/x.so", False),
        ("start", False),
        ("main.py", True),
        ("main.py", False),
        ("only_here.py", False),
    ]
    assert ask["entry"] == "start"
    assert ask["own"] == ["main.py", "notes.md", "start", "sub/x.so"]
    assert sandbox.jails[0].box.files["files/3"] == b"in its place"


def test_a_module_that_every_case_brings_is_own() -> None:
    cases = tuple(TestCase(n, str(n), files=(File("judge.py", b""),), expected=Expectation()) for n in range(2))
    sandbox = FakeSandbox(in_turn(ended(0, stdout=b"checked 2\n")))
    check(planned(test_cases=cases), sandbox)
    assert asked(sandbox.jails[0])["own"] == ["judge.py", "main.py"]


@pytest.mark.parametrize(("language", "applies"), [("python", True), ("python@3.11", True), ("javascript", False)])
def test_it_applies_to_its_language_only(language: str, applies: bool) -> None:
    made = planned(language, (File("main.py", b""),), static_check="basic")
    assert (applying(CHECKS, made) is BASIC) is applies


def test_without_a_check_there_is_none() -> None:
    assert applying(CHECKS, planned()) is None


def test_a_check_that_is_not_there_stops_everything() -> None:
    with pytest.raises(InvalidRequest, match="unknown static check 'gone'; there are: basic"):
        applying(CHECKS, planned(static_check="gone"))


def test_a_program_that_passes_is_run(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(in_turn(FINE, ended(stdout=b"hello")))
    outcome = graded(replace(grader(sandbox), static_checks=CHECKS), ledger, asking(static_check="basic"))

    assert (outcome.verdict, outcome.reason, outcome.compile_output) == (Verdict.OK, None, None)
    assert ledger.states == [State.COMPILING, State.RUNNING]
    assert outcome.telemetry.compile_usage is not None
    assert outcome.telemetry.phases.compile_ms is not None
    assert outcome.telemetry.language_metrics is None
    assert [jail.command.argv[-1] for jail in sandbox.jails] == ["./check_python.py", "./main.py"]


def test_a_program_that_does_not_pass_is_never_run(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(in_turn(WRONG))
    outcome = graded(replace(grader(sandbox), static_checks=CHECKS), ledger, asking(static_check="basic"))

    assert (outcome.verdict, outcome.reason) == (Verdict.CE, "policy")
    assert outcome.compile_output == WRONG.stdout
    assert "main.py:3" in outcome.message
    assert (len(sandbox.jails), ledger.results) == (1, [])


def test_a_jail_that_fails_is_tried_again(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(in_turn(SandboxError("no jail"), FINE))
    outcome = graded(replace(grader(sandbox), static_checks=CHECKS), ledger, asking(static_check="basic"))
    assert outcome.verdict is Verdict.OK


def test_what_cannot_be_looked_at_is_never_run(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(in_turn(*[SandboxError("no jail")] * 3))
    outcome = graded(replace(grader(sandbox), static_checks=CHECKS), ledger, asking(static_check="basic"))
    assert (outcome.verdict, outcome.reason) == (Verdict.JE, "sandbox")
    assert ledger.results == []


def test_a_worker_without_the_file_runs_nothing(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox()
    outcome = graded(grader(sandbox), ledger, asking(static_check="basic"))
    assert (outcome.verdict, outcome.reason) == (Verdict.JE, "sandbox")
    assert "unknown static check 'basic'" in outcome.message
    assert sandbox.jails == []


def test_another_language_is_compiled_unchecked(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(in_turn(ended(1)))
    submission = asking("c", (File("main.c", b""),), static_check="basic")
    outcome = graded(replace(grader(sandbox), static_checks=CHECKS), ledger, submission)
    assert (outcome.verdict, outcome.reason) == (Verdict.CE, "exit:1")
    assert len(sandbox.jails) == 1

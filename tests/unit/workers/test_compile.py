"""Compiling: once, in a jail of its own; what it leaves is what is run."""

import errno
import signal
from dataclasses import replace

import pytest

from domain.model import File
from domain.suite import Framework, Suite
from sandbox import Cause, RunResult, SandboxError
from sandbox.fake import FakeJail, FakeSandbox, ended, in_turn
from tests.unit.workers.making import planned
from tests.unit.workers.test_java_main import MAIN
from tests.unit.workers.test_java_main import compiled as class_file
from workers import compile as compiling
from workers.compile import Compiled, CompileError, compile_reason, compile_submission
from workers.prepare import Plan

C = planned("c", (File("main.c", b"int main(){}"), File("sum.h", b"")))
JAVA = planned("java", (File("Main.java", b""),))
JAVA_SUITE = planned(
    "java", (File("Main.java", b""),), suite=Suite(Framework.JUNIT, (File("ATest.java", b"class ATest {}"),))
)


def compiled(made: Plan, sandbox: FakeSandbox) -> Compiled:
    with sandbox.slot() as slot:
        return compile_submission(sandbox, slot, made)


def leaving(files: dict[str, bytes], result: RunResult = ended()) -> FakeSandbox:  # noqa: B008 - frozen
    def run(jail: FakeJail) -> RunResult:
        for path, content in files.items():
            jail.box.write(path, content)
        return result

    return FakeSandbox(run)


def test_it_carries_the_program_out() -> None:
    sandbox = leaving({"a.out": b"ELF", "main.o": b"x"}, ended(stdout=b"note\n", stderr=b"warning\xff"))
    made = compiled(C, sandbox)
    assert made.files == (File("a.out", b"ELF", 0o755),)
    assert (made.output, made.main_class) == (b"note\nwarning\xff", None)
    assert made.metrics == {"artifact_files": 1, "artifact_bytes": 3}
    assert made.usage is not None
    assert made.telemetry is not None
    assert made.telemetry.slot is None
    [jail] = sandbox.jails
    assert {"main.c", "sum.h"} <= jail.box.files.keys()
    assert jail.command == C.compile_command()
    assert (jail.limits.cpu_time_ms, jail.on_disk) == (30_000, False)


def test_unit_tests_have_no_main_class() -> None:
    made = compiled(JAVA_SUITE, leaving({"classes/tests/ATest.class": class_file("ATest")}))
    assert made.main_class is None


def test_a_worker_without_junit_is_no_fault_of_a_submission() -> None:
    suites = JAVA_SUITE.language.suites
    assert suites is not None
    language = replace(JAVA_SUITE.language, suites=replace(suites, needs=("/usr/no/such.jar",)))
    lacking = replace(JAVA_SUITE, choice=replace(JAVA_SUITE.choice, language=language))
    with pytest.raises(SandboxError, match=r"/usr/no/such.jar .*: apt-get install .* junit4"):
        compiled(lacking, FakeSandbox())


def test_sources_are_run_where_there_is_no_compiler() -> None:
    made = compiled(planned(), FakeSandbox())
    assert made == Compiled(planned().submission.sources)
    assert made.metrics is None


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (ended(0), None),
        (ended(1), "exit:1"),
        (ended(cause=Cause.SIGNAL, exit_signal=signal.SIGSEGV), "signal:11"),
        (ended(1, cause=Cause.PROCESSES), "exit:1"),
        (ended(cause=Cause.PROCESSES, exit_signal=signal.SIGABRT), "signal:6"),
        (ended(cause=Cause.CPU, exit_signal=signal.SIGKILL), "cpu"),
        (ended(cause=Cause.WALL, exit_signal=signal.SIGKILL), "wall"),
        (ended(0, cause=Cause.MEMORY), "memory"),
        (ended(cause=Cause.STDOUT, exit_signal=signal.SIGKILL), "output"),
        (ended(cause=Cause.STDERR, exit_signal=signal.SIGKILL), "output"),
        (ended(cause=Cause.FILE, exit_signal=signal.SIGXFSZ), "output"),
        (replace(ended(cause=Cause.SYSCALL, exit_signal=signal.SIGKILL), denied_syscall="ptrace"), "policy"),
    ],
)
def test_every_cause_has_its_reason(result: RunResult, reason: str | None) -> None:
    assert compile_reason(result) == reason


def test_what_does_not_compile_keeps_the_compiler_s_words() -> None:
    with pytest.raises(CompileError) as raised:
        compiled(C, leaving({"a.out": b"left by accident"}, ended(1, stderr=b"main.c:1: error")))
    assert (raised.value.reason, raised.value.output) == ("exit:1", b"main.c:1: error")
    assert raised.value.usage.cpu_time_ms == 1


def test_the_words_are_cut_at_the_language_s_limit() -> None:
    with pytest.raises(CompileError) as raised:
        compiled(C, leaving({}, ended(1, stdout=b"a" * 40_000, stderr=b"b" * 40_000)))
    assert len(raised.value.output) == 65_536


def test_a_compiler_that_leaves_nothing_made_no_program() -> None:
    with pytest.raises(CompileError) as raised:
        compiled(C, leaving({"other": b""}))
    assert raised.value.reason == "no_program"


def test_a_program_that_is_cut_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MAX_ARTIFACT_BYTES", 3)
    with pytest.raises(CompileError) as raised:
        compiled(C, leaving({"a.out": b"four"}))
    assert raised.value.reason == "no_program"


def test_it_finds_the_main_class() -> None:
    made = compiled(JAVA, leaving({"classes/a/Main.class": class_file("a/Main", MAIN)}))
    assert made.main_class == "a.Main"


def test_no_main_class_is_no_program() -> None:
    with pytest.raises(CompileError) as raised:
        compiled(JAVA, leaving({"classes/Main.class": class_file("Main")}, ended(stderr=b"note")))
    assert raised.value.reason == "no_program"
    assert raised.value.output == b"note\n" + raised.value.message.encode() + b"\n"


def test_a_compiler_that_does_not_start_is_our_fault() -> None:
    missing = replace(ended(127), exec_errno=errno.ENOENT)
    with pytest.raises(SandboxError, match="/usr/bin/gcc cannot be started: No such file"):
        compiled(C, FakeSandbox(in_turn(missing)))


def test_a_sandbox_that_fails_is_no_compile_error() -> None:
    with pytest.raises(SandboxError):
        compiled(C, FakeSandbox(in_turn(SandboxError("broken"))))

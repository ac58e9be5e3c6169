"""Whose word counts, with two programs in a fake sandbox; what an interactor is given."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.interaction import Said as Kept
from domain.interaction import Speaker as Who
from domain.interaction import decode
from domain.judging import Interactor, Program, Protocol
from domain.model import Expectation, File, TestCase, TestResult
from domain.verdict import Verdict
from sandbox import Cause, RunResult, Said, Speaker
from sandbox.fake import FakeJail, FakeSandbox, ended
from tests.unit.workers.grading import Make, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import LANGUAGES, asking, bench, planned
from workers.author_program import CompiledProgram
from workers.compile import Compiled
from workers.interact import DEADLOCK, InteractorProgram
from workers.packing import packed, unpacked
from workers.prepare import plan
from workers.run import in_series, run_test_case

CASE = TestCase(0, "only", b"700", expected=Expectation(b"20"), checker_arguments=("one",), points=3)
TALK = Program("python", (File("talk.py", b"exit(42)"),), "talk.py")
KILLED = ended(cause=Cause.SIGNAL, exit_signal=9)


def fake(program: RunResult, interactor: RunResult | Callable[[FakeJail], RunResult]) -> FakeSandbox:
    """A sandbox in which the two end like this."""

    def run(jail: FakeJail) -> RunResult:
        if "main.py" in jail.box.files:
            return program
        return interactor(jail) if callable(interactor) else interactor

    return FakeSandbox(run)


def talked(
    sandbox: FakeSandbox, folder: Path, first: Speaker, protocol: Protocol = Protocol.KATTIS, *, passes: int = 1
) -> TestResult:
    interactor = Interactor(TALK, protocol, ("--hard",))
    sandbox.first = first
    where = bench(sandbox, folder, planned(interactor=interactor, passes=passes))
    compiled = CompiledProgram(plan(LANGUAGES, asking(sources=TALK.sources)), Compiled(TALK.sources))
    program = InteractorProgram(sandbox, compiled, interactor, passes)
    return run_test_case(replace(where, interactor=program), CASE)


PROGRAM, INTERACTOR = Speaker.PROGRAM, Speaker.INTERACTOR
ORDERS = {
    "both are content": (ended(0), ended(42), PROGRAM, Verdict.AC, None),
    "accepted first": (ended(0), ended(42), INTERACTOR, Verdict.AC, None),
    "rejected first, killed": (KILLED, ended(43), INTERACTOR, Verdict.WA, "stdout"),
    "rejected first, failed": (ended(1), ended(43), INTERACTOR, Verdict.WA, "stdout"),
    "rejected first, over time": (ended(cause=Cause.CPU, exit_signal=9), ended(43), INTERACTOR, Verdict.WA, "stdout"),
    "failed first, rejected": (ended(1), ended(43), PROGRAM, Verdict.RTE, "exit:1"),
    "failed first, accepted": (ended(1), ended(42), PROGRAM, Verdict.RTE, "exit:1"),
    "accepted first, failed": (ended(1), ended(42), INTERACTOR, Verdict.RTE, "exit:1"),
    "over time first": (ended(cause=Cause.CPU, exit_signal=9), KILLED, PROGRAM, Verdict.TLE, "cpu"),
    "accepted first, over time": (ended(cause=Cause.WALL, exit_signal=9), ended(42), INTERACTOR, Verdict.TLE, "wall"),
    "ended well, rejected": (ended(0), ended(43), PROGRAM, Verdict.WA, "stdout"),
    "ended well, broken": (ended(0), ended(1), PROGRAM, Verdict.JE, "checker"),
    "broken first": (KILLED, ended(1), INTERACTOR, Verdict.JE, "checker"),
    "flooded first": (KILLED, ended(cause=Cause.STDOUT, exit_signal=9), INTERACTOR, Verdict.JE, "checker"),
    "failed first, broken": (ended(1), ended(1), PROGRAM, Verdict.RTE, "exit:1"),
}


@pytest.mark.parametrize(("program", "interactor", "first", "verdict", "reason"), ORDERS.values(), ids=ORDERS.keys())
def test_who_ended_first_decides(
    tmp_path: Path, program: RunResult, interactor: RunResult, first: Speaker, verdict: Verdict, reason: str | None
) -> None:
    result = talked(fake(program, interactor), tmp_path, first)
    assert (result.verdict, result.reason) == (verdict, reason)
    assert result.points == (3 if verdict is Verdict.AC else 0)


def test_a_deadlock_is_called_one(tmp_path: Path) -> None:
    sandbox = fake(ended(cause=Cause.WALL, exit_signal=9), KILLED)
    sandbox.deadlock = True
    result = talked(sandbox, tmp_path, PROGRAM)
    assert (result.verdict, result.reason, result.message) == (Verdict.TLE, "wall", DEADLOCK)


def test_what_was_said_is_kept(tmp_path: Path) -> None:
    sandbox = fake(ended(0), ended(42))
    sandbox.said = (Said(PROGRAM, b"?"), Said(INTERACTOR, b"!"))
    result = talked(sandbox, tmp_path, PROGRAM)
    assert result.interaction is not None
    assert decode(result.interaction) == ([Kept(Who.PROGRAM, b"?"), Kept(Who.INTERACTOR, b"!")], False)
    assert unpacked(packed(result)) == result


def test_it_is_given_its_files_and_the_program_is_not(tmp_path: Path) -> None:
    sandbox = fake(ended(0), ended(42))
    talked(sandbox, tmp_path, PROGRAM)
    program, interactor = sandbox.jails
    assert program.box.files == {"main.py": b"print('hello')\n"}
    assert program.command.stdin == b""
    assert interactor.box.files == {
        "talk.py": b"exit(42)",
        "judging/input.in": b"700",
        "judging/answer.ans": b"20",
    }
    given = ("/box/judging/input.in", "/box/judging/answer.ans", "/box/judging/feedback/", "--hard", "one")
    assert interactor.command.line[-5:] == given
    assert (program.slot.is_beside, interactor.slot.is_beside, interactor.network) == (False, True, None)
    assert interactor.limits.wall_time_ms == 120_000 + program.limits.wall_time_ms


def test_a_testlib_one_is_given_a_file_to_write(tmp_path: Path) -> None:
    sandbox = fake(ended(0), ended(0, stderr=b"ok well done"))
    result = talked(sandbox, tmp_path, PROGRAM, Protocol.TESTLIB)
    assert (result.verdict, result.message) == (Verdict.AC, "ok well done")
    given = tuple(f"/box/judging/{name}" for name in ("input.in", "output.out", "answer.ans"))
    assert sandbox.jails[1].command.line[-5:] == (*given, "--hard", "one")


def test_another_pass_has_what_the_one_before_left(tmp_path: Path) -> None:
    inputs: list[bytes] = []

    def leave(jail: FakeJail) -> RunResult:
        inputs.append(jail.box.files["judging/input.in"])
        if len(inputs) == 1:
            jail.box.write("judging/feedback/nextpass.in", b"second")
            jail.box.write("judging/feedback/state", b"s")
        else:
            assert jail.box.files["judging/feedback/state"] == b"s"
        return ended(42)

    result = talked(fake(ended(0), leave), tmp_path, PROGRAM, passes=2)
    assert (result.verdict, inputs) == (Verdict.AC, [b"700", b"second"])


def test_its_jails_are_not_made_together(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    where = bench(sandbox, tmp_path, planned(interactor=Interactor(TALK)))
    compiled = CompiledProgram(where.plan, where.compiled)
    own = replace(where, interactor=InteractorProgram(sandbox, compiled, Interactor(TALK)))
    with in_series(own, (CASE, CASE)) as made:
        assert made is own


def test_one_that_does_not_compile_is_no_fault_of_the_program(grader: Make, ledger: Ledger) -> None:
    broken = Program("c", (File("talk.c", b"int main("),))
    sandbox = FakeSandbox(lambda jail: ended(1) if jail.command.policy == "compile" else ended(0))
    outcome = graded(grader(sandbox), ledger, asking(interactor=Interactor(broken), test_cases=(CASE,)))
    assert (outcome.verdict, outcome.reason) == (Verdict.JE, "checker")
    assert outcome.message.startswith("the interactor does not compile: exit:1")


def test_a_whole_execution(grader: Make, ledger: Ledger) -> None:
    sandbox = fake(ended(0), ended(43))
    cases = (CASE, replace(CASE, ordinal=1, name="second"))
    asked = asking(interactor=Interactor(TALK), test_cases=cases, stop_on_first_failure=True)
    outcome = graded(grader(sandbox), ledger, asked)
    assert outcome.verdict is Verdict.WA
    assert [(found.verdict, found.reason) for found in ledger.results] == [(Verdict.WA, "stdout"), (None, "skipped")]

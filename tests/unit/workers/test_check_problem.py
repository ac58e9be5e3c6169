"""Checking a version of a problem: what is compiled and run, and what is reported of it."""

import select
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import NotFound
from domain.judging import Checker, CheckerType, Interactor, Judging, Program
from domain.model import File
from domain.payload import Payload
from domain.problem import Finding, ProblemCase, ProblemVersion
from sandbox import Cause, RunAborted, RunResult, SandboxError
from sandbox.fake import FakeJail, FakeSandbox, ended, in_turn
from tests.unit.workers.grading import Make
from workers import check_problem
from workers.check_problem import ProblemChecker

ID = UUID(int=5)
VALIDATOR = Program("python", (File("valid.py", b""),), "valid.py")
C = Program("c", (File("check.c", b""),))
CASES = tuple(ProblemCase(n, f"secret/{n}", Payload(b"%d" % n), None) for n in range(3))
VERSION = ProblemVersion("sum", "Sum", CASES, input_validators=(VALIDATOR,))


class Problems:
    """Stands where `domain.problems` does."""

    def __init__(self, version: ProblemVersion | None) -> None:
        self.version = version
        self.wanted = True
        self.report: list[Finding] | None = None
        self.ok: bool | None = None

    def at_work(self, _db: Database, version_id: UUID) -> bool:
        assert version_id == ID
        return self.wanted

    def load(self, _db: Database, _blobs: BlobStore, _version_id: UUID) -> ProblemVersion:
        if self.version is None:
            raise NotFound("gone")
        return self.version

    def checked(self, _db: Database, version_id: UUID, ok: bool, report: Sequence[Finding]) -> bool:
        assert version_id == ID
        self.ok, self.report = ok, list(report)
        return True


@pytest.fixture
def problems(monkeypatch: pytest.MonkeyPatch) -> Problems:
    made = Problems(VERSION)
    monkeypatch.setattr(check_problem, "problems", made)
    return made


def check(grader: Make, sandbox: FakeSandbox) -> bool:
    return ProblemChecker(grader(sandbox)).check(ID)


def accepts(jail: FakeJail) -> RunResult:
    """Compile whatever is asked for; accept every input."""
    if any(name.endswith(".c") for name in jail.box.files):
        jail.box.files["a.out"] = b"ELF"
        return ended()
    return ended(42)


def test_a_version_whose_inputs_are_accepted_is_ready(grader: Make, problems: Problems) -> None:
    problems.version = replace(VERSION, validator_arguments={"secret/1": ("-n", "5")})
    sandbox = FakeSandbox(accepts)
    assert check(grader, sandbox) is False

    assert problems.ok is True
    assert problems.report == [
        Finding("compile", "input_validator 1 (valid.py)", ok=True),
        Finding("input_validator", "input_validator 1 (valid.py)", ok=True, message="accepted 3 inputs"),
    ]
    assert [jail.command.stdin for jail in sandbox.jails] == [b"0", b"1", b"2"]
    assert [jail.command.line[-1] for jail in sandbox.jails] == ["./valid.py", "5", "./valid.py"]
    assert sandbox.held == []


def test_all_programs_are_compiled(grader: Make, problems: Problems) -> None:
    checker = Checker(CheckerType.PROGRAM, program=C)
    judging = Judging(program=C, interactor=Interactor(replace(C, sources=(File("talk.c", b""),))))
    problems.version = replace(VERSION, checker=checker, judging=judging, input_validators=())
    sandbox = FakeSandbox(accepts)
    check(grader, sandbox)

    assert problems.ok is True
    assert problems.report == [Finding("compile", name, ok=True) for name in ("checker", "interactor")]
    assert [sorted(jail.box.files) for jail in sandbox.jails] == [["a.out", "check.c"], ["a.out", "talk.c"]]


def test_what_does_not_compile_refuses_it(grader: Make, problems: Problems) -> None:
    problems.version = replace(VERSION, input_validators=(C, VALIDATOR))
    check(grader, FakeSandbox(in_turn(ended(1, stderr=b"error: no"), *[ended(42)] * 3)))

    assert problems.ok is False
    assert problems.report is not None
    assert problems.report[0] == Finding(
        "compile", "input_validator 1", ok=False, message="it does not compile (exit:1): error: no"
    )
    assert problems.report[-1].message == "accepted 3 inputs"


def test_a_language_that_nobody_knows_refuses_it(grader: Make, problems: Problems) -> None:
    problems.version = replace(VERSION, input_validators=(replace(VALIDATOR, language="cobol"),))
    check(grader, FakeSandbox())
    assert problems.ok is False
    assert problems.report is not None
    assert "cobol" in problems.report[0].message


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (ended(43, stderr=b"n is too large"), "refused it (exit code 43): n is too large"),
        (ended(0, stdout=b"fine"), "refused it (exit code 0): fine"),
        (ended(1), "refused it (exit code 1)"),
        (ended(42, cause=Cause.CPU), "was ended for what it did (cpu)"),
        (ended(cause=Cause.SIGNAL, exit_signal=11), "was ended by signal 11"),
    ],
)
def test_whatever_is_not_accepted_is_refused(grader: Make, problems: Problems, result: RunResult, why: str) -> None:
    check(grader, FakeSandbox(in_turn(ended(42), result, ended(42))))
    assert problems.ok is False
    assert problems.report is not None
    message = f"input_validator 1 (valid.py) {why}"
    assert problems.report[1:] == [Finding("input_validator", "secret/1", ok=False, message=message)]


def test_a_validator_that_refuses_everything_is_soon_asked_no_more(grader: Make, problems: Problems) -> None:
    problems.version = replace(VERSION, test_cases=tuple(replace(CASES[0], ordinal=n, name=str(n)) for n in range(99)))
    sandbox = FakeSandbox(lambda _: ended(43))
    check(grader, sandbox)
    assert len(sandbox.jails) == 20
    assert problems.report is not None
    assert problems.report[-1].message == "refused 20 inputs, and was asked for no more"


def test_wrong_flags_of_the_default_validator_refuse_it(grader: Make, problems: Problems) -> None:
    cases = (CASES[0], replace(CASES[1], checker_arguments=("1e-6",)))
    checker = Checker(CheckerType.KATTIS, arguments=("float_tolerance", "1"))
    problems.version = replace(VERSION, test_cases=cases, checker=checker)
    check(grader, FakeSandbox(accepts))
    assert problems.ok is False
    assert problems.report is not None
    assert problems.report[0] == Finding(
        "checker", "secret/1", ok=False, message="'1e-6' is no flag of the default validator"
    )


def test_what_an_interactor_is_told_is_no_flag_of_the_default_validator(grader: Make, problems: Problems) -> None:
    cases = (replace(CASES[0], checker_arguments=("--rounds", "3")),)
    problems.version = replace(VERSION, test_cases=cases, judging=Judging(interactor=Interactor(C)))
    check(grader, FakeSandbox(accepts))
    assert problems.ok is True


def test_an_input_that_is_lost_refuses_it(grader: Make, problems: Problems) -> None:
    lost = replace(CASES[0], stdin=Payload(sha256=bytes(32)))
    problems.version = replace(VERSION, test_cases=(lost,))
    check(grader, FakeSandbox(accepts))
    assert problems.ok is False
    assert problems.report is not None
    assert "cannot be read" in problems.report[1].message


def test_what_is_not_to_be_checked_any_more_is_left(grader: Make, problems: Problems) -> None:
    problems.wanted = False
    sandbox = FakeSandbox()
    assert check(grader, sandbox) is False
    assert (sandbox.jails, problems.report) == ([], None)


def test_what_is_gone_is_left(grader: Make, problems: Problems) -> None:
    problems.version = None
    assert check(grader, FakeSandbox()) is False
    assert problems.report is None


def test_a_worker_that_must_stop_sends_it_again(grader: Make, problems: Problems) -> None:
    assert check(grader, FakeSandbox(in_turn(RunAborted("told to")))) is True
    assert problems.report is None


def test_a_sandbox_that_fails_is_tried_again(grader: Make, problems: Problems) -> None:
    check(grader, FakeSandbox(in_turn(SandboxError("no jail"), OSError("no room"), *[ended(42)] * 3)))
    assert problems.ok is True


def test_a_sandbox_that_keeps_failing_leaves_it_to_the_sweeper(grader: Make, problems: Problems) -> None:
    assert check(grader, FakeSandbox(in_turn(*[SandboxError("no jail")] * 3))) is False
    assert problems.report is None


def test_who_learns_that_it_is_in_vain_stops(grader: Make, problems: Problems, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_problem, "SAY_S", 0.001)

    def waits(jail: FakeJail) -> RunResult:
        problems.wanted = False
        assert jail.cancel is not None
        assert select.select([jail.cancel], [], [], 30)[0]
        raise RunAborted("told to")

    assert check(grader, FakeSandbox(waits)) is True
    assert problems.report is None

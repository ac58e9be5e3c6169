"""Test cases of one execution on another host, with somebody there who says what the test wants."""

import select
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from domain.model import Claim, TestResult, Usage
from domain.verdict import Verdict
from sandbox import RunAborted
from sandbox.fake import FakeSandbox, ended
from tests.unit.workers.grading import Make, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import asking
from tests.unit.workers.programs import CASES, PATIENCE_S, Programs, verdicts
from workers.fleet import Fleet, HelperGone
from workers.grade import Grader
from workers.prepare import Plan

pytestmark = pytest.mark.usefixtures("at_once")
Say = Callable[[int, int], TestResult]


def found(index: int, verdict: Verdict = Verdict.OK, reason: str | None = None) -> TestResult:
    return TestResult(index, verdict, reason, stdout=b"far", usage=Usage(9000, 9000, 1, "cgroup"), points=1)


@dataclass
class Far:
    """Another host; `say` is what becomes of a test case there."""

    say: Say
    ran: list[int] = field(default_factory=list)
    asked: int = 0
    closed: int = 0
    found: bool = True
    vain: list[bool] = field(default_factory=list)
    """Whether there was nothing left to help with, each time that it was asked."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    """Told of what happens here, too."""

    def helper(self, claim: Claim, plan: Plan, is_vain: Callable[[], bool]) -> "Far | None":
        assert claim.submission is plan.submission
        vain = is_vain()
        with self.changed:
            self.vain.append(vain)
            self.asked += 1
            self.changed.notify_all()
        return self if self.found else None

    def run(self, index: int, stop: int) -> TestResult:
        with self.changed:
            self.ran.append(index)
            self.changed.notify_all()
        return self.say(index, stop)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.scout.WORTH_FAR_S", 0.0)


def helped(grader: Grader, far: Far) -> Grader:
    return replace(grader, fleet=cast("Fleet", far))


def test_results_of_another_host_are_told_in_their_place(grader: Make, ledger: Ledger) -> None:
    far = Far(lambda index, _: found(index))
    programs = Programs(case0=lambda _: programs.after(lambda: len(far.ran) == 5))
    far.changed = programs.changed
    outcome = graded(helped(grader(FakeSandbox(programs)), far), ledger, asking(test_cases=CASES))
    assert outcome.verdict is Verdict.OK
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]
    assert [result.stdout for result in ledger.results] == [b"", *[b"far"] * 5]
    assert sorted(far.ran) == [1, 2, 3, 4, 5]
    assert not far.vain[0]
    assert far.closed == far.asked  # as many as there was time to ask


def test_who_is_gone_leaves_the_test_case_to_others(grader: Make, ledger: Ledger) -> None:
    def go(index: int, _: int) -> TestResult:
        raise HelperGone("it gave way")

    far = Far(go)
    programs = Programs(case0=lambda _: programs.after(lambda: bool(far.ran)))
    far.changed = programs.changed
    graded(helped(grader(FakeSandbox(programs)), far), ledger, asking(test_cases=CASES))
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]
    assert {result.stdout for result in ledger.results} == {b""}
    assert set(programs.began) == set(range(6))
    assert far.closed == far.asked


def test_a_time_that_was_exceeded_there_is_measured_here(grader: Make, ledger: Ledger) -> None:
    far = Far(lambda index, _: found(index, Verdict.TLE, "cpu") if index == 1 else found(index))
    programs = Programs(case0=lambda _: programs.after(lambda: bool(far.ran)))
    far.changed = programs.changed
    graded(helped(grader(FakeSandbox(programs)), far), ledger, asking(test_cases=CASES))
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]
    assert programs.began[1] == [0]


def test_what_is_not_wanted_any_more_is_broken_off_there(grader: Make, ledger: Ledger) -> None:
    def wait(index: int, stop: int) -> TestResult:
        assert select.select([stop], [], [], PATIENCE_S)[0]
        raise RunAborted

    far = Far(wait)
    programs = Programs(case0=lambda _: programs.after(lambda: bool(far.ran), ended(1)))
    far.changed = programs.changed
    submission = asking(test_cases=CASES, stop_on_first_failure=True)
    outcome = graded(helped(grader(FakeSandbox(programs)), far), ledger, submission)
    assert (outcome.verdict, outcome.reason) == (Verdict.RTE, "exit:1")
    assert far.ran[0] == 1
    assert far.closed == far.asked


def test_where_nobody_helps_it_goes_on_alone(grader: Make, ledger: Ledger) -> None:
    far = Far(lambda index, _: found(index), found=False)
    programs = Programs(case0=lambda _: programs.after(lambda: far.asked > 0))
    far.changed = programs.changed
    graded(helped(grader(FakeSandbox(programs)), far), ledger, asking(test_cases=CASES))
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]
    assert not far.ran


def test_slots_of_our_own_come_first(grader: Make, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """And for what will soon be done nobody else is asked."""
    monkeypatch.setattr("workers.scout.WORTH_FAR_S", 1000.0)
    far = Far(lambda index, _: found(index))
    programs = Programs(case1=lambda _: programs.after(lambda: 2 in programs.began))
    graded(helped(grader(FakeSandbox(programs, spare=[7])), far), ledger, asking(test_cases=CASES))
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]
    assert far.asked == 0

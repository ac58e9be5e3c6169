"""Borrowed slots are given back to who waits, and our own neighbours make no program late."""

import signal
from dataclasses import replace

import pytest

from domain.verdict import Verdict
from sandbox import Cause, RunResult
from sandbox.fake import SPENT, FakeJail, FakeSandbox, ended
from tests.unit.workers.grading import Make, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import asking
from tests.unit.workers.programs import CASES, Programs, verdicts

pytestmark = pytest.mark.usefixtures("at_once")


def test_a_borrowed_slot_is_given_back_when_somebody_waits(grader: Make, ledger: Ledger) -> None:
    def begin_to_wait(_: FakeJail) -> RunResult:
        sandbox.wanted = True
        return SPENT

    def watch_it_go(_: FakeJail) -> RunResult:
        programs.after(lambda: 1 in programs.ended)
        while len(sandbox.held) > 1:
            assert 2 not in programs.began
        return SPENT

    programs = Programs(case0=watch_it_go, case1=begin_to_wait)
    sandbox = FakeSandbox(programs, spare=[1])
    graded(grader(sandbox), ledger, asking(test_cases=CASES))
    assert [programs.began[number] for number in range(6)] == [[0], [1], [0], [0], [0], [0]]
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]


def test_a_test_case_that_takes_its_time_does_not_hold_up_who_waits(grader: Make, ledger: Ledger) -> None:
    def watch_it_go(_: FakeJail) -> RunResult:
        programs.after(lambda: 1 in programs.began)
        sandbox.wanted = True
        while len(sandbox.held) > 1:
            pass
        return SPENT

    programs = Programs(
        case0=watch_it_go, case1=lambda jail: programs.until_cancelled(jail) if jail.slot.numbers == (1,) else SPENT
    )
    sandbox = FakeSandbox(programs, spare=[1])
    graded(grader(sandbox), ledger, asking(test_cases=CASES))
    assert (programs.began[1], programs.cancelled) == ([1, 0], [1])
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]


SLOW = replace(ended(cause=Cause.CPU, exit_signal=signal.SIGKILL), cpu_time_us=60_000_000, wall_time_us=60_000_000)


def test_a_tle_beside_others_is_confirmed_alone(grader: Make, ledger: Ledger) -> None:
    def slow_at_first(_: FakeJail) -> RunResult:
        if len(programs.began[1]) == 1:
            return SLOW
        assert len(sandbox.held) == 1
        return SPENT

    programs = Programs(case0=lambda _: programs.after(lambda: 1 in programs.ended), case1=slow_at_first)
    sandbox = FakeSandbox(programs, spare=[1])
    graded(grader(sandbox), ledger, asking(test_cases=CASES))
    assert programs.began[1] == [1, 0]
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]


def test_a_tle_of_who_grades_is_confirmed_too(grader: Make, ledger: Ledger) -> None:
    def slow(_: FakeJail) -> RunResult:
        if len(programs.began[0]) == 1:
            programs.after(lambda: 1 in programs.began)
        else:
            assert len(sandbox.held) == 1
        return SLOW

    programs = Programs(case0=slow)
    sandbox = FakeSandbox(programs, spare=[1])
    outcome = graded(grader(sandbox), ledger, asking(test_cases=CASES, stop_on_first_failure=True))
    assert programs.began[0] == [0, 0]
    assert (outcome.verdict, outcome.reason) == (Verdict.TLE, "cpu")
    assert verdicts(ledger) == [(0, Verdict.TLE), *[(number, None) for number in range(1, 6)]]

"""Test cases of one execution in several slots at once, with a fake sandbox that lends some."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

import pytest

from domain.judging import TestGroup
from domain.limits import Constraints
from domain.verdict import Verdict
from sandbox import Room, RunAborted, RunResult, SandboxError, Slot
from sandbox.fake import SPENT, FakeJail, FakeSandbox, ended
from tests.unit.workers.grading import BROKEN, Make, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import asking, claimed
from tests.unit.workers.programs import CASES, PATIENCE_S, Programs, verdicts
from workers.tries import SANDBOX_TRIES

pytestmark = pytest.mark.usefixtures("at_once")


def test_they_run_at_the_same_time_and_are_told_in_order(grader: Make, ledger: Ledger) -> None:
    programs = Programs(
        case0=lambda _: programs.after(lambda: 3 in programs.ended, ended(stdout=b"first")),
        case4=lambda _: programs.after(lambda: 5 in programs.began),
    )
    sandbox = FakeSandbox(programs, spare=[7])
    outcome = graded(grader(sandbox), ledger, asking(test_cases=CASES))
    assert outcome.verdict is Verdict.OK
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]
    assert ledger.results[0].stdout == b"first"
    # Nothing waits for a head start here, so either may be the first to take a test case.
    assert [more() for more in sandbox.more] == [False, False]  # in either slot: nothing is made ahead any more
    [own, borrowed] = sorted((0, 7), key=lambda slot: programs.began[0] != [slot])
    assert [programs.began[number] for number in range(4)] == [[own], [borrowed], [borrowed], [borrowed]]
    assert [found.telemetry.slot for found in ledger.results[:2] if found.telemetry] == [own, borrowed]
    assert (sandbox.held, sandbox.spare) == ([], [7])
    assert outcome.telemetry.phases.run_ms is not None


def test_a_slot_that_cannot_be_had_changes_nothing(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox()
    graded(grader(sandbox), ledger, asking(test_cases=CASES))
    assert {jail.slot.numbers for jail in sandbox.jails} == {(0,)}
    assert verdicts(ledger) == [(number, Verdict.OK) for number in range(6)]


def test_a_slot_that_cannot_be_prepared_changes_nothing(grader: Make, ledger: Ledger) -> None:
    asked = threading.Event()

    class Broken(FakeSandbox):
        def spare_slot(self, count: int = 1, room: Room | None = None) -> NoReturn:
            asked.set()
            raise SandboxError(f"no {count} such group for {room}")

    programs = Programs(case0=lambda _: ended(0 if asked.wait(PATIENCE_S) else 1))
    assert graded(grader(Broken(programs)), ledger, asking(test_cases=CASES)).verdict is Verdict.OK
    assert asked.is_set()


@pytest.mark.parametrize(("worth_s", "asked"), [(0.0, True), (1000.0, False)])
def test_what_will_soon_be_done_is_not_shared(
    grader: Make, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, worth_s: float, asked: bool
) -> None:
    looked = threading.Event()

    class Noting(FakeSandbox):
        @contextmanager
        def spare_slot(self, count: int = 1, room: Room | None = None) -> Iterator[Slot | None]:
            looked.set()
            with super().spare_slot(count, room) as slot:
                yield slot

    monkeypatch.setattr("workers.scout.HEAD_START_S", 0.05)
    monkeypatch.setattr("workers.scout.WORTH_S", worth_s)
    programs = Programs(case1=lambda _: ended(1 if looked.wait(PATIENCE_S if asked else 0.5) else 0))
    graded(grader(Noting(programs)), ledger, asking(test_cases=CASES))
    assert looked.is_set() is asked


def test_large_jails_borrow_as_many_slots_as_they_need(grader: Make, ledger: Ledger) -> None:
    programs = Programs(case0=lambda _: programs.after(lambda: 1 in programs.ended))
    sandbox = FakeSandbox(programs, spare=[4, 5, 6])
    graded(grader(sandbox), ledger, asking(test_cases=CASES, constraints=Constraints(cpu_millicores=1500)))
    assert {jail.slot.numbers for jail in sandbox.jails} <= {(0, 1), (4, 5), (6, 4), (5, 6)}
    assert len({jail.slot.numbers for jail in sandbox.jails}) > 1


def test_one_alone_is_run_as_it_always_was(grader: Make, ledger: Ledger) -> None:
    seen: list[str] = []

    def look(_: FakeJail) -> RunResult:
        seen.extend(thread.name for thread in threading.enumerate())
        return SPENT

    graded(grader(FakeSandbox(look, spare=[1])), ledger, asking())
    assert not {"scout", "lane"} & set(seen)


def test_after_a_failure_what_ran_ahead_is_not_told(grader: Make, ledger: Ledger) -> None:
    programs = Programs(case0=lambda _: programs.after(lambda: 2 in programs.ended, ended(3)))
    wanted = asking(test_cases=CASES, stop_on_first_failure=True)
    outcome = graded(grader(FakeSandbox(programs, spare=[1])), ledger, wanted)
    assert (outcome.verdict, outcome.reason) == (Verdict.RTE, "exit:3")
    assert verdicts(ledger) == [(0, Verdict.RTE), *[(number, None) for number in range(1, 6)]]
    assert {(found.reason, found.stdout, found.usage, found.points) for found in ledger.results[1:]} == {
        ("skipped", b"", None, 0)
    }


def test_after_a_failure_what_still_runs_ahead_is_ended(grader: Make, ledger: Ledger) -> None:
    programs = Programs(
        case0=lambda _: programs.after(lambda: 1 in programs.began, ended(3)),
        endless=1,
    )
    wanted = asking(test_cases=CASES, stop_on_first_failure=True)
    graded(grader(FakeSandbox(programs, spare=[1])), ledger, wanted)
    assert verdicts(ledger) == [(0, Verdict.RTE), *[(number, None) for number in range(1, 6)]]
    assert programs.cancelled == [1]
    assert 2 not in programs.began


def test_who_grades_does_not_go_on_after_a_failure_elsewhere(grader: Make, ledger: Ledger) -> None:
    """The one in its own slot is a later one here, and is ended; an earlier one in a third slot is not."""

    programs = Programs(
        case0=lambda _: programs.after(lambda: {1, 2} <= set(programs.began)),
        case1=lambda _: programs.after(lambda: 3 in programs.cancelled),
        case2=lambda _: programs.after(lambda: 3 in programs.began, ended(4)),
        endless=3,
    )
    wanted = asking(test_cases=CASES, stop_on_first_failure=True)
    graded(grader(FakeSandbox(programs, spare=[1, 2])), ledger, wanted)
    assert verdicts(ledger) == [(0, Verdict.OK), (1, Verdict.OK), (2, Verdict.RTE), *[(n, None) for n in (3, 4, 5)]]
    assert programs.cancelled == [3]


def test_without_that_wish_all_are_run_whatever_fails(grader: Make, ledger: Ledger) -> None:
    programs = Programs(case0=lambda _: programs.after(lambda: 2 in programs.ended), case1=lambda _: ended(1))
    outcome = graded(grader(FakeSandbox(programs, spare=[1])), ledger, asking(test_cases=CASES))
    assert (outcome.verdict, outcome.reason) == (Verdict.RTE, "exit:1")
    assert len(programs.began) == 6


def test_a_jail_that_fails_in_a_borrowed_slot_is_made_anew(grader: Make, ledger: Ledger) -> None:
    def fail_at_first(_: FakeJail) -> RunResult:
        if len(programs.began[1]) < SANDBOX_TRIES:
            raise BROKEN
        return SPENT

    programs = Programs(case0=lambda _: programs.after(lambda: 1 in programs.ended), case1=fail_at_first)
    assert graded(grader(FakeSandbox(programs, spare=[1])), ledger, asking(test_cases=CASES)).verdict is Verdict.OK
    assert programs.began[1] == [1] * SANDBOX_TRIES


def test_a_sandbox_that_keeps_failing_ends_it_where_it_would_have(grader: Make, ledger: Ledger) -> None:
    def fail(_: FakeJail) -> RunResult:
        raise BROKEN

    programs = Programs(
        case0=lambda _: programs.after(lambda: len(programs.began.get(1, [])) == SANDBOX_TRIES), case1=fail
    )
    sandbox = FakeSandbox(programs, spare=[1])
    outcome = graded(grader(sandbox), ledger, asking(test_cases=CASES))
    assert (outcome.verdict, outcome.reason) == (Verdict.JE, "sandbox")
    assert (sandbox.held, sandbox.spare) == ([], [1])


def test_told_to_stop_it_is_given_back_and_nothing_runs_on(grader: Make, ledger: Ledger) -> None:
    def stop(_: FakeJail) -> RunResult:
        raise RunAborted("told to stop")

    programs = Programs(endless=0, case1=stop)
    sandbox = FakeSandbox(programs, spare=[1])
    ledger.offered = claimed(asking(test_cases=CASES))
    assert grader(sandbox).grade(ledger.offered.execution_id) == ledger.offered
    assert (ledger.given_back, ledger.outcome, ledger.results) == (1, None, [])
    assert programs.cancelled == [0]
    assert (sandbox.held, sandbox.spare) == ([], [1])


def test_any_other_error_in_a_borrowed_slot_is_met_by_who_grades(grader: Make, ledger: Ledger) -> None:
    def break_down(_: FakeJail) -> RunResult:
        raise ZeroDivisionError

    programs = Programs(endless=0, case1=break_down)
    sandbox = FakeSandbox(programs, spare=[1])
    ledger.offered = claimed(asking(test_cases=CASES))
    with pytest.raises(ZeroDivisionError):
        grader(sandbox).grade(ledger.offered.execution_id)
    assert (ledger.outcome, sandbox.held, sandbox.spare) == (None, [], [1])
    assert programs.cancelled == [0]


def test_a_lost_claim_ends_what_runs_elsewhere(grader: Make, ledger: Ledger) -> None:
    ledger.lost = {"record"}
    programs = Programs(
        case0=lambda _: programs.after(lambda: 1 in programs.began, ended(stdout=bytes(1 << 20))),
        endless=1,
    )
    sandbox = FakeSandbox(programs, spare=[1])
    submission = asking(test_cases=CASES[:2], stop_on_first_failure=True)
    ledger.offered = claimed(submission)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("workers.recorder.AT_MOST_BYTES", 1)
        assert grader(sandbox).grade(ledger.offered.execution_id) is None
    assert (ledger.outcome, ledger.given_back, sandbox.held) == (None, 0, [])
    assert programs.cancelled == [1]


def test_what_was_broken_off_is_run_when_it_is_wanted_after_all(grader: Make, ledger: Ledger) -> None:
    groups = (
        TestGroup("a"),
        TestGroup("p", stop_on_first_failure=True),
        TestGroup("b", parent="p", requires=("a",)),
        TestGroup("c", parent="p"),
    )
    cases = tuple(replace(case, group=group) for case, group in zip(CASES, "abc", strict=False))

    def third(jail: FakeJail) -> RunResult:
        return programs.until_cancelled(jail) if len(programs.began[2]) == 1 else SPENT

    programs = Programs(
        case0=lambda _: programs.after(lambda: 2 in programs.cancelled, ended(1)),
        case1=lambda _: programs.after(lambda: 2 in programs.began, ended(1)),
        case2=third,
    )
    graded(grader(FakeSandbox(programs, spare=[1, 2])), ledger, asking(test_cases=cases, groups=groups))
    assert verdicts(ledger) == [(0, Verdict.RTE), (1, None), (2, Verdict.OK)]
    assert len(programs.began[2]) == 2

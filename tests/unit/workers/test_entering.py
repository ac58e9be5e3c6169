"""What room an execution asks for, and what becomes of it where another waits for as much."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from domain.judging import Checker, CheckerType, Interactor, Program, Protocol
from domain.limits import Constraints
from domain.model import File, Priority, TestCase
from domain.verdict import Verdict
from sandbox import Room
from sandbox.fake import FakeSandbox
from tests.unit.workers.grading import C, Make, Told, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import LANGUAGES, asking, planned
from workers.needs import room_of, running_room
from workers.parked import Parked
from workers.prepare import MIB

PROGRAM = Program("cpp", (File("main.cpp", b""),), None)
SMALL = Constraints(memory_mb=100)


def test_an_interpreter_takes_what_its_program_may() -> None:
    assert room_of(planned(constraints=SMALL), LANGUAGES) == Room(100 * MIB, own_bytes=100 * MIB)


def test_a_compiler_takes_its_memory_until_it_is_done() -> None:
    assert room_of(planned("c", C, constraints=SMALL), LANGUAGES) == Room(100 * MIB, 0, 2048 * MIB, 100 * MIB)


def test_an_interactor_stands_beside_the_program_and_a_checker_comes_after_it() -> None:
    interactor = Interactor(PROGRAM, Protocol.KATTIS)
    checker = Checker(CheckerType.PROGRAM, program=PROGRAM)
    made = planned(constraints=SMALL, interactor=interactor)
    assert running_room(made).memory_bytes == 2148 * MIB
    assert running_room(planned(constraints=SMALL, checker=checker)).memory_bytes == 2048 * MIB
    assert room_of(made, LANGUAGES).at_first_bytes == 2048 * MIB


def test_a_box_on_disk_takes_what_is_put_there_too() -> None:
    constraints = Constraints(memory_mb=100, disk_mb=1000)
    large = TestCase(0, "large", files=(File("data", bytes(33 * MIB)),))
    usual = running_room(planned(constraints=constraints)).disk_bytes
    assert usual > 1300 * MIB
    assert running_room(planned(constraints=constraints, test_cases=(large,))).disk_bytes > usual


@pytest.fixture
def parked(tmp_path: Path) -> Parked:
    return Parked(tmp_path / "parked")


def test_who_finds_another_waiting_goes_back_and_is_noted(
    grader: Make, ledger: Ledger, told: Told, parked: Parked
) -> None:
    sandbox = FakeSandbox()
    sandbox.taken = True
    sent: list[tuple[UUID, Priority]] = []
    own = replace(grader(sandbox), parked=parked, send=sent.extend)
    assert ledger.offered is not None
    execution_id = ledger.offered.execution_id
    assert own.grade(execution_id) is None
    assert (ledger.given_back, ledger.later, ledger.outcome) == (1, True, None)
    assert sandbox.jails == []
    assert told.states[-1] == "queued"
    assert sent == []
    assert parked.next() == (execution_id, Priority.NORMAL)


@pytest.mark.parametrize("large", [True, False])
def test_a_large_one_that_entered_has_the_next_one_sent(
    grader: Make, ledger: Ledger, parked: Parked, *, large: bool
) -> None:
    sandbox = FakeSandbox()
    sandbox.large = large
    other = UUID(int=3), Priority.BULK
    parked.add(*other)
    sent: list[tuple[UUID, Priority]] = []
    own = replace(grader(sandbox), parked=parked, send=sent.extend)
    assert graded(own, ledger, asking()).verdict is Verdict.OK
    assert sent == ([other] if large else [])


def test_one_that_is_not_to_be_had_passes_the_word_on(grader: Make, ledger: Ledger, parked: Parked) -> None:
    other = UUID(int=3), Priority.BULK
    parked.add(*other)
    sent: list[tuple[UUID, Priority]] = []
    ledger.offered = None
    assert replace(grader(FakeSandbox()), parked=parked, send=sent.extend).grade(UUID(int=9)) is None
    assert sent == [other]


def test_runs_have_what_is_left_when_all_is_compiled(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox()
    graded(grader(sandbox), ledger, asking("c", C, constraints=SMALL))
    held = [jail.slot.memory_bytes for jail in sandbox.jails]
    assert held[0] == 2048 * MIB

"""What becomes of an execution whose claim is lost, that must be left, or whose database is away."""

from uuid import UUID

import pytest

from domain.errors import Unavailable
from domain.model import File
from domain.verdict import Verdict
from sandbox import RunAborted, RunResult, SandboxError
from sandbox.fake import SPENT, FakeJail, FakeSandbox, in_turn
from tests.unit.workers.grading import BROKEN, THREE, C, Make, Told, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import asking, claimed
from workers import lease, recorder


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every result recorded by itself."""
    monkeypatch.setattr(recorder, "EVERY_S", -1.0)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("change", ["enter", "record", "finish"])
def test_a_lost_claim_ends_it_without_a_word(grader: Make, ledger: Ledger, told: Told, change: str) -> None:
    ledger.lost = {change}
    sandbox = FakeSandbox()
    assert grader(sandbox).grade(UUID(int=1)) is None
    assert (ledger.outcome, ledger.given_back) == (None, 0)
    assert "done" not in [*told.states, *told.published]
    assert sandbox.held == []


@pytest.mark.parametrize("step", [SPENT, BROKEN])
def test_a_claim_lost_while_a_jail_runs_stops_everything(
    grader: Make, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, step: RunResult | SandboxError
) -> None:
    losses: list[bool] = []

    def lose_the_claim(jail: FakeJail) -> RunResult:
        ledger.lost = {"renew"}
        losses.append(ledger.refused.wait(10))
        return in_turn(step)(jail)

    monkeypatch.setattr(lease, "RENEWALS_PER_LEASE", 3000)
    ledger.offered = claimed(asking(test_cases=THREE))
    sandbox = FakeSandbox(lose_the_claim)
    assert grader(sandbox).grade(ledger.offered.execution_id) is None
    assert (len(sandbox.jails), losses) == (1, [True])
    assert (ledger.outcome, ledger.results, ledger.given_back) == (None, [], 0)


@pytest.mark.parametrize(("language", "sources"), [("python", (File("main.py", b""),)), ("c", C)])
def test_it_gives_back_what_it_must_leave(
    grader: Make, ledger: Ledger, told: Told, language: str, sources: tuple[File, ...]
) -> None:
    ledger.offered = claimed(asking(language, sources))
    sandbox = FakeSandbox(in_turn(RunAborted("told to stop")))
    assert grader(sandbox).grade(ledger.offered.execution_id) == ledger.offered
    assert (ledger.given_back, ledger.outcome, len(sandbox.jails)) == (1, None, 1)
    assert "done" not in [*told.states, *told.published]
    assert sandbox.held == []


def test_what_was_lost_is_not_given_back(grader: Make, ledger: Ledger) -> None:
    ledger.lost = {"give_back"}
    assert grader(FakeSandbox(in_turn(RunAborted("told to stop")))).grade(UUID(int=1)) is None


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("change", ["enter", "record", "finish"])
def test_it_waits_for_a_database_that_is_away(grader: Make, ledger: Ledger, change: str) -> None:
    ledger.away = {change: 3}
    assert graded(grader(FakeSandbox()), ledger, asking()).verdict is Verdict.OK
    assert len(ledger.results) == 1


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("change", ["enter", "record", "finish"])
def test_it_does_not_wait_for_ever(grader: Make, ledger: Ledger, told: Told, change: str) -> None:
    ledger.away = {change: 1000}
    with pytest.raises(Unavailable):
        grader(FakeSandbox()).grade(UUID(int=1))
    assert "done" not in [*told.states, *told.published]

"""What becomes of an execution whose claim is lost, that must be left, or whose database is away."""

import select
import threading
from uuid import UUID

import pytest

from domain.blobs import BlobsAway
from domain.errors import Unavailable
from domain.model import File
from domain.verdict import Verdict
from sandbox import RunAborted, RunResult, SandboxError
from sandbox.fake import SPENT, FakeJail, FakeSandbox, in_turn
from tests.unit.workers.grading import BROKEN, THREE, C, Make, Told, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import asking, claimed
from workers import lease, recorder
from workers.lease import Leases


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every result recorded by itself."""
    monkeypatch.setattr(recorder, "EVERY_S", -1.0)


@pytest.mark.usefixtures("one_by_one")
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
        assert jail.cancel is not None
        losses.append(bool(select.select([jail.cancel], [], [], 10)[0]))
        return in_turn(step)(jail)

    monkeypatch.setattr(lease, "RENEWALS_PER_LEASE", 3000)
    ledger.offered = claimed(asking(test_cases=THREE))
    sandbox = FakeSandbox(lose_the_claim)
    assert grader(sandbox).grade(ledger.offered.execution_id) is None
    assert (len(sandbox.jails), losses) == (1, [True])
    assert (ledger.outcome, ledger.results, ledger.given_back) == (None, [], 0)


@pytest.mark.parametrize("policy", ["compile", "strict"])
def test_a_cancelled_one_ends_its_jail_and_says_nothing(
    grader: Make, ledger: Ledger, told: Told, leases: Leases, policy: str
) -> None:
    def cancel_meanwhile(jail: FakeJail) -> RunResult:
        if jail.command.policy != policy:
            jail.box.write("a.out", b"ELF")
            return SPENT
        ledger.lost = {"renew", "enter", "record", "finish", "give_back"}
        leases.look(claim.execution_id)
        assert jail.cancel is not None
        assert select.select([jail.cancel], [], [], 10)[0]
        raise RunAborted("told to stop")

    ledger.offered = claim = claimed(asking("c", C, test_cases=THREE))
    sandbox = FakeSandbox(cancel_meanwhile)
    assert grader(sandbox).grade(claim.execution_id) is None
    assert (ledger.outcome, ledger.results, ledger.given_back) == (None, [], 0)
    assert [jail.command.policy for jail in sandbox.jails] == (
        ["compile", "strict"] if policy == "strict" else [policy]
    )
    assert "done" not in told.states
    assert sandbox.held == []


@pytest.mark.usefixtures("at_once")
def test_a_cancelled_one_ends_what_runs_in_other_slots_too(grader: Make, ledger: Ledger, leases: Leases) -> None:
    both = threading.Barrier(2, timeout=10)

    def wait_for_the_end(jail: FakeJail) -> RunResult:
        if both.wait() == 0:
            ledger.lost = {"renew"}
            leases.look()
        assert jail.cancel is not None
        assert select.select([jail.cancel], [], [], 10)[0]
        raise RunAborted("told to stop")

    ledger.offered = claimed(asking(test_cases=THREE))
    sandbox = FakeSandbox(wait_for_the_end, spare=[1])
    assert grader(sandbox).grade(ledger.offered.execution_id) is None
    assert (len(sandbox.jails), ledger.results, ledger.outcome, ledger.given_back) == (2, [], None, 0)
    assert (sandbox.held, sandbox.spare) == ([], [1])


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


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("change", ["enter", "record", "finish"])
def test_it_waits_for_a_database_that_is_away(grader: Make, ledger: Ledger, change: str) -> None:
    ledger.away = {change: 3}
    assert graded(grader(FakeSandbox()), ledger, asking()).verdict is Verdict.OK
    assert len(ledger.results) == 1


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("change", ["enter", "record", "finish"])
def test_it_does_not_wait_for_ever(grader: Make, ledger: Ledger, told: Told, change: str) -> None:
    ledger.away = {change: 1000}
    with pytest.raises(Unavailable):
        grader(FakeSandbox()).grade(UUID(int=1))
    assert "done" not in [*told.states, *told.published]


@pytest.mark.parametrize("change", ["enter", "finish"])
def test_while_blobs_are_away_it_is_given_back_and_not_sent_at_once(
    grader: Make, ledger: Ledger, told: Told, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    def away(*_: object, **__: object) -> bool:
        raise BlobsAway("the blob store does not answer")

    monkeypatch.setattr(ledger, change, away)
    sandbox = FakeSandbox()

    assert grader(sandbox).grade(UUID(int=1)) is None
    assert (ledger.outcome, ledger.given_back) == (None, 1)
    assert "done" not in [*told.states, *told.published]
    assert sandbox.held == []

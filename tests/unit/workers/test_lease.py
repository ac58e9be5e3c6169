import select
import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from tests.unit.workers.ledger import NOWHERE, Ledger
from tests.unit.workers.making import asking, claimed
from workers import lease
from workers.lease import ClaimLost, Hold, Leases

PATIENCE_S = 10
CLAIM = claimed(asking())


class Watched(Ledger):
    """Tells when the lease was asked to be renewed often enough."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.often_enough = threading.Event()
        self.times = times

    def renew(self, *_: object) -> bool:
        try:
            return super().renew()
        finally:
            if self.renewed >= self.times:
                self.often_enough.set()


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Watched]:
    def make(times: int) -> Watched:
        ledger = Watched(times)
        monkeypatch.setattr(lease, "executions", ledger)
        monkeypatch.setattr(lease, "RENEWALS_PER_LEASE", 1000)
        return ledger

    return make


@pytest.fixture
def leases() -> Iterator[Leases]:
    """Leases of a second, renewed all the time."""
    made = Leases(1)
    yield made
    made.close()


def test_it_renews_for_as_long_as_the_block_lasts(watching: Callable[[int], Watched], leases: Leases) -> None:
    ledger = watching(3)
    with leases.holding(NOWHERE, CLAIM) as held:
        assert ledger.often_enough.wait(PATIENCE_S)
        held.check()
    assert leases._held == set()


def test_it_tells_that_the_claim_is_lost_and_renews_it_no_more(
    watching: Callable[[int], Watched], leases: Leases
) -> None:
    ledger = watching(1)
    ledger.lost = {"renew"}
    with leases.holding(NOWHERE, CLAIM) as held, pytest.raises(ClaimLost):
        assert ledger.refused.wait(PATIENCE_S)
        while True:  # until the event is set that the refusal comes before
            held.check()
    leases.close()
    assert ledger.renewed == 1


def test_one_claim_that_is_lost_says_nothing_of_another(watching: Callable[[int], Watched], leases: Leases) -> None:
    ledger = watching(1)
    with leases.holding(NOWHERE, CLAIM):
        ledger.lost = {"renew"}
        assert ledger.refused.wait(PATIENCE_S)
    ledger.lost = set()
    ledger.often_enough.clear()
    with leases.holding(NOWHERE, CLAIM) as held:
        assert ledger.often_enough.wait(PATIENCE_S)
        held.check()


def test_a_database_that_is_away_is_asked_again(watching: Callable[[int], Watched], leases: Leases) -> None:
    ledger = watching(4)
    ledger.away = {"renew": 2}
    with leases.holding(NOWHERE, CLAIM) as held:
        assert ledger.often_enough.wait(PATIENCE_S)
        held.check()


def test_nothing_is_renewed_after_an_error(watching: Callable[[int], Watched]) -> None:
    ledger, leases = watching(1), Leases(1_000_000)
    with pytest.raises(ValueError), leases.holding(NOWHERE, CLAIM):
        raise ValueError
    leases.look()
    leases.close()
    assert leases._held == set()
    assert ledger.renewed == 0


def test_one_thread_renews_what_a_process_holds_one_after_another(watching: Callable[[int], Watched]) -> None:
    watching(1)
    leases = Leases(1000)
    before = set(threading.enumerate())
    for _ in range(3):
        with leases.holding(NOWHERE, CLAIM):
            assert len(set(threading.enumerate()) - before) == 1
    leases.close()
    assert set(threading.enumerate()) <= before


def test_who_is_told_to_look_finds_a_loss_at_once(watching: Callable[[int], Watched]) -> None:
    ledger, leases = watching(1), Leases(1_000_000)
    told: list[str] = []
    with leases.holding(NOWHERE, CLAIM) as held:
        held.when_lost(lambda: told.append("before"))
        leases.look(UUID(int=404))
        assert ledger.renewed == 0
        leases.look(CLAIM.execution_id)
        assert (ledger.renewed, held.lost, readable(held)) == (1, False, False)

        ledger.lost = {"renew"}
        leases.look()

        assert (held.lost, readable(held), told) == (True, True, ["before"])
        held.when_lost(lambda: told.append("after"))
        leases.look(CLAIM.execution_id)
        assert (ledger.renewed, told) == (2, ["before", "after"])
    leases.close()


def test_what_is_held_no_more_is_not_lost(watching: Callable[[int], Watched], leases: Leases) -> None:
    watching(1)
    with leases.holding(NOWHERE, CLAIM) as held:
        pass
    held.lose()  # its descriptor may be somebody else's by now
    assert not held.lost


def readable(held: Hold) -> bool:
    return bool(select.select([held.descriptor], [], [], 0)[0])


def test_a_short_block_renews_nothing(watching: Callable[[int], Watched]) -> None:
    ledger, leases = watching(1), Leases(1_000_000)
    with leases.holding(NOWHERE, CLAIM):
        pass
    leases.close()
    assert ledger.renewed == 0

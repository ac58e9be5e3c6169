import threading
from collections.abc import Callable

import pytest

from tests.unit.workers.ledger import NOWHERE, Ledger
from tests.unit.workers.making import asking, claimed
from workers import lease
from workers.lease import ClaimLost, holding

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


def lease_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "lease"]


def test_it_renews_for_as_long_as_the_block_lasts(watching: Callable[[int], Watched]) -> None:
    ledger = watching(3)
    with holding(NOWHERE, CLAIM, 1) as still_ours:
        assert ledger.often_enough.wait(PATIENCE_S)
        still_ours()
    assert not lease_threads()


def test_it_tells_that_the_claim_is_lost(watching: Callable[[int], Watched]) -> None:
    ledger = watching(1)
    ledger.lost = {"renew"}
    with holding(NOWHERE, CLAIM, 1) as still_ours, pytest.raises(ClaimLost):
        [renewer] = lease_threads()
        renewer.join(PATIENCE_S)
        still_ours()
    assert ledger.renewed == 1


def test_a_database_that_is_away_is_asked_again(watching: Callable[[int], Watched]) -> None:
    ledger = watching(4)
    ledger.away = {"renew": 2}
    with holding(NOWHERE, CLAIM, 1) as still_ours:
        assert ledger.often_enough.wait(PATIENCE_S)
        still_ours()


def test_it_ends_with_an_error_too(watching: Callable[[int], Watched]) -> None:
    watching(1)
    with pytest.raises(ValueError), holding(NOWHERE, CLAIM, 1):
        raise ValueError
    assert not lease_threads()


def test_a_short_block_renews_nothing(watching: Callable[[int], Watched]) -> None:
    ledger = watching(1)
    with holding(NOWHERE, CLAIM, 1000):
        pass
    assert ledger.renewed == 0

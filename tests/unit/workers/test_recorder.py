from pathlib import Path

import pytest

from domain.blob_folder import FolderBlobs
from domain.errors import Unavailable
from domain.model import TestResult
from domain.verdict import Verdict
from tests.unit.workers.ledger import NOWHERE, Ledger
from tests.unit.workers.making import asking, claimed
from tests.unit.workers.test_stopwatch import Clock
from workers import patience, recorder
from workers.lease import ClaimLost
from workers.recorder import AT_MOST_BYTES, EVERY_S, Recorder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(recorder, "time", made)
    monkeypatch.setattr(patience, "time", made)
    return made


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Ledger:
    made = Ledger()
    monkeypatch.setattr(recorder, "executions", made)
    return made


@pytest.fixture
def keeping(tmp_path: Path, ledger: Ledger) -> Recorder:
    return Recorder(NOWHERE, FolderBlobs(tmp_path), claimed(asking()), patience_s=5)


def result(ordinal: int, stdout: bytes = b"") -> TestResult:
    return TestResult(ordinal, Verdict.OK, stdout=stdout)


def test_what_one_moment_brought_is_left_for_the_end(keeping: Recorder, ledger: Ledger) -> None:
    for ordinal in range(3):
        keeping.add(result(ordinal))
    assert ledger.batches == []
    assert [found.ordinal for found in keeping.rest()] == [0, 1, 2]


def test_it_writes_what_a_moment_brought(keeping: Recorder, ledger: Ledger, clock: Clock) -> None:
    keeping.add(result(0))
    clock.sleep(EVERY_S * 1.01)
    keeping.add(result(1))
    assert ledger.batches == [2]
    keeping.add(result(2))
    assert ledger.batches == [2]
    assert [found.ordinal for found in keeping.rest()] == [2]


def test_it_does_not_hoard(keeping: Recorder, ledger: Ledger) -> None:
    keeping.add(result(0, bytes(AT_MOST_BYTES)))
    assert ledger.batches == []
    keeping.add(result(1, b"x"))
    assert ledger.batches == [2]
    keeping.add(result(2, b"x"))
    assert ledger.batches == [2]


def test_nothing_is_written_where_there_is_nothing(keeping: Recorder, ledger: Ledger) -> None:
    keeping.flush()
    assert (ledger.batches, keeping.rest()) == ([], ())


def test_a_claim_that_is_lost_ends_it(keeping: Recorder, ledger: Ledger) -> None:
    ledger.lost = {"record"}
    keeping.add(result(0))
    with pytest.raises(ClaimLost):
        keeping.flush()


def test_it_waits_for_a_database_that_is_away(keeping: Recorder, ledger: Ledger) -> None:
    ledger.away = {"record": 3}
    keeping.add(result(0))
    keeping.flush()
    assert ledger.batches == [1]


def test_it_does_not_wait_for_ever(keeping: Recorder, ledger: Ledger) -> None:
    ledger.away = {"record": 1000}
    keeping.add(result(0))
    with pytest.raises(Unavailable):
        keeping.flush()
    assert [found.ordinal for found in keeping.rest()] == [0]

import threading
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import pytest
import structlog

from domain.blob_folder import FolderBlobs
from sandbox.fake import FakeSandbox
from tests.unit.workers.grading import Make, Told
from tests.unit.workers.ledger import NOWHERE, Ledger
from tests.unit.workers.making import LANGUAGES, asking, claimed
from tests.unit.workers.test_stopwatch import Clock
from workers import entering, grade, lease, patience, recorder, scout
from workers.broadcast import Broadcaster
from workers.grade import Grader
from workers.lease import Leases


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, object]]]:
    """What is logged, as events; without this structlog would draw every traceback with all its variables."""
    with structlog.testing.capture_logs() as events:
        yield events


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    made = Ledger(claimed(asking()))
    clock = Clock()
    monkeypatch.setattr(patience, "time", clock)
    for module in (entering, grade, lease, recorder):
        monkeypatch.setattr(module, "executions", made)
    return made


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def leases() -> Iterator[Leases]:
    made = Leases(30)
    yield made
    made.close()


@pytest.fixture
def broadcaster(told: Told) -> Iterator[Broadcaster]:
    made = Broadcaster(told)
    yield made
    made.close()


@pytest.fixture
def grader(tmp_path: Path, told: Told, leases: Leases, broadcaster: Broadcaster) -> Make:
    def make(sandbox: FakeSandbox) -> Grader:
        return Grader(
            db=NOWHERE,
            blobs=FolderBlobs(tmp_path),
            events=told,
            sandbox=sandbox,
            languages=LANGUAGES,
            host="host-1",
            worker="host-1/7",
            lease_s=30,
            max_attempts=3,
            versions={"shipd": "1.0", "nsjail": "3.6"},
            language_versions={"python": "3.11.2"},
            leases=leases,
            broadcaster=broadcaster,
        )

    return make


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The scout looks all the time once who grades has the first, however busy the machine; no thread may remain."""
    look = scout.Scout._look

    def look_later(self: scout.Scout, pause: float) -> float:
        while len(self.work.left()) == self._to_do and not self._over.wait(0.001):
            pass
        return look(self, pause)

    monkeypatch.setattr(scout.Scout, "_look", look_later)
    monkeypatch.setattr(scout, "LOOK_S", 0.001)
    monkeypatch.setattr(scout, "GRACE_S", 0.005)
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before

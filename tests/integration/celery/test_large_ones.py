"""One execution of four CPUs and much memory beside a flow of small ones: both go on, and no limit is ever exceeded."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from domain.db import Database
from domain.limits import Constraints
from domain.model import Expectation, File, Submission, TestCase
from domain.verdict import Verdict
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, groups_of_runs, sleeping

MIB = 1 << 20
ROOM_MB = 3584
SETTINGS = {"SHIPD_SLOTS": "4", "SHIPD_MEMORY_MB": "4096", "SHIPD_RESERVE_MB": "512"}
LARGE = Constraints(cpu_millicores=4000, memory_mb=3072)
LIMITS = ("memory.limit_in_bytes", "memory.max")
LOOK_S = 0.02
pytestmark = pytest.mark.usefixtures("calm")


def asking(source: str, constraints: Constraints) -> Submission:
    only = TestCase(0, "only", expected=Expectation(stdout=b"done"))
    return Submission("python", (File("main.py", source.encode()),), "main.py", (only,), constraints=constraints)


def limits_mb(worker: ProcessContainer) -> int:
    """What the memory limits of all runs that stand at the moment come to; those without one run nothing yet."""
    found = 0
    for limit in {group / name for group in groups_of_runs(worker) for name in LIMITS}:
        try:
            text = limit.read_text().strip()
        except OSError:  # another controller's, or gone
            continue
        found += int(text) // MIB if text.isdigit() and int(text) < 1 << 50 else 0
    return found


@contextmanager
def watched(worker: ProcessContainer) -> Iterator[list[int]]:
    """Look at the limits again and again."""
    seen: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            seen.append(limits_mb(worker))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def ended_in_order(db: Database) -> list[UUID]:
    with db.statement() as tx:
        return [row[0] for row in tx.execute("SELECT submission_id FROM executions ORDER BY finished_at").fetchall()]


def test_large_ones_find_room_and_small_ones_go_on(
    calm: Fleet, instead: Callable[..., ProcessContainer], db: Database, folder: Path
) -> None:
    worker = instead("roomy", **SETTINGS)
    small = replace(Constraints(), memory_mb=512)
    with watched(worker) as seen:
        first = [calm.create(asking(sleeping(0.3), small)) for _ in range(6)]
        large = [calm.create(asking(sleeping(0.3), LARGE)) for _ in range(2)]
        then = [calm.create(asking(sleeping(0.3), small)) for _ in range(24)]
        ended = {one: calm.done(one) for one in (*first, *large, *then)}
    assert {one.verdict for one in ended.values()} == {Verdict.AC}
    order = ended_in_order(db)
    # Neither had to wait until nothing else was there, and small ones passed while the first stood at the door.
    assert order.index(large[0]) < order.index(then[-1])
    assert min(map(order.index, then)) < order.index(large[0])
    assert max(ended[one].attempt for one in large) > 1  # the other one went back meanwhile
    assert max(ended[one].attempt for one in (*first, *then)) == 1
    assert max(seen, default=0) <= ROOM_MB
    if any(seen):  # where the kernel counts
        assert max(seen) >= LARGE.memory_mb
    assert not (folder / "roomy" / "slots" / "parked").read_text()

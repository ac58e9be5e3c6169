"""One execution of four CPUs and much memory beside a flow of small ones: both go on, and no limit is ever exceeded."""

import contextlib
import itertools
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
from sandbox.door import PATIENCE_S
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, instance_of, sleeping
from tests.jail.leaks import groups

MIB = 1 << 20
ROOM_MB = 3584
SLOTS = 4
MOST = 1 << 50
"""Of a limit: where there is none, version 1 tells more."""
SETTINGS = {"SHIPD_SLOTS": str(SLOTS), "SHIPD_MEMORY_MB": "4096", "SHIPD_RESERVE_MB": "512"}
LARGE = Constraints(cpu_millicores=4000, memory_mb=3072)
LIMITS = ("memory.limit_in_bytes", "memory.max")
LOOK_S = 0.02
pytestmark = pytest.mark.usefixtures("calm")


def asking(source: str, constraints: Constraints) -> Submission:
    only = TestCase(0, "only", expected=Expectation(stdout=b"done"))
    return Submission("python", (File("main.py", source.encode()),), "main.py", (only,), constraints=constraints)


def limits_mb(instances: list[Path]) -> int | None:
    """What the memory limits of all runs that stand at the moment come to; those without one run nothing yet.

    None where one of them was gone before all were read: they did not stand at one moment then.
    """
    found: dict[Path, str] = {}
    for instance in instances:
        for number, name in itertools.product(range(SLOTS), LIMITS):
            slot = instance / str(number)
            with contextlib.suppress(OSError):  # another controller's, or gone meanwhile
                found |= {
                    run: (run / name).read_text().strip() for run in slot.iterdir() if run.name.startswith("run-")
                }
    if not all(run.exists() for run in found):
        return None
    return sum(int(limit) // MIB for limit in found.values() if limit.isdigit() and int(limit) < MOST)


@contextmanager
def watched(worker: ProcessContainer) -> Iterator[list[int]]:
    """Look at the limits again and again."""
    seen: list[int] = []
    instance = instance_of(worker)
    instances = [group for group in groups(instance) if group.name == f"shipd-{instance}"]
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            if (found := limits_mb(instances)) is not None:
                seen.append(found)

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
        # One of the first outlasts the door's patience: until then no large one has all slots, however soon it comes,
        # and small ones pass it.
        first = [calm.create(asking(sleeping(seconds), small)) for seconds in (PATIENCE_S + 4, *[0.3] * 5)]
        large = [calm.create(asking(sleeping(1.5), LARGE)) for _ in range(2)]
        then = [calm.create(asking(sleeping(0.3), small)) for _ in range(45)]
        ended = {one: calm.done(one) for one in (*first, *large, *then)}
    assert {one.verdict for one in ended.values()} == {Verdict.AC}
    order = ended_in_order(db)
    # Neither had to wait until nothing else was there, and small ones went on while the first stood at the door or ran.
    assert order.index(large[0]) < order.index(then[-1])
    assert min(map(order.index, then)) < order.index(large[0])
    assert max(ended[one].attempt for one in large) > 1  # the other one went back meanwhile
    assert max(ended[one].attempt for one in (*first, *then)) == 1
    assert max(seen, default=0) <= ROOM_MB
    if any(seen):  # where the kernel counts
        assert max(seen) >= LARGE.memory_mb
    assert not (folder / "roomy" / "slots" / "parked").read_text()

"""Chores by the clock; that the process sweeps is seen in tests/integration/celery."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from domain.errors import Unavailable
from tests.waiting import eventually
from workers.beat import Chore, keep


@dataclass
class Work:
    """Something to do that fails as often as a test wants."""

    errors: list[Exception] = field(default_factory=list)
    done: int = 0

    def do(self) -> None:
        self.done += 1
        if self.errors:
            raise self.errors.pop(0)


@pytest.fixture
def kept() -> Callable[..., None]:
    """Keep on with chores until something came to pass."""

    def run(until: Callable[[], bool], *chores: Chore) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=keep, args=(chores, stop))
        thread.start()
        try:
            eventually(until)
        finally:
            stop.set()
            thread.join()

    return run


def test_a_chore_is_done_again_whatever_came_of_it(kept: Callable[..., None]) -> None:
    work = Work([Unavailable("PostgreSQL is away"), OSError("the disk is full"), ValueError("a fault of ours")])
    with capture_logs() as logs:
        kept(lambda: work.done >= 5, Chore("work", 0.001, work.do))
    told = [(line["event"], line["log_level"]) for line in logs if line.get("chore") == "work"]
    assert told == [("chore_interrupted", "warning")] * 2 + [("chore_failed", "error")]


def test_a_chore_that_hangs_holds_up_no_other(kept: Callable[..., None]) -> None:
    free, work = threading.Event(), Work()

    def is_enough() -> bool:
        if work.done >= 3:
            free.set()
        return free.is_set()

    kept(is_enough, Chore("hangs", 0.001, lambda: assert_free(free)), Chore("work", 0.001, work.do))


def assert_free(free: threading.Event) -> None:
    assert free.wait(30)

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from domain import forking
from domain.db import Connection
from domain.forking import unforked
from tests.forked import forked

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def came_to(action: Callable[[], object]) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(forked(action), 0)[1])


@contextmanager
def inside(pause: Callable[[], object], done: threading.Event) -> Iterator[None]:
    """Have a thread in a block while this one goes on."""
    began = threading.Event()

    def work() -> None:
        with unforked():
            began.set()
            pause()
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    yield
    thread.join()


def a_fork_waits() -> None:
    done = threading.Event()

    def look() -> None:
        assert done.is_set()

    with inside(lambda: time.sleep(0.1), done):
        assert came_to(look) == 0


def test_a_fork_waits_for_whoever_is_in_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "PATIENCE_S", 30.0)
    a_fork_waits()


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "PATIENCE_S", 0.05)
    done, go = threading.Event(), threading.Event()

    def look() -> None:
        assert not done.is_set()
        assert forking._inside == 0  # nobody of those inside came along
        with unforked():
            pass

    with inside(go.wait, done):
        assert came_to(look) == 0
        go.set()


def test_a_child_forks_as_its_parent_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "PATIENCE_S", 30.0)
    assert came_to(a_fork_waits) == 0


def test_whoever_connects_to_postgresql_is_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int] = []
    monkeypatch.setattr(psycopg.Connection, "connect", lambda *_, **__: inside.append(forking._inside))
    Connection.connect("")
    assert (inside, forking._inside) == ([1], 0)

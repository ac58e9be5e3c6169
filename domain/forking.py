"""No process is forked while one of its threads begins what a child could not do any more.

A lock of a library that another thread holds at the fork is held in the child for ever. libpq sets up TLS for each
connection, under locks of OpenSSL's that know nothing of forks: a child of that moment would hang at its first own one.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_S = 1.0
"""How long a fork waits: longer than a connection takes to be made; who waits for a silent server holds no lock."""


_changed = threading.Condition()
_inside = 0


@contextmanager
def unforked() -> Iterator[None]:
    """Have nobody fork this process in the block, unless it takes more than `PATIENCE_S`."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(more: int) -> None:
    global _inside  # noqa: PLW0603 - one for the process, as a fork is
    with _changed:
        _inside += more
        _changed.notify_all()


def _before() -> None:
    _changed.acquire()  # nobody begins any more
    _changed.wait_for(lambda: not _inside, PATIENCE_S)


def _in_parent() -> None:
    _changed.release()


def _in_child() -> None:
    global _changed, _inside
    _changed, _inside = threading.Condition(), 0


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)

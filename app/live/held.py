"""Threads of the API that a request may hold for long: some of a process, so that all other requests find one.

What can be waited for in the stream process is waited for there (`patience`); a batch is waited for here.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import LimitReached

MOST = 8
"""As many threads of a process are held at a time."""
RETRY_AFTER_S = 2

_free = threading.BoundedSemaphore(MOST)


@contextmanager
def held() -> Iterator[None]:
    """Hold this thread for as long as the block takes. Raises LimitReached, ours, where enough are held already."""
    if not _free.acquire(blocking=False):
        message = "too many requests wait for batches at the moment; ask again, or without `wait`"
        raise LimitReached("overloaded", message, retry_after_s=RETRY_AFTER_S, ours=True)
    try:
        yield
    finally:
        _free.release()

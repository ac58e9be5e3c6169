"""Waits for descriptors, whatever their numbers: select(2) takes none from 1024 on, and a busy worker has more open."""

import errno
import math
import os
import select
from collections.abc import Iterable


def readable(descriptors: Iterable[int], patience_s: float) -> list[int]:
    """List those that can be read, or are at their end, as soon as there is one; none after `patience_s`.

    Raises OSError for one that is not open.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    found = poll.poll(math.ceil(1000 * patience_s))
    if any(event & select.POLLNVAL for _, event in found):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return [descriptor for descriptor, _ in found]

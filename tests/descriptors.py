"""Which descriptors this process has open, to see that none is left behind."""

import gc
import os
from contextlib import suppress


def open_descriptors() -> frozenset[tuple[int, str]]:
    """Tell each by its number and what it leads to, without those of earlier tests that nobody has any more.

    Nothing was left open if there are none after that were not there before: others may be closed meanwhile, by
    threads of earlier tests and where an object is at last given up.
    """
    gc.collect()
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are all that is needed
        with suppress(FileNotFoundError):  # the one for this listing, and what a thread closed
            found.add((int(name), os.readlink(f"/proc/self/fd/{name}")))  # noqa: PTH115 - a link to no path
    return frozenset(found)

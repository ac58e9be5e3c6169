"""A child of the process that runs the tests."""

import os
import traceback
from collections.abc import Callable


def forked(action: Callable[[], object]) -> int:
    """Have a child do this and end with 0, or with 1 where it raises; gives its id.

    It never comes back: a second process that goes on with the tests would report for the first.
    """
    child = os.fork()
    if child:
        return child
    try:
        action()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it is, it stays here
        traceback.print_exc()
    finally:
        os._exit(1)

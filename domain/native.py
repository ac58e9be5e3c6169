"""Calls into libraries that hold their thread while they wait, and know nothing of gevent.

The stream process serves thousands of connections with one thread: a call that waits there would hold up all of them.
"""

import importlib
import sys
from collections.abc import Callable
from typing import TypeVar, cast

Result = TypeVar("Result")


def apart(call: Callable[[], Result]) -> Result:
    """Make a call; where gevent rules, in a thread of its own, and other greenlets go on meanwhile."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return call()
    pool = importlib.import_module("gevent").get_hub().threadpool
    return cast("Result", pool.apply(call))

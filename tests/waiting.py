"""Waiting for what another process or thread does and tells nobody."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 120.0
"""What has not come to pass by then will not. On a machine that others use, too, what takes 7 s took 52 s."""
ASK_S = 0.01

Found = TypeVar("Found")


def eventually(look: Callable[[], Found | None]) -> Found:
    """Look until there is something true to see, and give it."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain"
        time.sleep(ASK_S)
    return found

"""What must be told that this process ends: whoever holds connections open ends them then, in order."""

from collections.abc import Callable

_told: list[Callable[[], None]] = []


def when_ending(action: Callable[[], None]) -> None:
    """Have `action` called once this process was asked to end."""
    _told.append(action)


def tell() -> None:
    """Call everything that was left."""
    while _told:
        _told.pop()()

"""The lock files of an instance's slots: who holds one, has the slot, until it lets go or ends, however it ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

IDLE_S = 0.1
"""How long nobody has had a slot that may be borrowed: one who comes back sooner has a use for what stands there."""


class SlotLocks:
    """Those of one instance, as one process takes them."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.count = count
        self._last: list[int] = []

    def settle(self, number: int) -> None:
        """Come back here first from now on: what stands ready there is ours."""
        self._last = [number, *(one for one in self._last if one != number)]

    def take(self, wanted: int, locks: dict[int, int], idle_s: float = 0.0) -> bool:
        """Lock slots that nobody has had for `idle_s` until there are `wanted`; whether there are."""
        for number in self._by_liking():
            if len(locks) == wanted:
                break
            if number not in locks:
                self._try(number, locks, idle_s)
        return len(locks) == wanted

    def free(self, but: Iterable[int] = ()) -> int:
        """Count those that nobody has at the moment, some left out."""
        return len(self._free_of(set(range(self.count)).difference(but)))

    def of_others(self) -> set[int]:
        """Give those that another process has, or was the last to have while it is still there."""
        numbers = set(range(self.count))
        return numbers - self._free_of(number for number in numbers if not self._settled(number))

    def _free_of(self, numbers: Iterable[int]) -> set[int]:
        free: dict[int, int] = {}
        for number in numbers:
            self._try(number, free)
        drop(free)
        return set(free)

    def _by_liking(self) -> Iterator[int]:
        """Those that we had before first, for what stands ready in them is ours; where others have settled last."""
        yield from self._last
        yield from sorted(set(range(self.count)) - set(self._last), key=lambda number: (self._settled(number), number))

    def _settled(self, number: int) -> bool:
        """Whether another process, which is still there, was the last to have a slot."""
        try:
            owner = (self.folder / f"{number}.lock").read_bytes().partition(b" ")[0]
        except FileNotFoundError:
            return False
        return owner.isdigit() and int(owner) != os.getpid() and Path("/proc", owner.decode()).exists()

    def _try(self, number: int, locks: dict[int, int], idle_s: float = 0.0) -> None:
        descriptor = os.open(self.folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(descriptor)
            if status.st_size == 0 or abs(time.time() - status.st_mtime) >= idle_s:
                locks[number] = descriptor
                return
        os.close(descriptor)


def give_back(locks: dict[int, int]) -> None:
    """Let go of slots that were used, noting the time."""
    for descriptor in locks.values():
        os.utime(descriptor)
    drop(locks)


def drop(locks: dict[int, int]) -> None:
    """Let go of slots that nothing was done with."""
    for descriptor in locks.values():
        os.close(descriptor)

"""Admission: who gets room on a host, and who waits how.

    small   fits what every slot has to itself. Waits in line, first come first served
    large   anything else. One of them waits at the door; others that come meanwhile are told to come again (RoomTaken)

Small ones pass the one at the door for PATIENCE_S. From then on what becomes free is gathered for it, and small ones
pass only where what it lacks is left. It never takes room at once while a small one waits, nor ahead of another large
one. So neither starves: a large one waits for those who had room when its patience ended, small ones for one large one
and then have its patience's time for themselves. Who borrows gives back when anybody waits (docs/decisions/0033).

Every look is by locks that the kernel keeps: who is killed while waiting holds up nobody.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from sandbox.ledger import Lacks, Ledger, Share
from sandbox.result import RoomTaken
from sandbox.slot_locks import SlotLocks, drop

PATIENCE_S = 2.0
"""How long others may still pass the one at the door."""
LINE_PAUSE_S = 0.002
DOOR_PAUSE_S = 0.01

Pause = Callable[[float], None]
"""Waits so many seconds; raises where there is nothing to wait for any more."""


@dataclass(frozen=True)
class Want:
    """What is asked for: bytes and slots."""

    slots: int
    memory_bytes: int
    disk_bytes: int = 0


class Door:
    """The way in, for one process."""

    def __init__(self, locks: SlotLocks, ledger: Ledger) -> None:
        self.locks = locks
        self.ledger = ledger
        self.each_bytes = ledger.capacity.memory_bytes // locks.count
        """What every slot has to itself."""

    def enter(self, want: Want, pause: Pause) -> Share:
        """Take room, or wait for it in line, as a small one."""
        with self._asking() as share:
            if not share.someone_waits and self._have(share, want):
                return share
            if not share.someone_in_line and self._take(share, want):
                return share
            share.join_line()
            while not (share.is_first and self._take(share, want)):
                pause(LINE_PAUSE_S)
            share.leave_line()
            return share

    def enter_large(self, want: Want, pause: Pause) -> Share:
        """Take room at once, or wait for it at the door. Raises RoomTaken where somebody else waits there."""
        with self._asking() as share:
            if not share.someone_at_door and self._take_before_line(share, want):
                return share
            if not share.take_door():
                raise RoomTaken("another large one waits for room on this host")
            share.say_lacks(Lacks())
            self._wait(share, want, pause)
            share.leave_door()
            return share

    def enter_at_once(self, want: Want, idle_s: float) -> Share | None:
        """Take room that nobody needs at the moment; None where there is none, or somebody waits."""
        with self._asking() as share:
            if not share.someone_waits and self._have(share, want, idle_s):
                return share
            share.close()
            return None

    def wanted(self) -> bool:
        """Whether somebody waits."""
        with closing(self.ledger.open()) as share:
            return share.someone_waits

    def someone_at_door(self) -> bool:
        """Whether a large one waits."""
        with closing(self.ledger.open()) as share:
            return share.someone_at_door

    def _wait(self, share: Share, want: Want, pause: Pause) -> None:
        closes_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < closes_at:
            if self._take_before_line(share, want):
                return
            pause(DOOR_PAUSE_S)
        share.say_lacks(_lacks(share, want))
        while not self._gather(share, want):
            pause(DOOR_PAUSE_S)

    def _gather(self, share: Share, want: Want) -> bool:
        """Keep whatever is free of what is wanted; whether that is all."""
        self.locks.take(want.slots, share.locks)
        share.memory.gather(want.memory_bytes)
        share.disk.gather(want.disk_bytes)
        lacks = _lacks(share, want)
        share.say_lacks(lacks)
        return not lacks

    def _take_before_line(self, share: Share, want: Want) -> bool:
        return not share.someone_in_line and self._take(share, want)

    def _take(self, share: Share, want: Want) -> bool:
        """Take all of it where that leaves what is kept for another; or nothing."""
        # What is kept first, and what is free then: the one at the door gathers meanwhile, and lacks less than it said.
        kept = share.kept()
        return (not kept or self._leaves(share, want, kept)) and self._have(share, want)

    def _have(self, share: Share, want: Want, idle_s: float = 0.0) -> bool:
        """Take all of it, or nothing."""
        if self.locks.take(want.slots, share.locks, idle_s):
            like = min(share.locks) * self.each_bytes
            if share.memory.take(want.memory_bytes, like) and share.disk.take(want.disk_bytes):
                return True
        share.memory.keep(0)
        drop(share.locks)
        share.locks.clear()
        return False

    def _leaves(self, share: Share, want: Want, kept: Lacks) -> bool:
        """Whether what is kept for the one at the door is still there when this one has entered."""
        return (
            share.memory.free() - want.memory_bytes >= kept.memory_bytes
            and share.disk.free() - want.disk_bytes >= kept.disk_bytes
            and self.locks.free() - want.slots >= kept.slots
        )

    @contextmanager
    def _asking(self) -> Iterator[Share]:
        """Give a share with nothing in it; nothing is left of it where the block raises."""
        share = self.ledger.open()
        try:
            yield share
        except BaseException:
            drop(share.locks)
            share.close()
            raise


def _lacks(share: Share, want: Want) -> Lacks:
    return Lacks(
        want.slots - len(share.locks), want.memory_bytes - share.memory.size, want.disk_bytes - share.disk.size
    )

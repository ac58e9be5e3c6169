"""Who has how much of a host's memory and disk: locks on ranges of bytes of one file, kept by the kernel.

To have a mebibyte is to hold the lock on a mebibyte of `room.lock`, anywhere in it; the file itself is empty but for a
few bytes. So nothing can be had twice, and what a killed holder had is free at once (open file description locks,
fcntl(2)). Memory and disk have ranges far apart. Who waits holds locks there too (`sandbox/door.py`): small ones a byte
each, behind those who came before; the one large one that of the door, and the file says what it still lacks.
"""

import contextlib
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.room import Capacity

_FLOCK = struct.Struct("hhqqi4x")
_LACKS = struct.Struct("qqq")
_MEMORY = 0
_DISK = 1 << 60
_DOOR = 1 << 61
_LINE = _DOOR + 1
_AREA = 1 << 50
"""More than any host has of anything."""

Range = tuple[int, int]
"""From, up to and without."""


@dataclass(frozen=True)
class Lacks:
    """What the one at the door waits for, beyond what it has gathered."""

    slots: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.slots or self.memory_bytes or self.disk_bytes)


class Area:
    """One kind of room in the file, as one descriptor sees it."""

    def __init__(self, descriptor: int, base: int, capacity: int) -> None:
        self.descriptor = descriptor
        self.base = base
        self.capacity = capacity
        self.had: list[Range] = []
        """What this descriptor has locked; its own locks do not stand in its way, so it must know of them."""

    @property
    def size(self) -> int:
        """How much of it is had."""
        return _sum(self.had)

    def take(self, wanted: int, like: int = 0) -> bool:
        """Have `wanted` in all, or nothing more than before; `like` is where it may be free, to be tried first."""
        missing = wanted - self.size
        if missing <= 0:
            return True
        there = self.base + like
        within = like + missing <= self.capacity and not self.had and not self._beyond()
        if within and _lock(self.descriptor, there, missing):
            self.had.append((there, there + missing))
            return True
        if missing > self.free():
            return False
        before = len(self.had)
        self.gather(wanted)
        if self.size < wanted:  # somebody else was quicker
            for taken in self.had[before:]:
                _unlock(self.descriptor, *taken)
            del self.had[before:]
            return False
        return True

    def gather(self, wanted: int) -> None:
        """Have as much of `wanted` as there is."""
        missing = min(wanted - self.size, self.free())
        for start, end in _gaps(sorted([*self._others(), *self.had]), self.base, self.base + self.capacity):
            if missing <= 0:
                return
            end = min(end, start + missing)  # noqa: PLW2901 - of this gap as much as is needed
            if _lock(self.descriptor, start, end - start):
                self.had.append((start, end))
                missing -= end - start

    def keep(self, wanted: int) -> None:
        """Give back all but `wanted`."""
        over = self.size - wanted
        while over > 0:
            start, end = self.had.pop()
            cut = max(start, end - over)
            _unlock(self.descriptor, cut, end)
            over -= end - cut
            if cut > start:
                self.had.append((start, cut))

    def free(self) -> int:
        """How much nobody has. Below nothing where somebody has what this process was not told that there is."""
        return self.capacity - self.size - _sum(self._others())

    def _beyond(self) -> bool:
        end = self.base + self.capacity
        return _holder(self.descriptor, end, self.base + _AREA) is not None

    def _others(self) -> list[Range]:
        found: list[Range] = []
        left = [(self.base, self.base + _AREA)]
        while left:
            start, end = left.pop()
            held = _holder(self.descriptor, start, end)
            if held is None:
                continue
            low, high = max(start, held[0]), min(end, held[1])
            found.append((low, high))
            left += [part for part in ((start, low), (high, end)) if part[0] < part[1]]
        return found


@dataclass
class Share:
    """What one holder has. Closed, all of it is free."""

    descriptor: int
    memory: Area
    disk: Area
    locks: dict[int, int] = field(default_factory=dict)
    """The slots that belong to it: the descriptors of their locked files, by number."""
    place: int = _LINE
    """In line, while it waits there."""

    def close(self) -> None:
        """Give everything back but the slots."""
        os.close(self.descriptor)

    @property
    def someone_waits(self) -> bool:
        """Whether another one is at the door or in line."""
        return _holder(self.descriptor, _DOOR, _LINE + _AREA) is not None

    def take_door(self) -> bool:
        """Become the one who waits at the door; False where there is one."""
        return _lock(self.descriptor, _DOOR, 1)

    def leave_door(self) -> None:
        """Wait no more."""
        _unlock(self.descriptor, _DOOR, _DOOR + 1)

    @property
    def someone_at_door(self) -> bool:
        """Whether another one is at the door."""
        return _holder(self.descriptor, _DOOR, _DOOR + 1) is not None

    def join_line(self) -> None:
        """Line up behind everybody who waits in line."""
        start, end = _LINE, _LINE + _AREA
        while True:
            while (ahead := _holder(self.descriptor, start, end)) is not None:
                start = ahead[1]
            if _lock(self.descriptor, start, 1):
                self.place = start
                return

    def leave_line(self) -> None:
        """Wait no more."""
        _unlock(self.descriptor, self.place, self.place + 1)

    @property
    def is_first(self) -> bool:
        """Whether nobody is ahead in line."""
        return self.place == _LINE or _holder(self.descriptor, _LINE, self.place) is None

    @property
    def someone_in_line(self) -> bool:
        """Whether another one waits in line."""
        return _holder(self.descriptor, _LINE, _LINE + _AREA) is not None

    def say_lacks(self, lacks: Lacks) -> None:
        """Say, being at the door, what must be left free for us; nothing: others may still pass."""
        os.pwrite(self.descriptor, _LACKS.pack(lacks.slots, lacks.memory_bytes, lacks.disk_bytes), 0)

    def kept(self) -> Lacks:
        """What is kept free for another one, who is at the door."""
        if not self.someone_at_door:
            return Lacks()
        said = os.pread(self.descriptor, _LACKS.size, 0)
        return Lacks(*_LACKS.unpack(said)) if len(said) == _LACKS.size else Lacks()


class Ledger:
    """The file of one instance."""

    def __init__(self, folder: Path, capacity: Capacity) -> None:
        self.path = folder / "room.lock"
        self.capacity = capacity

    def open(self) -> Share:
        """Begin with nothing."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        memory = Area(descriptor, _MEMORY, self.capacity.memory_bytes)
        return Share(descriptor, memory, Area(descriptor, _DISK, self.capacity.disk_bytes))

    def free(self) -> Capacity:
        """Say how much nobody has at the moment."""
        with contextlib.closing(self.open()) as share:
            return Capacity(max(0, share.memory.free()), max(0, share.disk.free()))


def _sum(ranges: Sequence[Range]) -> int:
    return sum(end - start for start, end in ranges)


def _gaps(taken: Sequence[Range], start: int, end: int) -> Iterator[Range]:
    """Give what lies between ranges in order (pure)."""
    for low, high in taken:
        if low > start:
            yield start, min(low, end)
        start = max(start, high)
        if start >= end:
            return
    yield start, end


def _lock(descriptor: int, start: int, length: int) -> bool:
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, asked)
    except BlockingIOError:
        return False
    return True


def _unlock(descriptor: int, start: int, end: int) -> None:
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, start, end - start, 0))


def _holder(descriptor: int, start: int, end: int) -> Range | None:
    """Give a range that another description has locked within this one; None where there is none."""
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, end - start, 0)
    kind, _, begin, length, _ = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else (begin, begin + length)

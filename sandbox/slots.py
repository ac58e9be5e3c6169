"""Slots: room for one timed jail each, with its own host uids, CPU and control group; and with it memory and disk.

A slot belongs to whoever holds the lock on its file (`sandbox/slot_locks.py`), memory and disk to whoever holds the
locks on so many bytes of another (`sandbox/ledger.py`); the kernel lets go of both when that process ends, however it
ends. Who gets room when is `sandbox/door.py`'s to say. Whoever takes a slot first kills and removes what an earlier
holder left in its control group. Who has room may borrow more that nobody needs: it is given back as soon as somebody
waits.

What stands ready in a slot is lost to the one who made it when somebody else takes the slot. So everybody settles in a
slot of their own while there is one, and what is borrowed is a slot that has been left alone for a while.
"""

import os
import secrets
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.cgroup import Hierarchy
from sandbox.door import Door, Want
from sandbox.ledger import Ledger, Share
from sandbox.limits import MIB, Limits
from sandbox.readable import readable
from sandbox.result import RunAborted, SandboxError
from sandbox.room import Capacity, Room
from sandbox.slot_locks import IDLE_S, SlotLocks, give_back

UID_BASE = 0x4000_0000
UIDS_PER_INSTANCE = 4096
UIDS_PER_SLOT = 32
"""One for init, the others for programs: each jail within a jail has another."""
MOST_SLOTS = UIDS_PER_INSTANCE // UIDS_PER_SLOT
PROGRAM_UID = 1000
"""The first program's uid inside every jail; init's is 0 where there are several to map."""
PLENTY = Capacity(1 << 48, 1 << 48)
"""Where nobody said what there is: slots alone are counted."""


@dataclass(frozen=True)
class Slot:
    """What one jail may use while the slot is held."""

    numbers: tuple[int, ...]
    name: str
    """Of its control group."""
    cpus: tuple[int, ...]
    init_uid: int | None
    program_uid: int
    uid_inside: int = PROGRAM_UID
    """What the program sees of its own."""
    program_uids: int = UIDS_PER_SLOT - 1
    """How many there are for programs, from `program_uid` on."""
    is_beside: bool = False
    """Whether it is room beside that of another jail; nothing stands ready there."""
    memory_bytes: int = field(default=sys.maxsize, compare=False)
    """What the limits of all jails that stand in it at a time may come to."""
    disk_bytes: int = field(default=0, compare=False)
    """What its boxes on disk may take."""

    @property
    def beside(self) -> "Slot":
        """The same room for one more jail at the same time: under uids of its own, on the first of the CPUs.

        Who has programs in jails within a jail here uses all uids of the slot, and has no such jail beside them.
        """
        slot = replace(self, cpus=self.cpus[:1], is_beside=True)
        if self.init_uid is None:
            return slot
        init_uid = self.init_uid + UIDS_PER_SLOT // 2
        left = UIDS_PER_SLOT - UIDS_PER_SLOT // 2 - 1
        return replace(slot, init_uid=init_uid, program_uid=init_uid + 1, program_uids=left)

    def held_to(self, limits: Limits, beside_bytes: int = 0) -> Limits:
        """Cut limits that are the platform's own, not the submission's, to what there is beside another jail's."""
        return replace(limits, memory_bytes=min(limits.memory_bytes, self.memory_bytes - beside_bytes))


class Slots:
    """The slots of one instance on this host, with what memory and disk its jails may have."""

    def __init__(
        self,
        folder: Path,
        instance: str,
        hierarchy: Hierarchy,
        count: int | None = None,
        *,
        capacity: Capacity = PLENTY,
        abort: int | None = None,
    ) -> None:
        """`abort` is a descriptor: who waits for room stops waiting when it is readable."""
        self.folder = folder
        self.hierarchy = hierarchy
        self.cpus = sorted(os.sched_getaffinity(0))
        self.count = count or len(self.cpus)
        if self.count > MOST_SLOTS:
            raise SandboxError(f"{self.count} slots are more than {MOST_SLOTS}: run several workers, each an instance")
        self.uid_base = UID_BASE + zlib.crc32(instance.encode()) % 0xFFFF * UIDS_PER_INSTANCE
        self.capacity = capacity
        self.ledger = Ledger(folder, capacity)
        self.on_change: Callable[[str], None] = lambda _: None
        """Called with a slot's name when somebody else may have had it."""
        self._locks = SlotLocks(folder, self.count)
        self._door = Door(self._locks, self.ledger)
        self._abort = abort
        self._token = secrets.token_hex(8)
        self._held: dict[str, tuple[Share, Room]] = {}
        self._used: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def acquire(self, wanted: int = 1, room: Room | None = None, *, cancel: int | None = None) -> Iterator[Slot]:
        """Hold `wanted` slots at once, and room, waiting for them; without `room` as much as so many slots have.

        Raises SandboxError where the host has not as much, RoomTaken where another large one waits already, and
        RunAborted once the descriptor `cancel`, or the process's own, is readable.
        """
        room = room or self._usual(wanted)
        want, pause = self._want(wanted, room), self._pause(cancel)
        share = (self._door.enter_large if self.is_large(wanted, room) else self._door.enter)(want, pause)
        try:
            yield self._open(share, room)
        finally:
            self._close(share)

    @contextmanager
    def borrow(self, wanted: int = 1, room: Room | None = None) -> Iterator[Slot | None]:
        """Hold slots and room that nobody needs at the moment; None, at once, where there are none or somebody waits.

        Whoever borrows asks `wanted` from time to time, and leaves the block when it says so.
        """
        room = room or self._usual(wanted)
        fits = wanted <= self.count and room.fits(self.capacity)
        share = self._door.enter_at_once(self._want(wanted, room), IDLE_S) if fits else None
        if share is None:
            yield None
            return
        try:
            yield self._open(share, room, home=False)
        finally:
            self._close(share)

    def settle(self, slot: Slot) -> Slot:
        """Give back the memory that was only needed at first; gives the slot as it is from now on."""
        share, room = self._held[slot.name]
        share.memory.keep(min(room.memory_bytes, slot.memory_bytes))
        return replace(slot, memory_bytes=share.memory.size)

    @contextmanager
    def using(self, slot: Slot, memory_bytes: int, disk_bytes: int = 0) -> Iterator[None]:
        """Count a jail's limits against what its slot holds. Raises SandboxError where that is less."""
        used = self._used.get(slot.name, 0) + memory_bytes
        if used > slot.memory_bytes or disk_bytes > slot.disk_bytes:
            raise SandboxError(
                f"jails of {used // MIB} MiB and a box of {disk_bytes // MIB} MiB on disk are more than what slot"
                f" {slot.name} holds: {slot.memory_bytes // MIB} and {slot.disk_bytes // MIB} MiB"
            )
        self._used[slot.name] = used
        try:
            yield
        finally:
            self._used[slot.name] -= memory_bytes

    def of_others(self) -> list[str]:
        """Name the slots that another process has, or had last and still may have jails standing in."""
        return [str(number) for number in self._locks.of_others()]

    def is_large(self, wanted: int, room: Room) -> bool:
        """Whether it may have to wait at the door: it takes more than what every slot has to itself.

        What only its compilers take does not make it so: they are soon done.
        """
        shared = room.memory_bytes * self.count > self.capacity.memory_bytes
        return wanted > 1 or shared or room.disk_bytes * self.count > self.capacity.disk_bytes

    def wanted(self) -> bool:
        """Whether somebody waits for room at the moment."""
        return self._door.wanted()

    def someone_at_the_door(self) -> bool:
        """Whether a large one waits at the moment."""
        return self._door.someone_at_door()

    def others_busy(self, slot: Slot) -> bool:
        """Whether somebody holds another slot than this at the moment: a timing may have suffered from it."""
        return self._locks.free(but=slot.numbers) < self.count - len(slot.numbers)

    def free(self) -> int:
        """Count the slots that nobody holds at the moment."""
        return self._locks.free()

    def busy(self) -> int:
        """Count the slots that somebody holds at the moment, borrowed or not."""
        return self.count - self.free()

    def _usual(self, wanted: int) -> Room:
        return Room(*(wanted * part // self.count for part in (self.capacity.memory_bytes, self.capacity.disk_bytes)))

    def _want(self, wanted: int, room: Room) -> Want:
        """Say what is to be taken. Raises SandboxError for more than there is."""
        if wanted > self.count:
            raise SandboxError(f"a jail of {wanted} CPUs does not fit a host of {self.count} slots")
        memory, disk = self.capacity.memory_bytes, self.capacity.disk_bytes
        if not room.fits(self.capacity):
            raise SandboxError(
                f"jails of {room.memory_bytes // MIB} MiB with {room.disk_bytes // MIB} MiB on disk do not fit a host"
                f" that has {memory // MIB} and {disk // MIB} MiB for them"
            )
        return Want(wanted, min(room.most_bytes, memory), room.disk_bytes)

    def _pause(self, cancel: int | None) -> Callable[[float], None]:
        stops = [descriptor for descriptor in (self._abort, cancel) if descriptor is not None]

        def pause(seconds: float) -> None:
            if readable(stops, seconds):
                raise RunAborted

        return pause

    def _open(self, share: Share, room: Room, *, home: bool = True) -> Slot:
        slot = self._slot(sorted(share.locks), share)
        # The jail lies in the first one's group; the others' may hold what a killed holder left there.
        for number in reversed(slot.numbers):
            self._prepare(number, slot.cpus, share.locks[number], home=home)
        self._held[slot.name] = share, room
        self._used[slot.name] = 0
        return slot

    def _close(self, share: Share) -> None:
        """Memory first: who finds a slot free is to find its memory free."""
        self._held.pop(str(min(share.locks)), None)
        share.close()
        give_back(share.locks)

    def _prepare(self, number: int, cpus: tuple[int, ...], lock: int, *, home: bool = True) -> None:
        """Clear a slot's group, unless it is as we left it: nobody had it since, and its jails stand ready for us."""
        ours = f"{os.getpid()} {self._token} {cpus}".encode()
        if os.pread(lock, len(ours) + 1, 0) == ours:
            self.hierarchy.tidy()
            return
        self.on_change(str(number))
        os.ftruncate(lock, 0)  # not ours before it is clear
        self.hierarchy.prepare_slot(str(number), cpus)
        os.pwrite(lock, ours, 0)
        if home:
            self._locks.settle(number)

    def _slot(self, numbers: list[int], share: Share) -> Slot:
        first = numbers[0]  # the group and the uids are those of the first
        root = os.geteuid() == 0
        return Slot(
            numbers=tuple(numbers),
            name=str(first),
            cpus=tuple(sorted({self.cpus[number % len(self.cpus)] for number in numbers})),
            init_uid=self.uid_base + UIDS_PER_SLOT * first if root else None,
            program_uid=self.uid_base + UIDS_PER_SLOT * first + 1 if root else os.geteuid(),
            memory_bytes=share.memory.size,
            disk_bytes=share.disk.size,
        )

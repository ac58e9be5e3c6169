"""Slots: room for one timed jail each, with its own host uids, CPU and control group.

A slot belongs to whoever holds the lock on its file; the kernel lets go of it when that process ends, however it
ends. Whoever takes a slot first kills and removes what an earlier holder left in its control group. A jail of several
CPUs takes several slots at once; a turnstile lock lets only one process gather at a time, so that two that gather
cannot wait for each other, and a large one is not overtaken for ever by small ones. Who has a slot may borrow others
that nobody needs: they are given back as soon as somebody stands at the turnstile.

What stands ready in a slot is lost to the one who made it when somebody else takes the slot. So everybody settles in a
slot of their own while there is one, and what is borrowed is a slot that has been left alone for a while.
"""

import contextlib
import fcntl
import os
import secrets
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.cgroup import Hierarchy
from sandbox.result import SandboxError

GATHER_PAUSE_S = 0.002
IDLE_S = 0.1
"""How long nobody has had a slot that may be borrowed: one who comes back sooner has a use for what stands there."""
UID_BASE = 0x4000_0000
UIDS_PER_INSTANCE = 4096
UIDS_PER_SLOT = 32
"""One for init, the others for programs: each jail within a jail has another."""
MOST_SLOTS = UIDS_PER_INSTANCE // UIDS_PER_SLOT
PROGRAM_UID = 1000
"""The first program's uid inside every jail; init's is 0 where there are several to map."""


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


class Slots:
    """The slots of one instance on this host."""

    def __init__(self, folder: Path, instance: str, hierarchy: Hierarchy, count: int | None = None) -> None:
        self.folder = folder
        self.hierarchy = hierarchy
        self.cpus = sorted(os.sched_getaffinity(0))
        self.count = count or len(self.cpus)
        if self.count > MOST_SLOTS:
            raise SandboxError(f"{self.count} slots are more than {MOST_SLOTS}: run several workers, each an instance")
        self.uid_base = UID_BASE + zlib.crc32(instance.encode()) % 0xFFFF * UIDS_PER_INSTANCE
        self.on_change: Callable[[str], None] = lambda _: None
        """Called with a slot's name when somebody else may have had it."""
        self._token = secrets.token_hex(8)
        self._last: list[int] = []
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def acquire(self, wanted: int = 1) -> Iterator[Slot]:
        """Hold `wanted` slots at once, waiting for them. Raises SandboxError where the host has not that many."""
        if wanted > self.count:
            raise SandboxError(f"a jail of {wanted} CPUs does not fit a host of {self.count} slots")
        locks = self._gather(wanted)
        try:
            slot = self._slot(sorted(locks))
            # The jail lies in the first one's group; the others' may hold what a killed holder left there.
            for number in reversed(slot.numbers):
                self._prepare(number, slot.cpus, locks[number])
            yield slot
        finally:
            _let_go(locks)

    @contextmanager
    def borrow(self, wanted: int = 1) -> Iterator[Slot | None]:
        """Hold `wanted` slots that nobody needs at the moment; None, at once, where there are none or somebody waits.

        Whoever borrows asks `wanted` from time to time, and leaves the block when it says so.
        """
        locks = self._gather_at_once(wanted)
        try:
            if locks is None:
                yield None
                return
            slot = self._slot(sorted(locks))
            for number in reversed(slot.numbers):
                self._prepare(number, slot.cpus, locks[number], home=False)
            yield slot
        finally:
            _let_go(locks or {})

    def wanted(self) -> bool:
        """Whether somebody waits for a slot at the moment."""
        with self._turnstile() as turnstile:
            return not _passes(turnstile)

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
            self._last = [number, *(one for one in self._last if one != number)]

    def others_busy(self, slot: Slot) -> bool:
        """Whether somebody holds another slot than this at the moment: a timing may have suffered from it."""
        free: dict[int, int] = {}
        others = [number for number in range(self.count) if number not in slot.numbers]
        for number in others:
            self._try(number, free)
        for descriptor in free.values():
            os.close(descriptor)
        return len(free) < len(others)

    def busy(self) -> int:
        """Count the slots that somebody holds at the moment, borrowed or not."""
        return sum(not self._is_free(number) for number in range(self.count))

    def _is_free(self, number: int) -> bool:
        try:
            descriptor = os.open(self.folder / f"{number}.lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            return _passes(descriptor)
        finally:
            os.close(descriptor)

    def _gather(self, wanted: int) -> dict[int, int]:
        locks: dict[int, int] = {}
        with self._turnstile() as turnstile, _closed_on_error(locks):
            fcntl.flock(turnstile, fcntl.LOCK_EX)
            while not self._take_free(wanted, locks):
                time.sleep(GATHER_PAUSE_S)
            return locks

    def _gather_at_once(self, wanted: int) -> dict[int, int] | None:
        locks: dict[int, int] = {}
        with self._turnstile() as turnstile, _closed_on_error(locks):
            if _passes(turnstile) and self._take_free(wanted, locks, idle_s=IDLE_S):
                return locks
        for descriptor in locks.values():
            os.close(descriptor)
        return None

    @contextmanager
    def _turnstile(self) -> Iterator[int]:
        turnstile = os.open(self.folder / "turnstile.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield turnstile
        finally:
            os.close(turnstile)

    def _take_free(self, wanted: int, locks: dict[int, int], idle_s: float = 0.0) -> bool:
        """Lock slots that nobody has had for `idle_s` until there are `wanted`; whether there are."""
        for number in self._by_liking():
            if len(locks) == wanted:
                break
            if number not in locks:
                self._try(number, locks, idle_s)
        return len(locks) == wanted

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

    def _slot(self, numbers: list[int]) -> Slot:
        first = numbers[0]  # the group and the uids are those of the first
        root = os.geteuid() == 0
        return Slot(
            numbers=tuple(numbers),
            name=str(first),
            cpus=tuple(sorted({self.cpus[number % len(self.cpus)] for number in numbers})),
            init_uid=self.uid_base + UIDS_PER_SLOT * first if root else None,
            program_uid=self.uid_base + UIDS_PER_SLOT * first + 1 if root else os.geteuid(),
        )


def _let_go(locks: dict[int, int]) -> None:
    """Give slots back, noting the time."""
    for descriptor in locks.values():
        os.utime(descriptor)
        os.close(descriptor)


def _passes(turnstile: int) -> bool:
    """Whether nobody gathers. Shared, so that two who only look do not take each other for one who waits."""
    try:
        fcntl.flock(turnstile, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _closed_on_error(locks: dict[int, int]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for descriptor in locks.values():
            os.close(descriptor)
        raise

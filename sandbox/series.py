"""The jails of one submission's test cases: one that makes jails, and within it a new one for every test case.

What differs from jails of their own: `sandbox/launcher.py`. What cannot be served so (a box on disk, a network, more
CPUs than one, too little memory to be a copy of an interpreter) is given a jail of its own.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.command import Command, Mount, inodes_for
from sandbox.jail import Parts
from sandbox.kind import ROOMY, Kind
from sandbox.launcher import Launcher
from sandbox.limits import Limits
from sandbox.network import Network
from sandbox.room import Room
from sandbox.seam import Conversation, Jails, OpenJail, Side, always
from sandbox.slots import UIDS_PER_SLOT, Slot
from sandbox.warm import DISK_BYTES, Warm

if TYPE_CHECKING:
    from sandbox.sandbox import Sandbox

_numbers = itertools.count(1)
COPIES_IN_MEMORY = 4
"""A copy of an interpreter must have this many times the interpreter's memory: else it is started anew."""


class Within:
    """Makes jails within one that stands; see `Maker`."""

    def __init__(self, parts: Parts, slot: Slot, kind: Kind, launcher: Launcher) -> None:
        self.parts = parts
        self.kind = kind
        self.slot = slot
        self.launcher = launcher
        self._uids = itertools.cycle(range(UIDS_PER_SLOT - 1))

    @property
    def alive(self) -> bool:
        """It is for as long as nobody finds out otherwise."""
        return True

    def next(self) -> Warm:
        """Ask for the next jail. Raises SandboxError."""
        number = next(self._uids)
        slot = replace(self.slot, program_uid=self.slot.program_uid + number, uid_inside=self.slot.uid_inside + number)
        room = (DISK_BYTES, inodes_for(DISK_BYTES))
        channel = self.launcher.ask(slot.uid_inside, room, (ROOMY.memory_bytes, inodes_for(ROOMY.memory_bytes)))
        try:
            warm = Warm.receive(self.parts, channel, slot)
        except BaseException:
            channel.close()
            raise
        warm.seed, warm.shared_bytes = self.launcher.seed, self.launcher.shared_bytes
        warm.own_channel = True
        try:
            warm.count(self.parts, self.kind)
        except BaseException:
            warm.end()
            raise
        return warm

    def close(self) -> None:
        """Whoever has the jail that it makes jails in, ends that."""


class Series:
    """Gives jails as a sandbox does; those of one slot for one command are made within one jail."""

    def __init__(self, sandbox: "Sandbox", slot: Slot, kind: Kind, launcher: Launcher) -> None:
        self.sandbox = sandbox
        self.held = slot
        self.kind = kind
        self.least_bytes = COPIES_IN_MEMORY * launcher.shared_bytes

    def slot(
        self, count: int = 1, room: Room | None = None, *, cancel: int | None = None
    ) -> AbstractContextManager[Slot]:
        """See Sandbox."""
        return self.sandbox.slot(count, room, cancel=cancel)

    def spare_slot(self, count: int = 1, room: Room | None = None) -> AbstractContextManager[Slot | None]:
        """See Sandbox."""
        return self.sandbox.spare_slot(count, room)

    def settle(self, slot: Slot) -> Slot:
        """See Sandbox."""
        return self.sandbox.settle(slot)

    def is_large(self, count: int, room: Room) -> bool:
        """See Sandbox."""
        return self.sandbox.is_large(count, room)

    def someone_at_the_door(self) -> bool:
        """See Sandbox."""
        return self.sandbox.someone_at_the_door()

    def slot_wanted(self) -> bool:
        """See Sandbox."""
        return self.sandbox.slot_wanted()

    def others_busy(self, slot: Slot) -> bool:
        """See Sandbox."""
        return self.sandbox.others_busy(slot)

    def series(
        self, slot: Slot, command: Command, mounts: Sequence[Mount] = (), wanted: Callable[[], bool] = always
    ) -> AbstractContextManager[Jails]:
        """See Sandbox."""
        return self.sandbox.series(slot, command, mounts, wanted)

    def converse(self, slot: Slot, program: Side, interactor: Side, cancel: int | None = None) -> Conversation:
        """See Sandbox."""
        return self.sandbox.converse(slot, program, interactor, cancel)

    @contextmanager
    def jail(
        self,
        slot: Slot,
        limits: Limits,
        disk_bytes: int,
        mounts: Sequence[Mount] = (),
        *,
        on_disk: bool = False,
        network: Network | None = None,
        command: Command | None = None,
    ) -> Iterator[OpenJail]:
        """See Sandbox."""
        fits = slot == self.held and not on_disk and network is None and limits.memory_bytes > self.least_bytes
        if fits and command is not None and Kind.of(command, mounts) == replace(self.kind, series=0):
            with self.sandbox.within(slot, self.kind, limits, disk_bytes) as inner:
                if inner is not None:
                    yield inner
                    return
        with self.sandbox.jail(
            slot, limits, disk_bytes, mounts, on_disk=on_disk, network=network, command=command
        ) as jail:
            yield jail


@contextmanager
def series(
    sandbox: "Sandbox", slot: Slot, command: Command, mounts: Sequence[Mount], wanted: Callable[[], bool]
) -> Iterator[Jails]:
    """Give jails for many runs of one command, one after the other; the sandbox itself where that cannot be."""
    pool = sandbox.pool
    if pool is None or len(slot.numbers) > 1:
        yield sandbox
        return
    plain = Kind.of(command, mounts)
    with pool.outer(slot, replace(plain, launcher=True)) as outer:
        if outer is None or outer.launcher is None:
            yield sandbox
            return
        kind = replace(plain, series=next(_numbers))
        pool.adopt(slot, kind, Within(sandbox.parts, slot, kind, outer.launcher), wanted)
        try:
            yield Series(sandbox, slot, kind, outer.launcher)
        finally:
            pool.dismiss(kind)

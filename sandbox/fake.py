"""A sandbox without jails, for tests of what uses one: it keeps files and notes what it is asked.

FakeSandbox()                                  every program exits 0 and prints nothing
FakeSandbox(in_turn(ended(1), SandboxError())) the first exits 1, the second fails, all others exit 0
FakeSandbox(lambda jail: ended(stdout=jail.command.stdin))    a program of the test's own
"""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from sandbox import files
from sandbox.box import Collected, Collection
from sandbox.command import Command, Mount
from sandbox.limits import Limits
from sandbox.network import Network
from sandbox.result import Cause, Counters, RoomTaken, RunResult, SandboxError
from sandbox.room import Room
from sandbox.seam import Conversation, Side, always
from sandbox.slots import Slot
from sandbox.streams import Taker
from sandbox.telling import Listener
from sandbox.transcript import Said, Speaker

PAGE = 4096
SPENT = RunResult(
    cause=Cause.EXIT,
    exit_code=0,
    exit_signal=None,
    stdout=b"",
    stderr=b"",
    cpu_time_us=1000,
    wall_time_us=2000,
    memory_bytes=1 << 20,
    source="cgroup",
    counters=Counters(),
)
"""What a program that does nothing comes to."""


NOTHING = Command((), policy="none")
"""What a jail has been asked to run before it is asked."""


@dataclass
class FakeBox:
    """A box in memory. It refuses the same names as a real one, and more than it has room for."""

    disk_bytes: int
    files: dict[str, bytes] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    """Those that were made for themselves."""

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Put a file in."""
        parents = {str(parent) for parent in PurePosixPath(path).parents}
        folders = {str(parent) for known in self.files for parent in PurePosixPath(known).parents}
        if path in self.files or path in folders:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if parents & self.files.keys():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        if sum(-(-len(known) // PAGE) * PAGE for known in (*self.files.values(), content)) > self.disk_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        self.files[path], self.modes[path] = content, mode

    def make_folder(self, path: str) -> None:
        """Note that it is to be there."""
        self.folders.add(path)

    def read(self, path: str, at_most: int) -> tuple[bytes, bool] | None:
        """Read a file."""
        content = self.files.get(path)
        return None if content is None else (content[:at_most], len(content) > at_most)

    def collect(self, patterns: Sequence[str], *, max_files: int, max_file_bytes: int, max_bytes: int) -> Collection:
        """Carry files out."""
        found: list[Collected] = []
        cut = False
        for path in sorted(self.files, key=lambda name: name.split("/")):
            if any(files.matches(path, pattern) for pattern in patterns):
                if len(found) == max_files:
                    return Collection(tuple(found), cut=True)
                content = self.files[path][: min(max_file_bytes, max_bytes)]
                found.append(Collected(path, content, len(content) < len(self.files[path])))
                cut = cut or (max_bytes < max_file_bytes and found[-1].truncated)
                max_bytes -= len(content)
        return Collection(tuple(found), cut)


@dataclass
class FakeJail:
    """What was asked of one jail."""

    slot: Slot
    disk_bytes: int
    mounts: tuple[Mount, ...]
    on_disk: bool
    box: FakeBox
    script: Callable[["FakeJail"], RunResult]
    limits: Limits
    network: Network | None = None
    command: Command = NOTHING
    cancel: int | None = None
    listener: Listener | None = None
    taker: Taker | None = None

    def run(
        self,
        command: Command,
        limits: Limits,
        cancel: int | None = None,
        *,
        listener: Listener | None = None,
        taker: Taker | None = None,
    ) -> RunResult:
        """Do what the test says instead."""
        self.command, self.limits, self.cancel = command, limits, cancel
        self.listener, self.taker = listener, taker
        return self.script(self)


Script = Callable[[FakeJail], RunResult]


class FakeSandbox:
    """Makes boxes in memory; `jails` lists all that were made, `held` the slots that are held.

    `spare` slots may be borrowed, unless the test says that one is `wanted`.
    """

    def __init__(
        self, script: Script | None = None, *, slots: int = 2, busy: bool = False, spare: Sequence[int] = ()
    ) -> None:
        self.script: Script = script or in_turn()
        self.slots = slots
        self.busy = busy
        self.spare = list(spare)
        self.wanted = False
        self.first = Speaker.PROGRAM
        """Who ends first where two talk."""
        self.said: tuple[Said, ...] = ()
        """What they say."""
        self.deadlock = False
        self.jails: list[FakeJail] = []
        self.held: list[Slot] = []
        self.rooms: list[Room | None] = []
        """All that was asked for."""
        self.more: list[Callable[[], bool]] = []
        """Of each series: what says whether another jail is wanted."""
        self.taken = False
        """Whether a large one waits already."""
        self.large = False

    @contextmanager
    def slot(self, count: int = 1, room: Room | None = None, *, cancel: int | None = None) -> Iterator[Slot]:
        """Hold room, unless it is `taken`."""
        del cancel
        self.rooms.append(room)
        if self.taken:
            raise RoomTaken("as the test says")
        if count > self.slots:
            raise SandboxError(f"a jail of {count} CPUs does not fit a host of {self.slots} slots")
        numbers = tuple(range(count))
        slot = Slot(numbers, name="0", cpus=numbers, init_uid=None, program_uid=os.geteuid())
        if room is not None:
            slot = replace(slot, memory_bytes=room.most_bytes, disk_bytes=room.disk_bytes)
        self.held.append(slot)
        try:
            yield slot
        finally:
            self.held.remove(slot)

    @contextmanager
    def spare_slot(self, count: int = 1, room: Room | None = None) -> Iterator[Slot | None]:
        """Lend room."""
        self.rooms.append(room)
        if self.wanted or len(self.spare) < count:
            yield None
            return
        numbers = tuple(self.spare.pop(0) for _ in range(count))
        slot = Slot(numbers, name=str(numbers[0]), cpus=numbers, init_uid=None, program_uid=os.geteuid())
        self.held.append(slot)
        try:
            yield slot
        finally:
            self.held.remove(slot)
            self.spare += numbers

    def settle(self, slot: Slot) -> Slot:
        """Leave what the last room that was asked for needs."""
        room = next((one for one in reversed(self.rooms) if one is not None), None)
        return slot if room is None else replace(slot, memory_bytes=room.memory_bytes)

    def is_large(self, count: int, room: Room) -> bool:
        """Say what the test says."""
        del count, room
        return self.large

    def someone_at_the_door(self) -> bool:
        """Say what the test says."""
        return self.taken

    def slot_wanted(self) -> bool:
        """Say what the test says."""
        return self.wanted

    def others_busy(self, slot: Slot) -> bool:
        """Say what the test says."""
        return slot in self.held and self.busy

    @contextmanager
    def series(
        self, slot: Slot, command: Command, mounts: Sequence[Mount] = (), wanted: Callable[[], bool] = always
    ) -> Iterator["FakeSandbox"]:
        """Give itself."""
        del slot, command, mounts
        self.more.append(wanted)
        yield self

    def converse(self, slot: Slot, program: Side, interactor: Side, cancel: int | None = None) -> Conversation:
        """Do what the test says: the program's part first, then the interactor's."""
        del slot
        found, said = (side.jail.run(side.command, side.limits, cancel) for side in (program, interactor))
        return Conversation(found, said, self.first, self.said, deadlock=self.deadlock)

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
    ) -> Iterator[FakeJail]:
        """Make a jail that confines nothing, because nothing runs in it."""
        jail = FakeJail(slot, disk_bytes, tuple(mounts), on_disk, FakeBox(disk_bytes), self.script, limits, network)
        jail.command = command or NOTHING
        self.jails.append(jail)
        yield jail


def ended(
    exit_code: int | None = 0,
    *,
    cause: Cause = Cause.EXIT,
    exit_signal: int | None = None,
    stdout: bytes = b"",
    stderr: bytes = b"",
) -> RunResult:
    """Give the result of a program that ended like this; what it spent is SPENT."""
    code = None if exit_signal is not None else exit_code
    return replace(SPENT, cause=cause, exit_code=code, exit_signal=exit_signal, stdout=stdout, stderr=stderr)


def in_turn(*steps: RunResult | Exception) -> Script:
    """Let the first jail end as the first step says, the second as the second...; all others exit 0."""
    left = list(steps)

    def next_step(_: FakeJail) -> RunResult:
        step = left.pop(0) if left else SPENT
        if isinstance(step, Exception):
            raise step
        return step

    return next_step

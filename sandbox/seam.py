"""What users of the sandbox need of it: the seam at which `sandbox.fake` takes the place of real jails in tests."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from sandbox.box import Collection
from sandbox.command import Command, Mount
from sandbox.limits import Limits
from sandbox.network import Network
from sandbox.result import RunResult
from sandbox.room import Room
from sandbox.slots import Slot
from sandbox.streams import Taker
from sandbox.telling import Listener
from sandbox.transcript import Said, Speaker


def always() -> bool:
    """Say yes: of most jails nobody knows which is the last."""
    return True


class BoxFiles(Protocol):
    """The files of a box: in before the run, out after it."""

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Put a file in. Raises OSError: ENOSPC where the box is too small, EEXIST, ENOTDIR for clashing names."""

    def make_folder(self, path: str) -> None:
        """Make a folder, and those that it lies in; one that is there is left. Raises OSError, as `write` does."""

    def read(self, path: str, at_most: int) -> tuple[bytes, bool] | None:
        """Read a regular file: up to `at_most` bytes and whether there was more. None where there is none."""

    def collect(self, patterns: Sequence[str], *, max_files: int, max_file_bytes: int, max_bytes: int) -> Collection:
        """Carry out the regular files that any of the globs means, in name order, within the caps."""


class OpenJail(Protocol):
    """One jail, for one run."""

    @property
    def box(self) -> BoxFiles:
        """The program's working folder."""

    def run(
        self,
        command: Command,
        limits: Limits,
        cancel: int | None = None,
        *,
        listener: Listener | None = None,
        taker: Taker | None = None,
    ) -> RunResult:
        """Run one command to its end, or until the descriptor `cancel` becomes readable.

        A `listener` hears what it writes meanwhile; a `taker` is given its stdin, once all of `command.stdin` is in.
        Raises SandboxError where it is not the program that failed, RunAborted.
        """


@dataclass(frozen=True)
class Side:
    """One of the two: a filled jail, and what is to be run in it. It reads nothing but what the other says."""

    jail: OpenJail
    command: Command
    limits: Limits
    lets_go_on: Callable[[RunResult], bool]
    """Whether the other may go on, where this has ended first, and so."""


@dataclass(frozen=True)
class Conversation:
    """What became of both, and what was said."""

    program: RunResult
    """Its wall time is without what the interactor took of it."""
    interactor: RunResult
    first: Speaker
    """Who ended first. Where that says it all, the other was ended then."""
    said: tuple[Said, ...] = ()
    truncated: bool = False
    """Whether more was said than is kept."""
    deadlock: bool = False
    """Whether the program's time was over while each of them waited for the other."""


class Jails(Protocol):
    """Whoever has room for jails and makes them."""

    def slot(
        self, count: int = 1, room: Room | None = None, *, cancel: int | None = None
    ) -> AbstractContextManager[Slot]:
        """Hold room for jails of `count` CPUs, waiting for it; without `room` what so many slots have to themselves.

        Raises SandboxError where there can be none, RoomTaken where somebody else waits for so much already, and
        RunAborted once the descriptor `cancel` is readable.
        """

    def spare_slot(self, count: int = 1, room: Room | None = None) -> AbstractContextManager[Slot | None]:
        """Borrow room for one more jail of `count` CPUs; None where none is free at this moment or somebody waits.

        Raises SandboxError where it cannot be prepared.
        """

    def settle(self, slot: Slot) -> Slot:
        """Give back the memory that was only needed at first; gives the slot as it is from now on."""

    def is_large(self, count: int, room: Room) -> bool:
        """Whether this takes more than what every slot has to itself, and so may be refused with RoomTaken."""

    def someone_at_the_door(self) -> bool:
        """Whether a large one waits for room: another would be refused."""

    def slot_wanted(self) -> bool:
        """Whether somebody waits for a slot: what is borrowed must be given back."""

    def others_busy(self, slot: Slot) -> bool:
        """Whether another slot than this is held by somebody at the moment."""

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
    ) -> AbstractContextManager[OpenJail]:
        """Give a jail with an empty box of `disk_bytes`; it is gone when the block is left.

        Where `command` says what will be run in it, a jail that stands ready for that may be given.
        """

    def series(
        self, slot: Slot, command: Command, mounts: Sequence[Mount] = (), wanted: Callable[[], bool] = always
    ) -> "AbstractContextManager[Jails]":
        """Give jails for many runs of one command in one slot, where that is cheaper; no two of them at a time.

        While `wanted` says no, none is made ahead; whoever asks all the same waits for one. Any thread may ask it.
        """

    def converse(self, slot: Slot, program: Side, interactor: Side, cancel: int | None = None) -> Conversation:
        """Let two programs talk over their stdin and stdout until both have ended, or `cancel` becomes readable.

        The program's jail is of `slot`, the interactor's of `slot.beside`. Raises SandboxError, RunAborted.
        """

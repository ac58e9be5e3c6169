"""Jails whose making and running are recorded as spans, in the place of those they are; for workers that trace."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace

from domain import spans
from domain.spans import Span
from sandbox import (
    BoxFiles,
    Command,
    Conversation,
    Jails,
    Limits,
    Listener,
    Mount,
    Network,
    OpenJail,
    Room,
    RoomTaken,
    RunAborted,
    RunResult,
    Side,
    Slot,
    Taker,
    always,
)


@dataclass(frozen=True)
class TracedJail:
    """One of them."""

    inner: OpenJail

    @property
    def box(self) -> BoxFiles:
        """The program's working folder."""
        return self.inner.box

    def run(
        self,
        command: Command,
        limits: Limits,
        cancel: int | None = None,
        *,
        listener: Listener | None = None,
        taker: Taker | None = None,
    ) -> RunResult:
        """Run one command to its end; how long, and in what kind of jail, is recorded."""
        with spans.span("jail run", expected=(RunAborted,)) as span:
            result = self.inner.run(command, limits, cancel, listener=listener, taker=taker)
            span.set({"shipd.jail.mode": result.mode})
            return result


@dataclass(frozen=True)
class TracedJails:
    """Whoever makes them; nothing else is done than `inner` does."""

    inner: Jails

    @contextmanager
    def slot(self, count: int = 1, room: Room | None = None, *, cancel: int | None = None) -> Iterator[Slot]:
        """Hold room, waiting for it; to be sent back, or to be told to stop, is no failure."""
        with ExitStack() as held:
            with spans.span("slot", {"shipd.slots": count}, expected=(RoomTaken, RunAborted)) as span:
                slot = held.enter_context(self.inner.slot(count, room, cancel=cancel))
                _note(span, slot)
            yield slot

    def spare_slot(self, count: int = 1, room: Room | None = None) -> AbstractContextManager[Slot | None]:
        """Borrow room, where there is some."""
        return self.inner.spare_slot(count, room)

    def settle(self, slot: Slot) -> Slot:
        """Give back what was only needed at first."""
        return self.inner.settle(slot)

    def is_large(self, count: int, room: Room) -> bool:
        """Whether this may be sent back."""
        return self.inner.is_large(count, room)

    def someone_at_the_door(self) -> bool:
        """Whether a large one waits."""
        return self.inner.someone_at_the_door()

    def slot_wanted(self) -> bool:
        """Whether somebody waits."""
        return self.inner.slot_wanted()

    def others_busy(self, slot: Slot) -> bool:
        """Whether others are at work."""
        return self.inner.others_busy(slot)

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
        """Give a jail; how long it was waited for is recorded."""
        made = self.inner.jail(slot, limits, disk_bytes, mounts, on_disk=on_disk, network=network, command=command)
        with ExitStack() as held:
            with spans.span("jail acquire") as span:
                _note(span, slot)
                jail = held.enter_context(made)
            yield TracedJail(jail)

    @contextmanager
    def series(
        self, slot: Slot, command: Command, mounts: Sequence[Mount] = (), wanted: Callable[[], bool] = always
    ) -> Iterator[Jails]:
        """Give jails that are made together."""
        with ExitStack() as held:
            with spans.span("series"):
                jails = held.enter_context(self.inner.series(slot, command, mounts, wanted))
            yield TracedJails(jails)

    def converse(self, slot: Slot, program: Side, interactor: Side, cancel: int | None = None) -> Conversation:
        """Let two programs talk."""
        with spans.span("jail run", expected=(RunAborted,)) as span:
            _note(span, slot)
            return self.inner.converse(slot, _bare(program), _bare(interactor), cancel)


def _note(span: Span, slot: Slot) -> None:
    span.set({"shipd.slot": slot.numbers[0]})


def _bare(side: Side) -> Side:
    return replace(side, jail=side.jail.inner) if isinstance(side.jail, TracedJail) else side

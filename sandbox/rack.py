"""The shelves of a pool: which there are, which are to be filled, and what is to be ended. No thread and no lock."""

import time
from collections import deque
from collections.abc import Callable

from sandbox.kind import Kind
from sandbox.shelf import Shelf
from sandbox.slots import Slot
from sandbox.warm import Maker, Warm


class Rack:
    """Whoever uses it makes and ends what it says, one at a time, and lets nobody else use it meanwhile."""

    def __init__(self, memory_bytes: int) -> None:
        """`memory_bytes` is what may be set aside for all that stands."""
        self.shelves: list[Shelf] = []
        self.memory_bytes = memory_bytes
        self._to_fill: deque[Shelf] = deque()
        self._spent: list[Warm | Maker] = []

    def has_work(self) -> bool:
        """Whether something is to be filled or ended."""
        return bool(self._to_fill or self._spent)

    def of(self, slot: Slot, kind: Kind) -> list[Shelf]:
        """List the shelves of a kind, whatever state they are in."""
        return [one for one in self.shelves if one.kind == kind and one.slot == slot]

    def find(self, slot: Slot, kind: Kind) -> Shelf | None:
        """Find a jail that stands ready; those that died meanwhile are made anew."""
        for shelf in self.of(slot, kind):
            if not shelf.taken and shelf.ready is not None:
                if shelf.ready.alive and (shelf.maker is None or shelf.maker.alive):
                    return shelf
                self.renew(shelf, clean=False)
        return None

    def add(self, slot: Slot, kind: Kind) -> None:
        """Have one more of a kind; within the memory, so the kinds that were not asked for the longest go first."""
        free = self.memory_bytes - kind.memory_bytes
        for shelf in sorted(self.shelves, key=lambda one: one.used_at):
            if sum(one.kind.memory_bytes for one in self.shelves) <= free:
                break
            if not shelf.taken:
                self._drop(shelf)
        self.put(Shelf(kind, slot))

    def put(self, shelf: Shelf) -> None:
        """Have a shelf, which is filled where something is wanted of it."""
        self.shelves.append(shelf)
        self.renew(shelf, clean=True)

    def renew(self, shelf: Shelf, *, clean: bool) -> None:
        """Have what a shelf has ended, and another made; by another maker where the line to this one is not clean."""
        if shelf.ready is not None:
            self._spent.append(shelf.ready)
            shelf.ready = None
        if shelf.maker is not None and (not clean or shelf not in self.shelves):
            self._spent.append(shelf.maker)
            shelf.maker = None
        if shelf in self.shelves:
            shelf.idle = not shelf.wanted()
            if not shelf.idle:
                self._to_fill.append(shelf)

    def rouse(self, slot: Slot, kind: Kind) -> bool:
        """Have shelves filled that were left idle; whether there were any."""
        idle = [shelf for shelf in self.of(slot, kind) if shelf.idle]
        for shelf in idle:
            shelf.idle = False
            self._to_fill.append(shelf)
        return bool(idle)

    def drop(self, which: Callable[[Shelf], bool]) -> None:
        """Let go of shelves; what is taken of them is ended when it is given back."""
        for shelf in list(filter(which, self.shelves)):
            self._drop(shelf)

    def _drop(self, shelf: Shelf) -> None:
        self.shelves.remove(shelf)
        if not shelf.taken:
            self._spent += [part for part in (shelf.ready, shelf.maker) if part is not None]
            shelf.ready = shelf.maker = None

    def drop_unused_for(self, seconds: float) -> None:
        """Let go of what nobody asked for."""
        oldest = time.monotonic() - seconds
        self.drop(lambda one: not one.taken and one.used_at < oldest)

    def next_to_fill(self) -> tuple[Shelf | None, Maker | None]:
        """Take the next shelf to fill; its maker belongs to whoever does it until it is `filled`."""
        while self._to_fill:
            shelf = self._to_fill.popleft()
            if shelf in self.shelves:
                maker, shelf.maker = shelf.maker, None
                return shelf, maker
        return None, None

    def filled(self, shelf: Shelf, maker: Maker, made: Warm) -> None:
        """Put what was made on its shelf, unless that was dropped meanwhile."""
        if shelf in self.shelves:
            shelf.maker, shelf.ready = maker, made
        else:
            self._spent += [made, maker]

    def not_filled(self, shelf: Shelf, maker: Maker | None) -> None:
        """Let go of a shelf whose maker could make nothing."""
        if maker is not None:
            self._spent.append(maker)
        self.drop(lambda one: one is shelf)

    def take_spent(self) -> list[Warm | Maker]:
        """Take what is to be ended."""
        spent, self._spent = self._spent, []
        return spent

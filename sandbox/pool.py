"""The warm pool of one process: jails that stand ready in the slot it holds, made by a thread while it does other work.

The pool follows the demand: a kind of jail that is asked for gets a shelf, more of them the more often it is asked for
in the time that one takes to be made, none when nobody asked for a while. What a pool cannot serve is made cold, and so
is everything while a pool is broken.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox.config import PoolConfig
from sandbox.forecast import Forecasts
from sandbox.jail import Parts
from sandbox.kind import Kind
from sandbox.result import SandboxError
from sandbox.seam import always
from sandbox.shelf import PoolStats, Shelf, end
from sandbox.slots import Slot
from sandbox.warm import Maker, Rerun, Warm, WarmJail

log = logging.getLogger(__name__)

CLEAR_PATIENCE_S = 30.0
BROKEN_PAUSE_S = 5.0
"""How long a kind that could not be made is left alone."""


class Pool:
    """Jails that stand ready, for the slots that this process holds. Safe to use from several threads."""

    def __init__(self, parts: Parts, configs: Path, config: PoolConfig) -> None:
        self.parts = parts
        self.configs = configs
        self.config = config
        self.stats = PoolStats()
        self.forecasts = Forecasts()
        self._shelves: list[Shelf] = []
        self._work: deque[Shelf] = deque()
        self._spent: deque[Warm | Maker] = deque()
        self._broken: dict[Kind, float] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._busy = False
        # Makers end with the thread that started them.
        self._thread = threading.Thread(target=self._run, name="warm-pool", daemon=True)
        self._thread.start()

    @contextmanager
    def jail(self, slot: Slot, kind: Kind, disk_bytes: int, asked_at: float) -> Iterator[WarmJail | None]:
        """Take a jail that stands ready; None where there is none. It is gone when the block is left.

        Where nothing is held for it, it may be one that anything can be executed in.
        """
        shelf = self._take(slot, kind)
        if shelf is None and kind.held_at is not None:
            shelf = self._take(slot, kind.executing)
        if shelf is None or shelf.ready is None or shelf.maker is None:
            yield None
            return
        jail = WarmJail(self.parts, shelf.kind, shelf.ready, disk_bytes, asked_at=asked_at)
        try:
            yield jail
        finally:
            self._give_back(shelf, clean=jail.clean)

    @contextmanager
    def outer(self, slot: Slot, kind: Kind) -> Iterator[Warm | None]:
        """Take a jail that makes jails; None where there is none. It is gone when the block is left."""
        shelf = self._take(slot, kind)
        try:
            yield None if shelf is None else shelf.ready
        finally:
            if shelf is not None:
                self._give_back(shelf, clean=True)

    def sizes_by_kind(self) -> Counter[tuple[str, str]]:
        """Count the jails by what has been started in them (`Kind.started`), and state."""
        with self._changed:
            return Counter((shelf.kind.started, shelf.state) for shelf in self._shelves)

    def counted(self) -> PoolStats:
        """Give what was counted so far."""
        with self._changed:
            return replace(self.stats)

    def warm(self, slot: Slot, kind: Kind, patience_s: float) -> bool:
        """Have a jail of a kind standing before it is asked for; whether it stands after `patience_s` at the most."""
        with self._changed:
            if not self._of(slot, kind):
                self._add(slot, kind)
            return self._changed.wait_for(lambda: self._find(slot, kind) is not None, patience_s)

    def adopt(self, slot: Slot, kind: Kind, maker: Maker, wanted: Callable[[], bool] = always) -> None:
        """Have jails standing that are made by a maker of somebody else's, until it is dismissed.

        None is made ahead while none is `wanted`.
        """
        with self._changed:
            shelf = Shelf(kind, slot, maker, wanted=wanted)
            self._shelves.append(shelf)
            self._renew(shelf, clean=True)

    def dismiss(self, kind: Kind) -> None:
        """Let go of a kind, and wait until nothing of it stands."""
        with self._changed:
            for shelf in [one for one in self._shelves if one.kind == kind]:
                self._drop(shelf)
            self._settle()

    def forget(self, slot_name: str) -> None:
        """Let go of what stands in a slot: somebody else had it meanwhile, and has ended it."""
        with self._changed:
            for shelf in [one for one in self._shelves if one.slot.name == slot_name]:
                self._drop(shelf)

    def clear(self) -> None:
        """End every jail that stands, and wait until they are gone."""
        with self._changed:
            for shelf in list(self._shelves):
                self._drop(shelf)
            self._settle()

    def _settle(self) -> None:
        self._changed.wait_for(
            lambda: not (self._busy or self._work or self._spent) or not self._thread.is_alive(), CLEAR_PATIENCE_S
        )

    def close(self) -> None:
        """End every jail that stands, and the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _take(self, slot: Slot, kind: Kind) -> Shelf | None:
        began = time.monotonic()
        with self._changed:
            if not self._thread.is_alive():
                return None
            if not kind.series:
                self._foresee(slot, kind, began)
            found = self._find(slot, kind)
            if found is None and self._of(slot, kind):
                self.stats.waited += 1
                self._changed.wait_for(lambda: self._awaited(slot, kind), self.config.wait_s)
                found = self._find(slot, kind)
            if found is None:
                self.stats.misses += kind.held_at is None  # else there is still another kind to try
                return None
            found.taken = True
            found.used_at = time.monotonic()
            self.stats.hits += 1
            self.stats.acquire_s += found.used_at - began
            return found

    def _find(self, slot: Slot, kind: Kind) -> Shelf | None:
        for shelf in self._of(slot, kind):
            if not shelf.taken and shelf.ready is not None:
                if shelf.ready.alive and (shelf.maker is None or shelf.maker.alive):
                    return shelf
                self._renew(shelf, clean=False)
        return None

    def _awaited(self, slot: Slot, kind: Kind) -> bool:
        """Whether to wait no longer: there is one, or there will be none. Else one is being made."""
        if self._find(slot, kind) is not None:
            return True
        shelves = self._of(slot, kind)
        for shelf in shelves:
            if shelf.idle:
                shelf.idle = False
                self._work.append(shelf)
                self._changed.notify_all()
        return not shelves

    def _of(self, slot: Slot, kind: Kind) -> list[Shelf]:
        """List the shelves of a kind, whatever state they are in."""
        return [one for one in self._shelves if one.kind == kind and one.slot == slot]

    def _foresee(self, slot: Slot, kind: Kind, now: float) -> None:
        """Note that one was asked for, and have as many standing as will be."""
        forecast = self.forecasts.note(kind, now)
        self.stats.forecast_error = forecast.mean_error
        make_s = self.stats.make_s / self.stats.made if self.stats.made else 0.0
        if kind.held_at is not None and (forecast.asked == 1 or kind.memory_bytes > self.config.memory_bytes):
            return  # a runtime is dear, and this one serves nothing but this file under these limits
        wanted = min(self.config.most_per_kind, 1 + round(forecast.rate * make_s))
        if len(self._of(slot, kind)) < wanted and self._broken.get(kind, 0.0) < now:
            self._add(slot, kind)

    def _add(self, slot: Slot, kind: Kind) -> None:
        self._make_room(kind)
        shelf = Shelf(kind, slot)
        self._shelves.append(shelf)
        self._work.append(shelf)
        self._changed.notify_all()

    def _make_room(self, kind: Kind) -> None:
        """Stay within the memory: the kinds that were not asked for the longest go first."""
        free = self.config.memory_bytes - kind.memory_bytes
        for shelf in sorted(self._shelves, key=lambda one: one.used_at):
            if sum(one.kind.memory_bytes for one in self._shelves) <= free:
                return
            if not shelf.taken:
                self._drop(shelf)

    def _give_back(self, shelf: Shelf, *, clean: bool) -> None:
        with self._changed:
            shelf.taken = False
            self._renew(shelf, clean=clean)

    def _renew(self, shelf: Shelf, *, clean: bool) -> None:
        """Have what a shelf has ended, and another made; by another maker where the line to this one is not clean."""
        if shelf.ready is not None:
            self._spent.append(shelf.ready)
            shelf.ready = None
        if shelf.maker is not None and (not clean or shelf not in self._shelves):
            self._spent.append(shelf.maker)
            shelf.maker = None
        if shelf in self._shelves:
            shelf.idle = not shelf.wanted()
            if not shelf.idle:
                self._work.append(shelf)
        self._changed.notify_all()

    def _drop(self, shelf: Shelf) -> None:
        self._shelves.remove(shelf)
        if not shelf.taken:  # else it is ended when it is given back
            self._spent += [part for part in (shelf.ready, shelf.maker) if part is not None]
            shelf.ready = shelf.maker = None
        self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._serve()
        except Exception:
            # Without the thread everything is made cold, which is slower and no less safe.
            log.exception("the warm pool has ended")

    def _serve(self) -> None:
        """The thread: end what was used, make what is wanted, let go of what nobody asks for."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work or self._spent or self._closing, self.config.ttl_s / 4)
                if self._closing:
                    break
                self._let_old_ones_go()
                spent, self._spent = self._spent, deque()
                shelf, maker = self._next_work()
                self._busy = True
            end(spent)
            if shelf is not None:
                self._fill(shelf, maker)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        with self._changed:
            for shelf in list(self._shelves):
                self._drop(shelf)
            spent = self._spent
        end(spent)

    def _next_work(self) -> tuple[Shelf | None, Maker | None]:
        """Take the next shelf to fill; its maker is the thread's until it is filled."""
        while self._work:
            shelf = self._work.popleft()
            if shelf in self._shelves:
                maker, shelf.maker = shelf.maker, None
                return shelf, maker
        return None, None

    def _let_old_ones_go(self) -> None:
        oldest = time.monotonic() - self.config.ttl_s
        for shelf in [one for one in self._shelves if not one.taken and one.used_at < oldest]:
            self._drop(shelf)

    def _fill(self, shelf: Shelf, maker: Maker | None) -> None:
        """Make the next jail of a shelf, outside of the lock."""
        began = time.monotonic()
        try:
            if maker is None or not maker.alive:
                maker = self._maker(shelf, maker)
            made = maker.next()
        except (SandboxError, OSError) as error:
            log.warning("no jail can be made ahead: %s", error)
            self._give_up(shelf, maker)
            return
        with self._changed:
            self.stats.made += 1
            self.stats.make_s += time.monotonic() - began
            if shelf in self._shelves:
                shelf.maker, shelf.ready = maker, made
            else:  # dropped meanwhile
                self._spent += [made, maker]
            self._changed.notify_all()

    def _maker(self, shelf: Shelf, dead: Maker | None) -> Maker:
        if dead is not None:
            dead.close()
        if shelf.kind.series:
            raise SandboxError("what makes the jails of this submission is gone")
        return Rerun(self.parts, self.configs, shelf.slot, shelf.kind)

    def _give_up(self, shelf: Shelf, maker: Maker | None) -> None:
        with self._changed:
            self.stats.broken += 1
            self._broken = {kind: until for kind, until in self._broken.items() if until > time.monotonic()}
            self._broken[shelf.kind] = time.monotonic() + BROKEN_PAUSE_S
            if maker is not None:
                self._spent.append(maker)
            if shelf in self._shelves:
                self._drop(shelf)
            self._changed.notify_all()

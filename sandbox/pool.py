"""The warm pool of one process: jails that stand ready in the slot it holds, made by a thread while it does other work.

The pool follows the demand: a kind of jail that is asked for gets a shelf, more of them the more often it is asked for
in the time that one takes to be made, none when nobody asked for a while. What a pool cannot serve is made cold, and so
is everything while a pool is broken.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox.config import PoolConfig
from sandbox.forecast import Forecasts
from sandbox.jail import Parts
from sandbox.kind import Kind
from sandbox.rack import Rack
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
        self._rack = Rack(config.memory_bytes)
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
            return Counter((shelf.kind.started, shelf.state) for shelf in self._rack.shelves)

    def counted(self) -> PoolStats:
        """Give what was counted so far."""
        with self._changed:
            return replace(self.stats)

    def warm(self, slot: Slot, kind: Kind, patience_s: float) -> bool:
        """Have a jail of a kind standing before it is asked for; whether it stands after `patience_s` at the most."""
        with self._changed:
            if not self._rack.of(slot, kind):
                self._add(slot, kind)
            return self._changed.wait_for(lambda: self._find(slot, kind) is not None, patience_s)

    def adopt(self, slot: Slot, kind: Kind, maker: Maker, wanted: Callable[[], bool] = always) -> None:
        """Have jails standing that are made by a maker of somebody else's, until it is dismissed.

        None is made ahead while none is `wanted`.
        """
        with self._changing():
            self._rack.put(Shelf(kind, slot, maker, wanted=wanted))

    def dismiss(self, kind: Kind) -> None:
        """Let go of a kind, and wait until nothing of it stands."""
        with self._changing():
            self._rack.drop(lambda one: one.kind == kind)
        self._settle()

    def forget(self, slot_name: str) -> None:
        """Let go of what stands in a slot: somebody else had it meanwhile, and has ended it."""
        with self._changing():
            self._rack.drop(lambda one: one.slot.name == slot_name)

    def clear(self) -> None:
        """End every jail that stands, and wait until they are gone."""
        with self._changing():
            self._rack.drop(lambda _: True)
        self._settle()

    def _settle(self) -> None:
        def is_settled() -> bool:
            return not (self._busy or self._rack.has_work()) or not self._thread.is_alive()

        with self._changed:
            self._changed.wait_for(is_settled, CLEAR_PATIENCE_S)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold everything, and have everybody look again who waits for something."""
        with self._changed:
            yield
            self._changed.notify_all()

    def close(self) -> None:
        """End every jail that stands, and the thread."""
        with self._changing():
            self._closing = True
        self._thread.join()

    def _take(self, slot: Slot, kind: Kind) -> Shelf | None:
        began = time.monotonic()
        with self._changed:
            if not self._thread.is_alive():
                return None
            if not kind.series:
                self._foresee(slot, kind, began)
            found = self._find(slot, kind)
            if found is None and self._rack.of(slot, kind):
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
        """Find one that stands ready; the thread hears of those that have died."""
        found = self._rack.find(slot, kind)
        if found is None and self._rack.has_work():
            self._changed.notify_all()
        return found

    def _awaited(self, slot: Slot, kind: Kind) -> bool:
        """Whether to wait no longer: there is one, or there will be none. Else one is being made."""
        if self._find(slot, kind) is not None:
            return True
        if self._rack.rouse(slot, kind):
            self._changed.notify_all()
        return not self._rack.of(slot, kind)

    def _foresee(self, slot: Slot, kind: Kind, now: float) -> None:
        """Note that one was asked for, and have as many standing as will be."""
        forecast = self.forecasts.note(kind, now)
        self.stats.forecast_error = forecast.mean_error
        make_s = self.stats.make_s / self.stats.made if self.stats.made else 0.0
        if kind.held_at is not None and (forecast.asked == 1 or kind.memory_bytes > self.config.memory_bytes):
            return  # a runtime is dear, and this one serves nothing but this file under these limits
        wanted = min(self.config.most_per_kind, 1 + round(forecast.rate * make_s))
        if len(self._rack.of(slot, kind)) < wanted and self._broken.get(kind, 0.0) < now:
            self._add(slot, kind)

    def _add(self, slot: Slot, kind: Kind) -> None:
        self._rack.add(slot, kind)
        self._changed.notify_all()

    def _give_back(self, shelf: Shelf, *, clean: bool) -> None:
        with self._changing():
            shelf.taken = False
            self._rack.renew(shelf, clean=clean)

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
                self._changed.wait_for(lambda: self._rack.has_work() or self._closing, self.config.ttl_s / 4)
                if self._closing:
                    break
                self._rack.drop_unused_for(self.config.ttl_s)
                spent = self._rack.take_spent()
                shelf, maker = self._rack.next_to_fill()
                self._busy = True
            end(spent)
            if shelf is not None:
                self._fill(shelf, maker)
            with self._changing():
                self._busy = False
        with self._changing():
            self._rack.drop(lambda _: True)
            spent = self._rack.take_spent()
        end(spent)

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
        with self._changing():
            self.stats.made += 1
            self.stats.make_s += time.monotonic() - began
            self._rack.filled(shelf, maker, made)

    def _maker(self, shelf: Shelf, dead: Maker | None) -> Maker:
        if dead is not None:
            dead.close()
        if shelf.kind.series:
            raise SandboxError("what makes the jails of this submission is gone")
        return Rerun(self.parts, self.configs, shelf.slot, shelf.kind)

    def _give_up(self, shelf: Shelf, maker: Maker | None) -> None:
        with self._changing():
            self.stats.broken += 1
            self._broken = {kind: until for kind, until in self._broken.items() if until > time.monotonic()}
            self._broken[shelf.kind] = time.monotonic() + BROKEN_PAUSE_S
            self._rack.not_filled(shelf, maker)

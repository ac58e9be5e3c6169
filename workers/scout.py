"""Looks for slots that could help with an execution, here and on other hosts, and makes room for whoever waits for one.

It borrows where there is more to do than a moment's work, and takes the test case from a lane that does not give its
slot back in time, where somebody waits for one.
"""

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from domain.logging import logger
from sandbox import SandboxError
from workers.lane import Lane
from workers.needs import running_room
from workers.run import Bench, in_series
from workers.stopwatch import Stopwatch
from workers.work import Work

HEAD_START_S = 0.1
"""Nothing is borrowed before: a slot that changes hands loses the jails that stood ready in it."""
WORTH_S = 0.2
"""Less than this, as far as can be told, is not worth another jail's start."""
WORTH_FAR_S = 1.0
"""Nor is less than this worth asking another host."""
LOOK_S = 0.05
SELDOM_S = 1.0
GRACE_S = 0.1
"""How long somebody waits for a slot before a test case in a borrowed one is broken off, to be run again later."""

log = logger(__name__)
Serve = Callable[[Lane, contextlib.ExitStack], None]


class Scout:
    """A thread that looks around while there is work that could be shared."""

    def __init__(self, bench: Bench, work: Work, lanes: Sequence[Lane], serve: Serve, *, asks: bool) -> None:
        """`lanes` are those there are, as they come and go; they change only with the work held.

        `serve` starts one more, and owns what was borrowed for it. `asks`: whether other hosts are asked for help.
        """
        self.bench = bench
        self.work = work
        self.lanes = lanes
        self.asks = asks
        self._serve = serve
        self._over = threading.Event()
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._look_around,), name="scout")
        self._waited_since: float | None = None
        self._began = time.monotonic()
        self._to_do = 0

    def start(self) -> None:
        """Begin to look, where there is anything to share."""
        with self.work.changed:
            self._to_do = len(self.work.left())
        if self._to_do > 1:
            self._thread.start()

    def stop(self) -> None:
        """Return when nothing more is borrowed."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _look_around(self) -> None:
        pause = HEAD_START_S
        try:
            while not self._over.wait(pause):
                pause = self._look(pause)
        except Exception:
            # Nothing more is borrowed then, which is slower and nothing else.
            log.exception("scout_ended")

    def _look(self, pause: float) -> float:
        """Borrow a slot or have one given back; gives the time until the next look, in seconds."""
        if self._near() and self.bench.sandbox.slot_wanted():
            self._make_way(time.monotonic())
            return LOOK_S
        self._waited_since = None
        return LOOK_S if self._borrow() or self._ask() or self._near() else min(2 * pause, SELDOM_S)

    def _near(self) -> list[Lane]:
        """List the lanes that have a slot of this host."""
        with self.work.changed:
            return [lane for lane in self.lanes if not lane.far]

    def _make_way(self, now: float) -> None:
        """Somebody waits: lanes give back by themselves, but not one whose test case takes its time."""
        self._waited_since = self._waited_since or now
        if now - self._waited_since < GRACE_S:
            return
        self._waited_since = now
        with self.work.changed:
            lanes = [lane for lane in self.lanes if not (lane.far or lane.leaving)]
            if lanes:
                lane = max(lanes, key=lambda one: one.index)  # the one that is needed last
                lane.leaving = True
                lane.cancel()

    def _borrow(self) -> bool:
        """Start a lane where there is more to do and a slot to be had."""
        with self.work.changed:
            if not (self.work.may_share() and self._takes(WORTH_S)):
                return False
        with contextlib.ExitStack() as borrowing:
            try:
                count, room = len(self.bench.slot.numbers), running_room(self.bench.plan)
                slot = borrowing.enter_context(self.bench.sandbox.spare_slot(count, room))
            except (SandboxError, OSError) as error:
                log.warning("slot_not_borrowed", error=str(error))
                return False
            if slot is None:
                return False
            bench = replace(self.bench, slot=slot, watch=Stopwatch(None))
            bench = borrowing.enter_context(in_series(bench, self.work.cases, self.work.any_left))
            self._serve(Lane(bench), borrowing)
        return True

    def _ask(self) -> bool:
        """Start a lane that asks another host, unless there is one that still does."""
        with self.work.changed:
            asking = any(lane.far and lane.helper is None for lane in self.lanes)
            if not self.asks or asking or not (self.work.may_share() and self._takes(WORTH_FAR_S)):
                return False
        bench = replace(self.bench, watch=Stopwatch(None))
        self._serve(Lane(bench, far=True), contextlib.ExitStack())
        return True

    def _takes(self, seconds: float) -> bool:
        """Whether what is left will take that long, going by what was done."""
        left = len(self.work.left())
        return left * (time.monotonic() - self._began) >= (self._to_do - left) * seconds

"""Run the test cases of one execution on all slots of the host that nobody needs, and give the results in order.

    who grades   has its own slot to the end, runs test cases itself and hands on the results
    lanes        threads, each with a slot that it has borrowed, here or of another host (`workers/fleet`); one takes
                 the next test case that nobody has
    the scout    a thread that starts lanes, and ends them where somebody waits for a slot (`workers/scout`)

A TLE that our own neighbours may have caused is confirmed by a run without them (docs/decisions/0008).
"""

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

from domain.logging import logger
from domain.model import TestResult
from sandbox import RunAborted, SandboxError
from workers.fleet import Helper, HelperGone
from workers.lane import Lane
from workers.run import Bench, is_doubtful, out_of_time, run_again, run_test_case
from workers.scout import Scout
from workers.stop import Stop
from workers.work import Work

log = logger(__name__)
Attempt = Callable[[Callable[[], TestResult]], TestResult]
FindHelp = Callable[[Callable[[], bool]], Helper | None]


class Spread:
    """Grades the work on one bench and on others like it. When the block is left, no thread and no jail remains."""

    def __init__(
        self, bench: Bench, work: Work, attempt: Attempt, deadline: float, find_help: FindHelp | None = None
    ) -> None:
        """`attempt` does a step that makes a jail, again where it failed. What starts after `deadline` is too late.

        `find_help` finds another host that helps, or gives None, at once where nobody needs it any more.
        """
        self.bench = bench
        self.work = work
        self.attempt = attempt
        self.deadline = deadline
        self.find_help = find_help
        self._own = Lane(bench)
        self._lanes: list[Lane] = []
        self._started: list[tuple[threading.Thread, Lane]] = []
        self._scout = Scout(bench, work, self._lanes, self._start, asks=find_help is not None)

    def __enter__(self) -> Self:
        self._scout.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.work.changed:
            self.work.close()
            self._cancel_unwanted()
        self._scout.stop()
        for thread, lane in self._started:
            thread.join()
            self.bench.watch.add(lane.bench.watch)

    def abandon(self, error: Exception) -> None:
        """End every run; whoever asks for a result gets this error. Called by other threads."""
        with self.work.changed:
            self.work.fail(error)
            self._cancel_unwanted()

    def results(self) -> Iterator[TestResult]:
        """Give all results in order. Raises SandboxError, RunAborted, and what `attempt` raises."""
        for index in range(len(self.work.cases)):
            yield self._result(index)

    def _result(self, index: int) -> TestResult:
        while True:
            with self.work.changed:
                found = self.work.result(index)
                if found is not None:
                    return found
                taken = self._take_own(index)
                if taken is None:
                    self.work.changed.wait()
                    continue
            self._run(self._own, *taken)

    def _take_own(self, needed: int) -> tuple[int, TestResult | None] | None:
        if not self._lanes and (doubted := self.work.take_doubted()) is not None:
            return doubted
        index = self.work.take(needed)
        return None if index is None else (index, None)

    def _run(self, lane: Lane, index: int, first: TestResult | None = None) -> None:
        """Run what was taken, and note what became of it. Raises RunAborted where the process is told to stop."""
        try:
            with self._stoppable(lane, index) as bench:
                result, disturbed = self._measured(lane, bench, index, first)
        except SandboxError as error:
            self._settle(index, error)
        except HelperGone as error:
            log.info("helper_gone", error=str(error))
            with self.work.changed:
                lane.leaving = True
                self.work.put_back(index, first)
        except RunAborted:
            with self.work.changed:
                if not lane.cancelled:
                    raise
                self.work.put_back(index, first)
        else:
            if first is None and is_doubtful(lane.bench, self.work.cases[index], result, disturbed=disturbed):
                with self.work.changed:
                    self.work.doubt(index, result)
            else:
                self._settle(index, result)

    @contextlib.contextmanager
    def _stoppable(self, lane: Lane, index: int) -> Iterator[Bench]:
        with contextlib.closing(Stop()) as stop:
            with self.work.changed:
                lane.index, lane.stop, lane.cancelled = index, stop, False
                if lane.leaving or not self.work.wants(index):
                    lane.cancel()
            try:
                yield replace(lane.bench, cancel=stop.descriptor)
            finally:
                with self.work.changed:
                    lane.stop = None

    def _measured(self, lane: Lane, bench: Bench, index: int, first: TestResult | None) -> tuple[TestResult, bool]:
        """Run a test case; gives its result, and whether others of this execution ran at the same time."""
        case = self.work.cases[index]
        if time.monotonic() > self.deadline:
            return out_of_time(case), False
        if lane.helper is not None:
            return lane.helper.run(index, bench.cancel), True
        before = len(self._started)
        disturbed = lane is not self._own or any(not other.far for other in self._lanes)
        step = partial(run_test_case, bench, case) if first is None else partial(run_again, bench, case, first)
        return self.attempt(step), disturbed or len(self._started) > before

    def _settle(self, index: int, found: TestResult | SandboxError) -> None:
        with self.work.changed:
            self.work.settle(index, found)
            self._cancel_unwanted()

    def _cancel_unwanted(self) -> None:
        for lane in (self._own, *self._lanes):
            if not self.work.wants(lane.index):
                lane.cancel()

    def _serve(self, lane: Lane, borrowed: contextlib.ExitStack) -> None:
        """A lane's thread: run what there is until it is done, or somebody waits for the slot."""
        try:
            with borrowed:
                if lane.far and not self._helped(lane, borrowed):
                    return
                while (index := self._next(lane)) is not None:
                    self._run(lane, index)
        except BaseException as error:  # noqa: BLE001 - raised by the thread that grades
            with self.work.changed:
                if not self.work.wants(lane.index):  # nobody asks for it any more, but it is not to be lost
                    log.warning("lane_failed", error=repr(error))
                self.work.fail(error)
                self._cancel_unwanted()
        finally:
            with self.work.changed:
                self._lanes.remove(lane)
                self.work.changed.notify_all()

    def _helped(self, lane: Lane, borrowed: contextlib.ExitStack) -> bool:
        """Find somebody who runs what the lane takes."""

        def is_vain() -> bool:
            with self.work.changed:
                return lane.leaving or not self.work.may_share()

        lane.helper = self.find_help(is_vain) if self.find_help is not None else None
        if lane.helper is not None:
            borrowed.callback(lane.helper.close)
        return lane.helper is not None

    def _next(self, lane: Lane) -> int | None:
        if not lane.far and self.bench.sandbox.slot_wanted():
            return None
        with self.work.changed:
            return self.work.take() if self.work.may_share() and not lane.leaving else None

    def _start(self, lane: Lane, borrowing: contextlib.ExitStack) -> None:
        borrowed = borrowing.pop_all()
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._serve, lane, borrowed), name="lane")
        with self.work.changed:
            self._lanes.append(lane)
            self._started.append((thread, lane))
        try:
            thread.start()
        except RuntimeError:  # no room for one more
            self._lanes.remove(lane)
            self._started.remove((thread, lane))
            borrowed.close()
            raise

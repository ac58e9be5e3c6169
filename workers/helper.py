"""Help another host with the test cases of an execution that is its own: run some here, and say what became of them.

    the task      has a slot that nobody needs here, runs the test case that it is told, and says the result
    the listener  a thread: hears what to run next, and that nobody wants it any more; sees to it that we give way

The host that grades is the owner: it alone writes to the database, and gives up on us when we say nothing for a while.
What we say is one of the letters below, and what belongs to it.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from domain import executions
from domain.errors import InvalidRequest, Unavailable
from domain.limits import EXECUTION_WALL_S
from domain.line import Line, LineDead
from domain.logging import logger
from domain.model import CheckerType, Claim
from sandbox import RunAborted, SandboxError
from workers.check_program import CheckerProgram, kept_checker
from workers.compile import Compiled
from workers.fleet import NO, NUMBER_BYTES, READY, RESULT, RUN
from workers.grade import Grader
from workers.interact import InteractorProgram, kept_interactor
from workers.needs import running_room
from workers.packing import packed
from workers.prepare import Plan, plan
from workers.run import Bench, in_series, run_test_case
from workers.stop import Stop
from workers.stopwatch import Stopwatch

HEAR_S = 0.1
LOOK_S = 0.25
"""How often we look whether somebody needs the slot."""

log = logger(__name__)
Judged = tuple[Plan, Compiled, CheckerProgram | None, InteractorProgram | None]


@dataclass(frozen=True)
class Helping:
    """One offer to help, on one line."""

    grader: Grader
    line: Line

    def serve(self, execution_id: UUID, attempt: int, toolchain: str) -> None:
        """Help to the end, or until somebody else needs the slot. Raises LineDead, Unavailable."""
        if not self.line.connected():
            return
        grader = self.grader
        claim = None if grader.taking.stopped else executions.look(grader.db, grader.blobs, execution_id, attempt)
        program = None if claim is None else self._program(claim, toolchain)
        if program is None:
            self.line.say(NO)
            return
        made, compiled, checker, interactor = program
        with self.grader.sandbox.spare_slot(made.submission.constraints.slots, running_room(made)) as slot:
            if slot is None:
                self.line.say(NO)
                return
            watch, deadline = Stopwatch(None), time.monotonic() + EXECUTION_WALL_S
            bench = Bench(
                self.grader.sandbox,
                slot,
                made,
                compiled,
                self.grader.blobs,
                watch,
                checker=checker,
                interactor=interactor,
                deadline=deadline,
            )
            self._run_all(bench)

    def _program(self, claim: Claim, toolchain: str) -> Judged | None:
        """Give what is to be run and judged by; None where it would not be the same here as at the owner's."""
        try:
            made = plan(self.grader.languages, claim.submission, claim.seeds)
            checker = kept_checker(self.grader, made.submission)
            interactor = kept_interactor(self.grader, made.submission)
        except InvalidRequest:
            return None
        compiled = self.grader.compiler.kept(made)
        if compiled is None or self.grader.compiler.toolchains.get(made.language.name) != toolchain:
            return None
        if made.submission.checker.type is CheckerType.PROGRAM and checker is None:
            return None
        if made.submission.interactor is not None and interactor is None:
            return None
        return made, compiled, checker, interactor

    def _run_all(self, bench: Bench) -> None:
        cases = bench.plan.submission.test_cases
        with in_series(bench, cases) as own, Orders(self.line, self._wanted) as orders:
            self.line.say(READY)
            done = 0
            for index in orders:
                try:
                    result = run_test_case(replace(own, cancel=orders.stop.descriptor), cases[index])
                except (SandboxError, OSError, RunAborted) as error:
                    log.info("help_broken_off", error=repr(error))
                    break
                self.line.say(RESULT + index.to_bytes(NUMBER_BYTES) + packed(result))
                done += 1
            self.line.say(NO)
        log.info("helped", test_cases=done)

    def _wanted(self) -> bool:
        """Whether the slot is not to be had any more: an execution waits for one here or in the queue, or we drain."""
        grader = self.grader
        return grader.taking.stopped or grader.sandbox.slot_wanted() or executions.any_queued(grader.db)


class Orders:
    """What the owner wants run next, heard by a thread of its own; `stop` is said when the current one must end."""

    def __init__(self, line: Line, wanted: Callable[[], bool]) -> None:
        self.line = line
        self.stop = Stop()
        self._wanted = wanted
        self._next: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="orders")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.stop.close()

    def __iter__(self) -> Iterator[int]:
        while (index := self._next.get()) is not None:
            yield index

    def _listen(self) -> None:
        try:
            self._hear()
        except (LineDead, Unavailable) as error:
            log.info("help_not_wanted", error=str(error))
        except Exception:
            # Whatever it is, nothing that we find can be told any more.
            log.exception("orders_ended")
        finally:
            self.stop.say()
            self._next.put(None)

    def _hear(self) -> None:
        looked = time.monotonic()
        while not self._over.is_set():
            said = self.line.hear(HEAR_S)
            if said is not None:
                if said[:1] != RUN:
                    return
                self._next.put(int.from_bytes(said[1:]))
            if time.monotonic() - looked > LOOK_S:
                if self._wanted():
                    return
                looked = time.monotonic()

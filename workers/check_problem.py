"""Check a version of a problem before anybody submits to it: its programs compile, its inputs are what they should be.

Doing it twice is harmless: the first end counts (`domain/problems.checked`). A worker that dies at it leaves it to the
sweeper, which sends it again when nobody said for a while that it is at work.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from domain import problems, validator_flags
from domain.blobs import BlobDamaged, BlobMissing
from domain.errors import InvalidRequest, NotFound, Unavailable
from domain.judging import CheckerType, Program
from domain.limits import EXECUTION_WALL_S
from domain.logging import logger
from domain.model import File
from domain.problem import Finding, ProblemCase, ProblemVersion
from sandbox import Cause, RoomTaken, RunAborted, RunResult, SandboxError, Slot
from workers.author_program import CompiledProgram, Task, compile_program, run_program
from workers.checked import ACCEPTED, text
from workers.compile import CompileError
from workers.grade import Grader
from workers.needs import PROGRAMS
from workers.stop import Stop
from workers.tries import tried

SAY_S = 5.0
"""How often we say that we are at work: a message is taken for lost after half a minute."""
MOST_REFUSALS = 20
"""Inputs that one validator refused are told of; then it is asked for no more."""
COMPILE, VALIDATE, CHECKER = "compile", "input_validator", "checker"

log = logger(__name__)


@dataclass(frozen=True)
class ProblemChecker:
    """Checks versions, with what grading needs too."""

    grader: Grader

    def check(self, version_id: UUID) -> bool:
        """Check a version to its end; True where it is to be sent again, because we had to stop. Raises Unavailable."""
        grader = self.grader
        try:
            with at_work(grader, version_id) as stop:
                if stop is None:
                    return False
                version = problems.load(grader.db, grader.blobs, version_id)
                with grader.sandbox.slot(1, PROGRAMS, cancel=stop.descriptor) as slot:
                    found = Check(grader, version, slot, stop.descriptor).all()
                done = problems.checked(grader.db, version_id, all(one.ok for one in found), found)
        except NotFound as error:
            log.info("version_gone", error=str(error))
            return False
        except RunAborted:
            return True
        except RoomTaken as error:
            log.info("problem_not_checked", error=str(error))
            return False
        except (SandboxError, OSError):  # ours: tried again by the sweeper, ever more rarely
            log.exception("problem_not_checked")
            return False
        log.info("problem_checked", problem_id=version.id, findings=len(found), first=done)
        return False


@contextmanager
def at_work(grader: Grader, version_id: UUID) -> Iterator[Stop | None]:
    """Say that somebody is at it for as long as the block lasts; None: it is not to be checked (any more).

    The stop is said when that becomes so meanwhile. Raises Unavailable.
    """
    if not problems.at_work(grader.db, version_id):
        yield None
        return
    over = threading.Event()
    with closing(Stop()) as stop:

        def say() -> None:
            while not over.wait(SAY_S):
                try:
                    if not problems.at_work(grader.db, version_id):
                        stop.say()
                        return
                except Unavailable as error:
                    log.warning("at_work_not_said", error=str(error))

        thread = threading.Thread(target=say, name="at-work")
        thread.start()
        try:
            yield stop
        finally:
            over.set()
            thread.join()


@dataclass
class Check:
    """One version being checked in a slot. Everything raises SandboxError, RunAborted."""

    grader: Grader
    version: ProblemVersion
    slot: Slot
    cancel: int
    found: list[Finding] = field(default_factory=list)

    def all(self) -> list[Finding]:
        """Do all there is to do, and say what was found."""
        self._flags()
        version, interactor = self.version, self.version.judging.interactor
        self._compiled("checker", version.checker.program)
        self._compiled("interactor", None if interactor is None else interactor.program)
        deadline = time.monotonic() + EXECUTION_WALL_S
        for number, program in enumerate(version.input_validators, 1):
            name = f"{VALIDATE} {number}" + (f" ({program.entry_point})" if program.entry_point else "")
            made = self._compiled(name, program)
            if made is not None:
                self._validate(name, made, deadline)
        return self.found

    def _note(self, stage: str, name: str, message: str = "", *, ok: bool = False) -> None:
        self.found.append(Finding(stage, name, ok, message))

    def _flags(self) -> None:
        """Look at what the default validator is told; beside an interactor there is none, and arguments are its."""
        if self.version.checker.type is not CheckerType.KATTIS or self.version.judging.interactor is not None:
            return
        for case in self.version.test_cases:
            try:
                validator_flags.parse((*self.version.checker.arguments, *case.checker_arguments))
            except ValueError as error:
                self._note(CHECKER, case.name, str(error))

    def _compiled(self, name: str, program: Program | None) -> CompiledProgram | None:
        if program is None:
            return None
        try:
            made = tried(lambda: compile_program(self.grader, self.slot, program, self.cancel))
        except CompileError as error:
            said = text(error.output)
            self._note(COMPILE, name, f"it does not compile ({error.reason})" + (f": {said}" if said else ""))
            return None
        except InvalidRequest as error:
            self._note(COMPILE, name, str(error))
            return None
        self._note(COMPILE, name, ok=True)
        return made

    def _validate(self, name: str, made: CompiledProgram, deadline: float) -> None:
        refused = accepted = 0
        for case in self.version.test_cases:
            if time.monotonic() > deadline:
                self._note(VALIDATE, name, "checking all inputs took longer than an hour")
                return
            why = self._refusal(made, case)
            accepted += why is None
            if why is not None:
                self._note(VALIDATE, case.name, f"{name} {why}")
                refused += 1
            if refused == MOST_REFUSALS:
                self._note(VALIDATE, name, f"refused {refused} inputs, and was asked for no more")
                return
        if refused == 0:
            self._note(VALIDATE, name, f"accepted {accepted} inputs", ok=True)

    def _refusal(self, made: CompiledProgram, case: ProblemCase) -> str | None:
        try:
            stdin, files = self._data(case)
        except (BlobMissing, BlobDamaged) as error:
            return f"cannot be asked, because the input cannot be read: {error}"
        arguments = tuple(self.version.validator_arguments.get(case.name, ()))
        result = tried(lambda: self._run(made, Task(arguments, stdin, files)))
        return None if _accepts(result) else _how(result)

    def _data(self, case: ProblemCase) -> tuple[bytes, tuple[File, ...]]:
        blobs = self.grader.blobs
        return case.stdin.load(blobs) or b"", tuple(file.load(blobs) for file in case.files)

    def _run(self, made: CompiledProgram, task: Task) -> RunResult:
        result, _ = run_program(self.grader.sandbox, self.slot, made, task, lambda _box: None, cancel=self.cancel)
        return result


def _accepts(result: RunResult) -> bool:
    return result.cause is Cause.EXIT and result.exit_code == ACCEPTED


def _how(result: RunResult) -> str:
    """Say how a validator refused an input: any end but the one exit code."""
    said = text(result.stderr) or text(result.stdout)
    if result.cause is Cause.EXIT:
        how = f"refused it (exit code {result.exit_code})"
    elif result.exit_signal is not None and result.cause is Cause.SIGNAL:
        how = f"was ended by signal {result.exit_signal}"
    else:
        how = f"was ended for what it did ({result.cause})"
    return f"{how}: {said}" if said else how

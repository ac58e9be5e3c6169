"""Programs of a problem's author, in jails of their own: checkers, interactors, validators.

They are as little trusted as any program: compiled through the same cache, confined by the same jails, and what they
leave in their box is read by descriptor, after their end. What they may spend is fixed, and never counts against the
submission. A box of theirs holds their own files and what is put there for one run; nothing of the submission but that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from domain.judging import Program
from domain.languages import Languages
from domain.limits import Constraints
from domain.model import File, Submission, TestCase
from sandbox import BOX_PATH, BoxFiles, Command, Jails, Limits, RunResult, Slot
from workers.compile import Compiled, compile_submission
from workers.compile_cache import Compiler
from workers.fill import fill
from workers.prepare import Plan, box_files, disk_bytes, plan, run_limits
from workers.started import refuse_what_did_not_start

CONSTRAINTS = Constraints(
    timeout_ms=60_000, wall_timeout_ms=120_000, memory_mb=2048, disk_mb=64, output_kb=8192, processes=64
)
"""What one run may spend. `disk_mb` is what it may write, beside the files that are put into its box."""
FOLDER = "judging"
"""Where it finds, in its box, what it is to look at: no name of its own files is likely to be this."""
SEED = 1
"""Of an interpreter's hashes, but of one that was started ahead: what an author saw is seen again."""

Read = TypeVar("Read")


class Workshop(Protocol):
    """What is needed to compile: a grader has it."""

    @property
    def sandbox(self) -> Jails:
        """Makes jails."""

    @property
    def languages(self) -> Languages:
        """All that are known here."""

    @property
    def compiler(self) -> Compiler:
        """Compiles through the cache."""


@dataclass(frozen=True)
class CompiledProgram:
    """A program that can be run any number of times."""

    plan: Plan
    compiled: Compiled

    def command(self, arguments: Sequence[str] = (), stdin: bytes = b"") -> Command:
        """Give the command line of one run."""
        case = TestCase(0, "", stdin=stdin, arguments=tuple(arguments))
        return self.plan.run_command(case, self.compiled.main_class)

    @property
    def limits(self) -> Limits:
        """What one run may spend."""
        return run_limits(CONSTRAINTS, TestCase(0, ""), self.plan.language)

    def files(self, more: Sequence[File] = ()) -> list[File]:
        """List what lies in the box of a run: the program's own, and over it what it is given."""
        return box_files(self.compiled.files, more)


@dataclass(frozen=True)
class Task:
    """What a program is given for one run; `folders` are there before it starts, empty where no file lies in them."""

    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    files: tuple[File, ...] = ()
    folders: tuple[str, ...] = ()


def inside(name: str) -> str:
    """Give the path by which a program finds a file of FOLDER."""
    return f"{BOX_PATH}/{FOLDER}/{name}"


def compile_program(shop: Workshop, slot: Slot, program: Program, cancel: int | None = None) -> CompiledProgram:
    """Compile it, or take what was compiled before. Raises CompileError, InvalidRequest (no such language here).

    Raises SandboxError too, and RunAborted once the descriptor `cancel` is readable.
    """
    made = _plan(shop.languages, program)
    compiler = shop.compiler
    anew = partial(compile_submission, shop.sandbox, slot, made, compiler.folder(made), cancel)
    return CompiledProgram(made, compiler.compile(made, anew))


def kept_program(shop: Workshop, program: Program) -> CompiledProgram | None:
    """Give what was compiled before, and nothing else. Raises InvalidRequest."""
    made = _plan(shop.languages, program)
    compiled = shop.compiler.kept(made)
    return None if compiled is None else CompiledProgram(made, compiled)


def _plan(languages: Languages, program: Program) -> Plan:
    asked = Submission(program.language, program.sources, program.entry_point, (), constraints=CONSTRAINTS)
    return replace(plan(languages, asked), seed=SEED)


def run_program(
    sandbox: Jails,
    slot: Slot,
    made: CompiledProgram,
    task: Task,
    read: Callable[[BoxFiles], Read],
    *,
    cancel: int | None = None,
) -> tuple[RunResult, Read]:
    """Run it once; `read` is called when it is dead, to take what it left in its box.

    Raises SandboxError where the run says nothing, RunAborted.
    """
    command, files = made.command(task.arguments, task.stdin), made.files(task.files)
    limits = slot.held_to(made.limits)
    size = disk_bytes(CONSTRAINTS.disk_limit_mb, files)
    with sandbox.jail(slot, limits, size, made.plan.language.mounts, command=command) as jail:
        fill(jail.box, files)
        for folder in task.folders:
            jail.box.make_folder(folder)
        result = jail.run(command, limits, cancel)
        refuse_what_did_not_start(command.argv[0], result)
        return result, read(jail.box)

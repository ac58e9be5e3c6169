"""Programs of Node and Java, run in a jail made for them or by a runtime that was held at their first file."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TypedDict, Unpack

from domain.model import File
from sandbox import Command, Limits, Listener, RunResult, Sandbox, Slot, Taker
from sandbox.kind import Kind
from sandbox.warm import WarmJail
from tests.jail.running import MIB, STAND_PATIENCE_S
from tests.unit.workers.making import LANGUAGES, ONLY, planned
from workers.prepare import run_limits

SOURCES = Path(__file__).with_name("held")
JAVA_BIN = Path(LANGUAGES.known["java"].run.argv[0]).parent
NODE = Path(LANGUAGES.known["javascript"].run.argv[0])


class Talk(TypedDict, total=False):
    """Who hears a program, and who types for it."""

    listener: Listener
    taker: Taker


@dataclass(frozen=True)
class Program:
    """A command line of the platform's own, and the files that it is for."""

    command: Command
    limits: Limits
    files: Mapping[str, bytes]
    mounts: Sequence[str] = ()
    modes: Mapping[str, int] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """The kind of jail whose runtime is held at the first file."""
        return Kind.of(self.command, self.mounts, self.limits)

    def limited(self, **changed: int) -> "Program":
        """The same, under other limits."""
        return replace(self, limits=replace(self.limits, **changed))


def node(
    text: str, name: str = "main.js", stdin: bytes = b"in\n", others: Mapping[str, bytes] = MappingProxyType({})
) -> Program:
    """A program of Node's, with other files beside its own."""
    files = {name: text.encode(), **others}
    made = planned("javascript", (File(name, b""),), entry_point=name)
    case = replace(ONLY, stdin=stdin)
    command = replace(made.run_command(case, None), held_at=name)
    return Program(command, run_limits(made.submission.constraints, case, made.language), files)


def java(told: str, main_class: str = "Main", changed: Mapping[str, bytes] = MappingProxyType({})) -> Program:
    """The program of Java's, told what to do; some of its files changed."""
    made = planned("java", (File("Main.java", b""),))
    case = replace(ONLY, stdin=told.encode())
    held_at = f"classes/{main_class.replace('.', '/')}.class"
    command = replace(made.run_command(case, main_class), held_at=held_at)
    files = {path: content for path, content in compiled().items() if not path.endswith("/Other.class")}
    limits = run_limits(made.submission.constraints, case, made.language)
    return Program(command, limits, {**files, **changed}, made.language.mounts)


@cache
def compiled() -> Mapping[str, bytes]:
    """The classes, by their places in the box."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        sources = sorted(SOURCES.glob("**/*.java"))
        subprocess.run([JAVA_BIN / "javac", "-d", folder / "classes", *sources], check=True)
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("classes/**/*.class")}


def run_held(sandbox: Sandbox, program: Program, **talk: Unpack[Talk]) -> RunResult:
    """Run by a runtime that was held."""
    assert sandbox.pool is not None
    with sandbox.slot() as slot:
        assert sandbox.pool.warm(slot, program.kind, STAND_PATIENCE_S)
        return run_in(sandbox, slot, program, held=True, **talk)


def run_plain(sandbox: Sandbox, program: Program, **talk: Unpack[Talk]) -> RunResult:
    """Run by a runtime that is started for it."""
    with sandbox.slot() as slot:
        return run_in(sandbox, slot, program, held=False, **talk)


def run_in(sandbox: Sandbox, slot: Slot, program: Program, *, held: bool, **talk: Unpack[Talk]) -> RunResult:
    """Fill a jail and run."""
    command = program.command if held else replace(program.command, held_at=None)
    with sandbox.jail(slot, program.limits, 16 * MIB, program.mounts, command=command) as jail:
        assert held == (isinstance(jail, WarmJail) and jail.kind.held_at is not None)
        for path, content in program.files.items():
            jail.box.write(path, content, program.modes.get(path, 0o644))
        return jail.run(command, program.limits, **talk)

"""Let two programs talk in real jails, for tests."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from sandbox import Command, Conversation, Limits, Sandbox, Side, Slot
from tests.jail.conftest import TIME_FACTOR
from tests.jail.running import MIB, PYTHON, limits, longer, shorter

MAIN = Command((PYTHON, "-B", "main.py"), "python")
PATIENT = limits(cpu_time_ms=20_000, wall_time_ms=40_000)


@dataclass(frozen=True)
class Program:
    """What is to be run: Python text, or a command with its files. It has `good` exit codes."""

    text: str = ""
    command: Command = MAIN
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    good: tuple[int, ...] = (0,)

    @property
    def box(self) -> Mapping[str, tuple[bytes, int]]:
        """All its files."""
        return {"main.py": (self.text.encode(), 0o644), **self.files}


def side(sandbox: Sandbox, slot: Slot, one: Program, limits: Limits, jails: ExitStack) -> Side:
    """Make a jail and fill it."""
    jail = jails.enter_context(sandbox.jail(slot, limits, 16 * MIB, command=one.command))
    for path, (content, mode) in one.box.items():
        jail.box.write(path, content, mode)
    return Side(jail, one.command, limits, lambda result: result.exit_code in one.good)


def converse(
    sandbox: Sandbox,
    program: Program | str,
    interactor: Program | str,
    own: Limits = PATIENT,
    others: Limits = PATIENT,
    *,
    cancel: int | None = None,
) -> Conversation:
    """Do it from beginning to end, in one slot; on a machine that is slower, as tests.jail.running.at_pace does it."""
    asked = Program(program) if isinstance(program, str) else program
    partner = Program(interactor, good=(42,)) if isinstance(interactor, str) else interactor
    with sandbox.slot() as slot, ExitStack() as jails:
        sides = (
            side(sandbox, slot, asked, longer(own, TIME_FACTOR), jails),
            side(sandbox, slot.beside, partner, longer(others, TIME_FACTOR), jails),
        )
        found = sandbox.converse(slot, *sides, cancel)
    ran, judged = (shorter(result, TIME_FACTOR) for result in (found.program, found.interactor))
    return replace(found, program=ran, interactor=judged)

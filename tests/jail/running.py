"""Run a command in a jail for a test: in this process, or in one that an ordinary user has.

A test asks a `Runner`; what differs between root with control groups, root without, and an ordinary user is behind it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict, Unpack

from sandbox import Collected, Command, Jails, Limits, Listener, RunResult, Sandbox, Slot, Taker
from sandbox.kind import Kind
from sandbox.series import Series

MIB = 1 << 20
KIB = 1 << 10
PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Ask:
    """One run: what is put into the box, the command, and what is carried out."""

    command: Command
    limits: Limits
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    disk_bytes: int = 16 * MIB
    on_disk: bool = False
    outputs: tuple[str, ...] = ()
    listener: Listener | None = None
    taker: Taker | None = None


@dataclass(frozen=True)
class Answer:
    """What became of it."""

    result: RunResult
    collected: tuple[Collected, ...] = ()
    cut: bool = False


STAND_PATIENCE_S = 30
SEED = 4711


def answer_warm(sandbox: Sandbox, ask: Ask) -> Answer:
    """Do one run in a jail that stood ready, but for a box on disk, which none has."""
    assert sandbox.pool is not None
    with sandbox.slot() as slot:
        assert sandbox.pool.warm(slot, Kind.of(ask.command, ()), STAND_PATIENCE_S)
    answered = answer(sandbox, ask)
    assert answered.result.mode == ("cold" if ask.on_disk else "warm")
    return answered


def answer_inner(sandbox: Sandbox, ask: Ask) -> Answer:
    """Do one run in a jail within a jail, but for what those are not for."""
    assert sandbox.pool is not None
    plain = Kind.of(ask.command, ())
    with sandbox.slot() as slot:
        assert sandbox.pool.warm(slot, replace(plain, launcher=True), STAND_PATIENCE_S)
        with sandbox.series(slot, ask.command) as jails:
            assert isinstance(jails, Series)
            answered = run_in(jails, slot, ask)
            small = ask.limits.memory_bytes <= jails.least_bytes
    others = {"cold"} if ask.on_disk else {"warm", "cold"}
    assert answered.result.mode in (others if ask.on_disk or small else {"inner"})
    return answered


def answer(sandbox: Sandbox, ask: Ask) -> Answer:
    """Do one run from beginning to end."""
    with sandbox.slot() as slot:
        return run_in(sandbox, slot, ask)


def run_in(jails: Jails, slot: Slot, ask: Ask) -> Answer:
    """Fill a jail, run, and carry files out."""
    with jails.jail(slot, ask.limits, ask.disk_bytes, on_disk=ask.on_disk, command=ask.command) as jail:
        for path, (content, mode) in ask.files.items():
            jail.box.write(path, content, mode)
        result = jail.run(ask.command, ask.limits, listener=ask.listener, taker=ask.taker)
        collected = jail.box.collect(ask.outputs, max_files=100, max_file_bytes=MIB, max_bytes=4 * MIB)
    return Answer(result, collected.files, collected.cut)


def longer(limits: Limits, factor: int) -> Limits:
    """Limits for a machine that is `factor` times slower: of time, that many times longer."""
    return replace(limits, cpu_time_ms=limits.cpu_time_ms * factor, wall_time_ms=limits.wall_time_ms * factor)


def shorter(result: RunResult, factor: int) -> RunResult:
    """What a run would have taken on a machine that is not slower."""
    return replace(result, cpu_time_us=-(-result.cpu_time_us // factor), wall_time_us=-(-result.wall_time_us // factor))


def at_pace(execute: Callable[[Ask], Answer], factor: int) -> Callable[[Ask], Answer]:
    """Take a machine for `factor` times slower than it says: time limits are that many times longer, and what a run is
    said to have taken that many times less, so that a test reads the same wherever it runs."""

    def paced(ask: Ask) -> Answer:
        done = execute(replace(ask, limits=longer(ask.limits, factor)))
        return replace(done, result=shorter(done.result, factor))

    return paced


class Change(TypedDict, total=False):
    """Limits that differ from the usual ones."""

    cpu_time_ms: int
    wall_time_ms: int
    memory_bytes: int
    output_bytes: int
    file_bytes: int
    processes: int
    cpu_millicores: int


USUAL = Limits(
    cpu_time_ms=10_000,
    wall_time_ms=20_000,
    memory_bytes=256 * MIB,
    output_bytes=64 * KIB,
    file_bytes=64 * MIB,
    processes=32,
)
"""Limits that no well-behaved test program reaches."""


def limits(**changed: Unpack[Change]) -> Limits:
    """The usual limits, some of them changed."""
    return replace(USUAL, **changed)


@dataclass(frozen=True)
class Runner:
    """Runs the compiled programs of `programs/`, or Python text, under one way of counting."""

    mode: str
    execute: Callable[[Ask], Answer]
    programs: Mapping[str, Path]

    @property
    def counted(self) -> bool:
        """Whether the kernel counts, and not our looking."""
        return self.mode in {"cgroup", "warm", "inner"}

    def program(
        self, name: str, *arguments: object, stdin: bytes = b"", policy: str = "strict", **changed: Unpack[Change]
    ) -> RunResult:
        """Run one of the C programs."""
        return self.ask(name, *arguments, stdin=stdin, policy=policy, **changed).result

    def ask(
        self,
        name: str,
        *arguments: object,
        stdin: bytes = b"",
        policy: str = "strict",
        disk_bytes: int = 16 * MIB,
        on_disk: bool = False,
        outputs: tuple[str, ...] = (),
        **changed: Unpack[Change],
    ) -> Answer:
        """Run one of the C programs and carry files out."""
        command = Command((f"./{name}", *map(str, arguments)), policy, stdin=stdin)
        files = {name: (self.programs[name].read_bytes(), 0o755)}
        return self.execute(Ask(command, limits(**changed), files, disk_bytes, on_disk, outputs))

    def python(
        self,
        text: str,
        *,
        stdin: bytes = b"",
        policy: str = "python",
        outputs: tuple[str, ...] = (),
        **changed: Unpack[Change],
    ) -> Answer:
        """Run Python text."""
        command = Command((PYTHON, "-B", "main.py"), policy, stdin=stdin, interpreter="python", seed=SEED)
        return self.execute(Ask(command, limits(**changed), {"main.py": (text.encode(), 0o644)}, outputs=outputs))

    def says(self, text: str, **changed: Unpack[Change]) -> str:
        """Run Python text that must end well, and give what it wrote."""
        result = self.python(text, **changed).result
        assert (result.exit_code, result.stderr) == (0, b"")
        return result.stdout.decode()

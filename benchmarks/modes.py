"""The ways to run one program once, behind one method: to compare another way, write its class and add it to MODES.

A mode is a context manager of `Program` and a scratch folder of its own; `run` does the whole of one run and gives the
seconds from asking for it to the result being here and nothing of it being left. What is made once for many runs (the
compiled program, a pool) is made when it is entered, and stops when it is left. CPU time is counted from outside.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import click

from benchmarks.host import own_sandbox
from benchmarks.programs import STDIN, STDOUT, Program, ready
from sandbox import Jails, PoolConfig, Sandbox, Slot
from sandbox.kind import Kind

POOL = PoolConfig(wait_s=5.0)
STAND_PATIENCE_S = 30.0
ISOLATE = "ISOLATE"
"""Names the binary of isolate, where there is one to compare with."""


class Mode(Protocol):
    """One way to run one program."""

    def run(self) -> float:
        """Run it once; gives wall seconds. Raises ClickException where the output was not the right one."""


@dataclass(frozen=True)
class Bare:
    """The program itself, started by posix_spawn with two pipes: no jail, no limits."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]

    def run(self) -> float:
        """See Mode."""
        began = time.perf_counter()
        (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
        pid = os.posix_spawn(
            self.argv[0],
            self.argv,
            self.environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, in_read, 0), (os.POSIX_SPAWN_DUP2, out_write, 1)],
        )
        os.close(in_read)
        os.close(out_write)
        os.write(in_write, STDIN)
        os.close(in_write)
        with os.fdopen(out_read, "rb") as output:
            stdout = output.read()
        os.waitpid(pid, 0)
        took = time.perf_counter() - began
        _check("bare", stdout)
        return took


@dataclass(frozen=True)
class Jailed:
    """A jail for every run, as for every test case: files in, run, gone. What gives the jails makes the difference."""

    mode: str
    jails: Jails
    slot: Slot
    program: Program

    def run(self) -> float:
        """See Mode."""
        program, command = self.program, None if self.mode == "cold" else self.program.command
        began = time.perf_counter()
        with self.jails.jail(self.slot, program.limits, program.disk_bytes, program.mounts, command=command) as jail:
            for file in program.files:
                jail.box.write(file.path, file.content, file.mode)
            result = jail.run(program.command, program.limits)
        took = time.perf_counter() - began
        _check(self.mode, result.stdout)
        if result.mode != self.mode:
            raise click.ClickException(f"{self.mode}: the jail that was given was {result.mode}")
        return took


@dataclass(frozen=True)
class Isolate:
    """isolate, another sandbox: init, run and cleanup for every run, without control groups, which is its quick way."""

    binary: str
    program: Program

    def run(self) -> float:
        """See Mode."""
        began = time.perf_counter()
        box = Path(self._isolate("--init").decode().strip()) / "box"
        try:
            for file in self.program.files:
                (box / file.path).parent.mkdir(parents=True, exist_ok=True)
                (box / file.path).write_bytes(file.content)
                (box / file.path).chmod(file.mode)
            stdout = self._run()
        finally:
            self._isolate("--cleanup")
        took = time.perf_counter() - began
        _check("isolate", stdout)
        return took

    def _run(self) -> bytes:
        limits, command = self.program.limits, self.program.command
        return self._isolate(
            f"--time={limits.cpu_time_ms / 1000}",
            f"--wall-time={limits.wall_time_ms / 1000}",
            f"--fsize={limits.file_bytes // 1024}",
            f"--processes={limits.processes}",
            # Without control groups its limit is of address space, which a JVM and V8 take gigabytes of.
            *(() if command.policy in {"java", "node"} else (f"--mem={limits.memory_bytes // 1024}",)),
            *(f"--env={assignment}" for assignment in command.environment),
            *(f"--dir={mount}" for mount in self.program.mounts),
            "--silent",
            "--run",
            "--",
            *command.argv,
        )

    def _isolate(self, *arguments: str) -> bytes:
        done = subprocess.run([self.binary, *arguments], input=STDIN, capture_output=True, check=False)
        if done.returncode != 0:
            raise click.ClickException(f"isolate {arguments[0]} ended with {done.returncode}: {done.stderr!r}")
        return done.stdout


def _check(mode: str, stdout: bytes) -> None:
    if stdout != STDOUT:
        raise click.ClickException(f"{mode}: the program printed {stdout!r}, not {STDOUT!r}")


@contextmanager
def bare(name: str, scratch: Path) -> Iterator[Mode]:
    """Put the program's files into a folder and start it there."""
    with own_sandbox(scratch) as sandbox, sandbox.slot() as slot:
        program = ready(name, sandbox, slot)
    for file in program.files:
        path = scratch / "box" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)
    command = program.command
    with contextlib.chdir(scratch / "box"):
        yield Bare(command.argv, dict(assignment.split("=", 1) for assignment in command.environment))


@contextmanager
def cold(name: str, scratch: Path) -> Iterator[Mode]:
    """Hold a slot, as an execution does for all of its test cases."""
    with own_sandbox(scratch) as sandbox, sandbox.slot() as slot:
        yield Jailed("cold", sandbox, slot, ready(name, sandbox, slot))


@contextmanager
def warm(name: str, scratch: Path) -> Iterator[Mode]:
    """Have jails standing ready; each run waits for one where the last was quicker than it could be replaced."""
    with own_sandbox(scratch, pool=POOL) as sandbox, sandbox.slot() as slot:
        program = ready(name, sandbox, slot)
        _stand(sandbox, slot, Kind.of(program.command, program.mounts, program.limits))
        yield Jailed("warm", sandbox, slot, program)


@contextmanager
def inner(name: str, scratch: Path) -> Iterator[Mode]:
    """Make the jails within one jail, as for the test cases of one submission."""
    with own_sandbox(scratch, pool=POOL) as sandbox, sandbox.slot() as slot:
        program = ready(name, sandbox, slot)
        _stand(sandbox, slot, replace(Kind.of(program.command, program.mounts), launcher=True))
        with sandbox.series(slot, program.command, program.mounts) as jails:
            yield Jailed("inner", jails, slot, program)


def _stand(sandbox: Sandbox, slot: Slot, kind: Kind) -> None:
    if sandbox.pool is None or not sandbox.pool.warm(slot, kind, STAND_PATIENCE_S):
        raise click.ClickException("no jail stands ready: that takes root and control groups")


@contextmanager
def isolate(name: str, scratch: Path) -> Iterator[Mode]:
    """Compile with our own sandbox, run in isolate's."""
    with own_sandbox(scratch) as sandbox, sandbox.slot() as slot:
        program = ready(name, sandbox, slot)
    yield Isolate(os.environ[ISOLATE], program)


Make = Callable[[str, Path], AbstractContextManager[Mode]]
MODES: Mapping[str, Make] = {
    "bare": bare,
    "cold": cold,
    "warm": warm,
    "inner": inner,
    **({"isolate": isolate} if os.environ.get(ISOLATE) else {}),
}
"""Every way there is, by the name of its figures."""
ONLY: Mapping[str, frozenset[str]] = {}
"""The languages of a mode that does not run all of them."""

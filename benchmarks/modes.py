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
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import click

from benchmarks.host import own_sandbox
from benchmarks.programs import STDIN, STDOUT, Program, ready
from sandbox import Sandbox, Slot

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
class Cold:
    """A jail made when it is asked for, as for every test case: nsjail, files in, run, gone."""

    sandbox: Sandbox
    slot: Slot
    program: Program

    def run(self) -> float:
        """See Mode."""
        program = self.program
        began = time.perf_counter()
        with self.sandbox.jail(self.slot, program.limits, program.disk_bytes, program.mounts) as jail:
            for file in program.files:
                jail.box.write(file.path, file.content, file.mode)
            result = jail.run(program.command, program.limits)
        took = time.perf_counter() - began
        _check("cold", result.stdout)
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
        yield Cold(sandbox, slot, ready(name, sandbox, slot))


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
    **({"isolate": isolate} if os.environ.get(ISOLATE) else {}),
}
"""Every way there is, by the name of its figures."""
ONLY: Mapping[str, frozenset[str]] = {}
"""The languages of a mode that does not run all of them."""

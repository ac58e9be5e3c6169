"""How far programs get beyond their limits of CPU and wall time before they are ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from benchmarks.host import built, progress
from benchmarks.samples import summary
from sandbox import Cause, Command, Limits, Sandbox
from sandbox.limits import MIB

SHARE = {50: 1.0, 500: 0.3, 2000: 0.15}
"""Limits in milliseconds, and how many runs of the `times` each gets: the long ones would take an hour."""
SPIN_C = "int main(void) { for (volatile unsigned i = 0;; i++) {} }"
SPIN_PYTHON = "while True: pass"
SLEEP_PYTHON = "import time\ntime.sleep(99)"
DISK_BYTES = 4 * MIB
FAR_MS = 10_000
"""By how much the limit that is not looked at is looser: a busy machine must not reach it first."""

Found = dict[str, dict[str, dict[str, float]]]
"""Program, limit in milliseconds, figures."""


@dataclass(frozen=True)
class Program:
    """A program that never ends, and which of its limits ends it."""

    file: str
    content: bytes
    command: Command
    cause: Cause

    def overshoot_ms(self, sandbox: Sandbox, limit_ms: int) -> float:
        """Run it once; gives what it spent beyond the limit. Raises ClickException where it ended otherwise."""
        cpu_ms, wall_ms = (
            (limit_ms, 10 * limit_ms + FAR_MS) if self.cause is Cause.CPU else (limit_ms + FAR_MS, limit_ms)
        )
        limits = Limits(cpu_ms, wall_ms, 64 * MIB, 65_536, MIB, 8)
        with sandbox.slot() as slot, sandbox.jail(slot, limits, DISK_BYTES) as jail:
            jail.box.write(self.file, self.content, 0o755)
            result = jail.run(self.command, limits)
        if result.cause is not self.cause:
            raise click.ClickException(f"{self.file} ended as {result.cause}, not {self.cause}: {result.stderr!r}")
        spent_us = result.cpu_time_us if self.cause is Cause.CPU else result.wall_time_us
        return spent_us / 1000 - limit_ms


def programs() -> Mapping[str, Program]:
    """Make the programs, by name."""
    python = Command(("/usr/bin/python3", "main.py"), "python")
    spin = built(("/usr/bin/cc", "-O1"), SPIN_C, ".c")
    return {
        "cpu, C": Program("a.out", spin, Command(("./a.out",), "strict"), Cause.CPU),
        "cpu, Python": Program("main.py", SPIN_PYTHON.encode(), python, Cause.CPU),
        "wall, sleeper": Program("main.py", SLEEP_PYTHON.encode(), python, Cause.WALL),
    }


def schedule(names: Sequence[str], times: int) -> list[tuple[str, int]]:
    """List the runs (program, limit), so that whatever the machine does meanwhile meets all of them (pure)."""
    runs = [
        (number / round(times * share), name, limit_ms)
        for limit_ms, share in SHARE.items()
        for name in names
        for number in range(round(times * share))
    ]
    return [(name, limit_ms) for _, name, limit_ms in sorted(runs)]


def measure(sandbox: Sandbox, times: int) -> Found:
    """Run every program under every limit, `times` at the shortest."""
    known = programs()
    seen: dict[str, dict[int, list[float]]] = {name: {limit_ms: [] for limit_ms in SHARE} for name in known}
    for name, limit_ms in progress(schedule(list(known), times), "limits"):
        seen[name][limit_ms].append(known[name].overshoot_ms(sandbox, limit_ms))
    return {
        name: {
            str(limit_ms): {"runs": len(values), **summary(values, 50, 99)}
            for limit_ms, values in by_limit.items()
            if values
        }
        for name, by_limit in seen.items()
    }

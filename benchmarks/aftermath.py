"""What a hostile program costs whoever comes next: the latency of a hello right after it, against one after a hello."""

import time
from collections.abc import Callable, Mapping

import click

from benchmarks.host import progress
from benchmarks.http import Client
from benchmarks.samples import summary
from sandbox import Cause, Command, Limits, Sandbox
from sandbox.limits import MIB

LIMITS = Limits(500, 10_000, 64 * MIB, 65_536, 4 * MIB, 16)
DISK_BYTES = 4 * MIB
HELLO = "print(6 * 7)"
AFTER_HELLO = "hello"
# What is not granted at once is taken in pieces, until the kernel ends it.
GREEDY = """
try:
    taken = [bytearray(64 << 30)]
except MemoryError:
    taken = []
while True:
    taken.append(b"x" * (1 << 20))
"""

BEFORE: Mapping[str, tuple[str, frozenset[Cause], frozenset[str]]] = {
    AFTER_HELLO: (HELLO, frozenset({Cause.EXIT}), frozenset({"OK"})),
    "fork bomb": (
        "import os\nwhile True:\n  os.fork()",
        frozenset({Cause.PROCESSES, Cause.MEMORY, Cause.CPU, Cause.WALL, Cause.STDERR}),
        frozenset({"RTE", "MLE", "TLE", "OLE"}),
    ),
    "64 GiB": (
        GREEDY,
        frozenset({Cause.MEMORY}),
        frozenset({"MLE"}),
    ),
    "endless print": ("while True: print('x' * 999)", frozenset({Cause.STDOUT}), frozenset({"OLE"})),
    "forbidden call": (
        "import ctypes\nctypes.CDLL(None).ptrace(0, 0, 0, 0)",
        frozenset({Cause.SYSCALL}),
        frozenset({"RTE"}),
    ),
}
"""What runs before: its source, and how it must end in a jail and over HTTP, or the measurement means nothing."""

Found = dict[str, dict[str, float]]


def in_jails(sandbox: Sandbox, times: int) -> Found:
    """Measure from asking for a slot to the jail's being gone."""

    def run(name: str) -> float:
        source, causes, _ = BEFORE[name]
        began = time.perf_counter()
        with sandbox.slot() as slot, sandbox.jail(slot, LIMITS, DISK_BYTES) as jail:
            jail.box.write("main.py", source.encode())
            result = jail.run(Command(("/usr/bin/python3", "main.py"), "python"), LIMITS)
        took = time.perf_counter() - began
        if result.cause not in causes:
            raise click.ClickException(f"{name} ended as {result.cause}: {result.stderr[-200:]!r}")
        return took

    return _measure(run, times, "hello after others, in jails")


def over_http(client: Client, times: int) -> Found:
    """Measure from POST to the final result."""

    def run(name: str) -> float:
        source, _, verdicts = BEFORE[name]
        constraints = {
            "timeout_ms": LIMITS.cpu_time_ms,
            "wall_timeout_ms": LIMITS.wall_time_ms,
            "memory_mb": LIMITS.memory_bytes // MIB,
            "output_kb": LIMITS.output_bytes // 1024,
            "disk_mb": DISK_BYTES // MIB,
            "processes": LIMITS.processes,
        }
        body = {
            "language": "python",
            "source": {"type": "code", "content": source},
            "test_cases": [],
            "constraints": constraints,
        }
        took, execution = client.submit(body)
        if execution["verdict"] not in verdicts:
            raise click.ClickException(f"{name}: {execution['verdict']} {execution['reason']}")
        return took

    return _measure(run, times, "hello after others, over HTTP")


def _measure(run: Callable[[str], float], times: int, description: str) -> Found:
    seen: dict[str, list[float]] = {name: [] for name in BEFORE}
    run(AFTER_HELLO)
    for name in progress([name for _ in range(times) for name in BEFORE], description):
        run(name)
        seen[name].append(1000 * run(AFTER_HELLO))
    return {name: {"runs": len(values), **summary(values, 50)} for name, values in seen.items()}

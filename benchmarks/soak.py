"""Run many jails, honest and hostile ones in turn, and see that nothing of them remains: `make soak`.

Counts the host's control groups, mounts, network namespaces, processes, System V objects, loop devices and files in
/tmp, and this process's descriptors and memory, before, now and then, and after. Exit code 1 where one of them grew.
"""

import gc
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sandbox import Cause, Command, Jails, Limits, PoolConfig, Sandbox, SandboxConfig, Slot
from sandbox.limits import MIB
from sandbox.warm import WarmJail

TREE = Path(__file__).absolute().parent.parent
LIMITS = Limits(200, 600, 32 * MIB, 65_536, 4 * MIB, 16)
DISK_BYTES = 4 * MIB
SAMPLES = 20
BLOCK = 10
"""Runs in one slot, their jails made in one way."""
COMMAND = Command(("/usr/bin/python3", "-B", "main.py"), "python", interpreter="python")
GROWTH_BYTES = 16 * MIB
"""What this process's memory may vary by without being a leak."""

PROGRAMS: Mapping[str, tuple[str, frozenset[Cause]]] = {
    "hello": ("print(6 * 7)", frozenset({Cause.EXIT})),
    "files everywhere": (
        "import os\nfor d in ('/tmp', '/dev/shm', '/box'):\n  open(d + '/left', 'w').write('x' * 9999)",
        frozenset({Cause.EXIT}),
    ),
    "daemon left behind": (
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(99)\n  os._exit(0)",
        frozenset({Cause.EXIT}),
    ),
    "System V objects": (
        "import ctypes\nc = ctypes.CDLL(None)\nc.shmget(5, 9999, 0o1666), c.semget(5, 1, 0o1666), c.msgget(5, 0o1666)",
        frozenset({Cause.EXIT}),
    ),
    "memory": ("x = bytearray(99 << 20)", frozenset({Cause.MEMORY})),
    "fork bomb": (
        "import os\nwhile True:\n  os.fork()",
        frozenset({Cause.PROCESSES, Cause.MEMORY, Cause.CPU, Cause.STDERR}),
    ),
    "output": ("while True: print('x' * 999)", frozenset({Cause.STDOUT})),
    "spin": ("while True: pass", frozenset({Cause.CPU})),
    "forbidden call": ("import ctypes\nctypes.CDLL(None).ptrace(0, 0, 0, 0)", frozenset({Cause.SYSCALL})),
}
LIGHT = ("hello", "files everywhere", "daemon left behind", "child left behind", "System V objects")

NODE = Path("/usr/bin/node")
OF_NODE: Mapping[str, tuple[str, frozenset[Cause]]] = {
    "hello": ("console.log(6 * 7)", frozenset({Cause.EXIT})),
    "files everywhere": (
        "for (const d of ['/tmp', '/dev/shm', '/box']) require('fs').writeFileSync(d + '/left', 'x'.repeat(9999))",
        frozenset({Cause.EXIT}),
    ),
    "child left behind": (
        "require('child_process').spawn('/usr/bin/sleep', ['99'], {detached: true, stdio: 'ignore'}).unref()",
        frozenset({Cause.EXIT}),
    ),
    "memory": ("const x = []; for (;;) x.push(Buffer.alloc(9 << 20, 1))", frozenset({Cause.MEMORY})),
    "output": ("for (;;) require('fs').writeSync(1, 'x'.repeat(999))", frozenset({Cause.STDOUT})),
    "spin": ("for (;;);", frozenset({Cause.CPU})),
}
"""For runtimes that are held when they open their program."""


@dataclass(frozen=True)
class Way:
    """How the jails of some runs are made, and what runs in them."""

    jails: Jails
    command: Command
    limits: Limits
    programs: Mapping[str, tuple[str, frozenset[Cause]]]
    ahead: bool = True
    """Whether what is made ahead may be taken."""

    def program(self, number: int) -> str:
        """Name the program of a run; every twentieth is one of the heavy ones."""
        light = [name for name in self.programs if name in LIGHT]
        heavy = [name for name in self.programs if name not in light]
        return heavy[number // 20 % len(heavy)] if number % 20 == 0 else light[number % len(light)]


def counts(instance: str) -> dict[str, int]:
    """Count everything that a run could leave behind."""
    me = psutil.Process()
    return {
        "control groups": sum(1 for _ in Path("/sys/fs/cgroup").rglob(f"shipd-{instance}/*/run-*")),
        "mounts": len(Path("/proc/self/mounts").read_text().splitlines()),
        "namespaces": len({_namespace(pid) for pid in psutil.pids()}),
        "processes": len(me.children(recursive=True)),
        "System V objects": sum(
            len(Path(f"/proc/sysvipc/{kind}").read_text().splitlines()) - 1 for kind in ("shm", "sem", "msg")
        ),
        "loop devices": sum(1 for device in Path("/sys/block").glob("loop*/loop") if device.exists()),
        "files in /tmp": len(os.listdir(tempfile.gettempdir())),  # noqa: PTH208 - their number only
        "descriptors": me.num_fds(),
        "memory": me.memory_info().rss,
    }


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


def soak(sandbox: Sandbox, runs: int, sample: Callable[[], None]) -> tuple[list[str], Counter[str]]:
    """Do the runs; gives what went wrong, and how the jails were made."""
    wrong: list[str] = []
    modes: Counter[str] = Counter()
    for block in track(range(0, runs, BLOCK), description="jails", console=Console(stderr=True)):
        with sandbox.slot() as slot, _way(sandbox, slot, block // BLOCK) as way:
            for number in range(block, min(block + BLOCK, runs)):
                name = way.program(number)
                source, causes = way.programs[name]
                hint = way.command if way.ahead else None
                with way.jails.jail(slot, way.limits, DISK_BYTES, command=hint) as jail:
                    jail.box.write(way.command.argv[-1], source.encode())
                    result = jail.run(way.command, way.limits)
                mode = "held" if isinstance(jail, WarmJail) and jail.kind.held_at else result.mode
                modes[mode] += 1
                if result.cause not in causes:
                    wrong.append(f"run {number}, {name}, {mode}: {result.cause} {result.stderr[-200:]!r}")
        if block % max(BLOCK, runs // SAMPLES // BLOCK * BLOCK) == 0:
            sample()
    return wrong, modes


@contextmanager
def _way(sandbox: Sandbox, slot: Slot, turn: int) -> Iterator[Way]:
    """Give cold jails, jails that stand ready, jails within one, and such as hold a runtime, in turn."""
    plain = Way(sandbox, COMMAND, LIMITS, PROGRAMS)
    ways = 4 if NODE.exists() else 3
    match turn % ways:
        case 0:
            yield replace(plain, ahead=False)
        case 1:
            yield plain
        case 2:
            with sandbox.series(slot, COMMAND) as jails:
                yield replace(plain, jails=jails)
        case _:
            held = Command((str(NODE), "main.js"), "node", held_at="main.js")
            limits = replace(LIMITS, memory_bytes=128 * MIB, cpu_time_ms=500, wall_time_ms=2000)
            yield Way(sandbox, held, limits, OF_NODE)


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Name what grew: nothing may, but memory by a little."""
    return [name for name, count in after.items() if count > before[name] + (GROWTH_BYTES if name == "memory" else 0)]


@click.command()
@click.option("--runs", default=10_000, show_default=True, help="How many jails.")
@click.option("--state", type=click.Path(path_type=Path), default=Path("var"), help="Folder of the built init.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(*, runs: int, state: Path, as_json: bool) -> None:
    """Run many jails and show that nothing of them remains."""
    instance = f"soak-{os.getpid()}"
    sandbox = Sandbox(SandboxConfig(instance, state, TREE / "jail-configs", pool=PoolConfig()))
    sandbox.start_pool()
    soak(sandbox, 6 * BLOCK, lambda: None)  # what is made once per process is there now
    samples: list[dict[str, int]] = []

    def sample() -> None:
        if sandbox.pool is not None:
            sandbox.pool.clear()
        gc.collect()
        samples.append(counts(instance))

    sample()
    wrong, modes = soak(sandbox, runs, sample)
    sample()
    sandbox.stop_pool()
    sandbox.forget()
    leaks = grown(samples[0], samples[-1])
    if as_json:
        click.echo(json.dumps({"runs": runs, "modes": modes, "samples": samples, "wrong": wrong, "grown": leaks}))
    else:
        _show(samples, leaks)
        click.echo(", ".join(f"{count:,} {mode}" for mode, count in sorted(modes.items())))
        click.echo("\n".join(wrong))
    sys.exit(1 if wrong or leaks else 0)


def _show(samples: list[dict[str, int]], leaks: list[str]) -> None:
    table = Table(title="What remains")
    for heading in ("", "before", "least", "most", "after", ""):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in samples[0]:
        values = [sample[name] for sample in samples]
        shown = [values[0], min(values), max(values), values[-1]]
        table.add_row(name, *(f"{value:,}" for value in shown), "grew" if name in leaks else "flat")
    Console().print(table)


if __name__ == "__main__":
    main()

"""Jails that stand at once: the time that one more takes, and the memory that each holds.

Memory is what the kernel charges to the control group that holds the process, every nsjail and every init: their own
pages, each counted once however many share it (which a sum of RSS does not, and of Pss does), and what the kernel
itself keeps for them (namespaces, mounts, page tables, kernel stacks), which no sum over processes shows. What the
kernel charges to nobody, the counters of network namespaces above all, is in the second figure alone: by how much the
machine's available memory fell, right only where nothing else runs.
"""

import resource
from collections.abc import Sequence
from pathlib import Path

import click
import psutil

from benchmarks.child import Child
from benchmarks.groups import own_group
from benchmarks.host import progress, scratch
from benchmarks.report import Figures
from benchmarks.samples import percentile
from sandbox.limits import MIB

COUNTS = (100, 1000, 2000)
LAST = 100
"""How many of the newest jails give the time that one more takes at that number."""
DEAREST_BYTES = 8 * MIB
"""What a jail is expected to hold before any was looked at: several times what was ever seen."""
DESCRIPTORS_PER_JAIL = 6
PROCESSES_PER_JAIL = 2
ROOM = 0.5
"""The part of the machine's free memory that may be taken."""


def measure(counts: Sequence[int] = COUNTS) -> Figures:
    """Make jails until so many stand, look, and go on; all are gone afterwards. A number without room is left out."""
    found: Figures = {}
    with (
        scratch() as folder,
        own_group("standing") as group,
        Child("benchmarks.standing_host", (folder,), group) as child,
    ):
        child.ask("1")
        memory_before, free_before = group.memory_bytes(), psutil.virtual_memory().available
        each_bytes = float(DEAREST_BYTES)
        for count in progress(sorted(counts), "standing jails"):
            if lacking := lacks(count, each_bytes):
                click.echo(f"{count} jails at once are left out: {lacking}", err=True)
                break
            took_ms = child.ask(str(count))
            held, fell = group.memory_bytes() - memory_before, free_before - psutil.virtual_memory().available
            each_bytes = max(held, fell) / (count - 1)
            found[f"standing/{count}"] = {
                "mb": held / (count - 1) / MIB,
                "start_ms": percentile(took_ms[-LAST:], 50),
            }
            found[f"more/standing/{count}"] = {"machine_mb": fell / (count - 1) / MIB}
    return found


def lacks(count: int, each_bytes: float) -> str:
    """Say what the machine has too little of for so many jails; nothing where it has enough."""
    _, descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = {
        "bytes of memory": (count * each_bytes, psutil.virtual_memory().available * ROOM),
        "descriptors": (count * DESCRIPTORS_PER_JAIL, descriptors),
        "processes": (count * PROCESSES_PER_JAIL, _number("kernel/pid_max") * ROOM),
        **{f"{name} namespaces": (count, _number(f"user/max_{name}_namespaces") * ROOM) for name in ("net", "user")},
    }
    return ", ".join(f"{want:.0f} {name} of {has:.0f}" for name, (want, has) in wanted.items() if want > has)


def _number(name: str) -> int:
    return int((Path("/proc/sys") / name).read_text())

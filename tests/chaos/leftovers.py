"""What of a platform's jails is still on the host when its workers have ended: nothing may be."""

from collections.abc import Collection
from pathlib import Path

from tests.chaos.platform import FAR_WORKER, NEAR_WORKER, Platform
from tests.jail.leaks import Territory, groups, settled

NAMED_NETWORKS = Path("/run/netns")
MOUNTED = Path("/run")
"""Boxes on disk are mounted below `/run/shipd-INSTANCE`."""
BOXES = "*.img"
NOTHING: dict[str, object] = {"runs": [], "mounts": [], "loops": [], "processes": [], "descriptors": {}}


def of(platform: Platform) -> list[str]:
    """End the workers in order, as an operator would, and list what is left of them."""
    for name in (NEAR_WORKER, FAR_WORKER):
        platform.halt(name)
    running = {process.pid for name in platform.names for process in platform.family(name)}
    return left(platform.instances, platform.folder, running)


def left(instances: Collection[str], folder: Path, running: Collection[int]) -> list[str]:
    """List what is left of these instances, whose state is in `folder`; `running` are processes that may be there."""
    found = settled(Territory(tuple(instances), (), ()), NOTHING)
    lines = [f"{sort}: {one}" for sort, listed in found.items() if isinstance(listed, list) for one in listed]
    return [*lines, *_named(instances), *_jails(folder, running), *(f"box: {path}" for path in folder.rglob(BOXES))]


def _named(instances: Collection[str]) -> list[str]:
    lines = [f"control group: {path}" for name in instances for path in groups(name)]
    mounted = (MOUNTED / f"shipd-{name}" for name in instances)
    lines += [f"folder: {path}" for path in mounted if path.is_dir() and any(path.rglob("*"))]
    networks = NAMED_NETWORKS.iterdir() if NAMED_NETWORKS.is_dir() else ()
    return lines + [f"network: {path}" for path in networks if any(name in path.name for name in instances)]


def _jails(folder: Path, running: Collection[int]) -> list[str]:
    """List jails: what was made from the state folder and is none of the programs that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in running:
            continue
        try:
            program, line = entry.joinpath("exe").readlink(), entry.joinpath("cmdline").read_bytes()
        except OSError:  # it has ended, or is the kernel's
            continue
        is_jail = program.name.startswith(("nsjail", "init-"))
        if is_jail and (program.is_relative_to(folder) or bytes(folder) in line):
            found.append(f"process: {entry.name} {program}")
    return found

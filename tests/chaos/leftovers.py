"""What of a platform's jails is still on the host when its workers have ended: nothing may be."""

from pathlib import Path

from tests.chaos.platform import FAR_WORKER, NEAR_WORKER, Platform
from tests.jail.leaks import Territory, groups, settled, survey

NAMED_NETWORKS = Path("/run/netns")
MOUNTED = Path("/run")
"""Boxes on disk are mounted below `/run/shipd-INSTANCE`."""
BOXES = "*.img"


def end_workers(platform: Platform) -> None:
    """End the workers in order, as an operator would, and let nobody start them again."""
    for name in (NEAR_WORKER, FAR_WORKER):
        platform.halt(name)


def left(platform: Platform) -> list[str]:
    """List what is left, once the workers have ended: each line says what and where."""
    territory = Territory(platform.instances, (), ())
    nothing: dict[str, object] = {"runs": [], "mounts": [], "loops": [], "processes": [], "descriptors": {}}
    found = settled(territory, nothing) if survey(territory) != nothing else nothing
    lines = [f"{sort}: {one}" for sort, listed in found.items() if isinstance(listed, list) for one in listed]
    return [*lines, *_of_names(platform), *_jails(platform), *_boxes(platform)]


def _of_names(platform: Platform) -> list[str]:
    lines = [f"control group: {path}" for name in platform.instances for path in groups(name)]
    lines += [
        f"folder: {MOUNTED / f'shipd-{name}'}" for name in platform.instances if _holds(MOUNTED / f"shipd-{name}")
    ]
    named = NAMED_NETWORKS.iterdir() if NAMED_NETWORKS.is_dir() else ()
    return lines + [f"network: {path}" for path in named if any(name in path.name for name in platform.instances)]


def _jails(platform: Platform) -> list[str]:
    """List jails: what was started from the state folders and is none of the programs that still run."""
    own = {process.pid for name in platform.names for process in platform.family(name)}
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in own:
            continue
        try:
            program, line = entry.joinpath("exe").readlink(), entry.joinpath("cmdline").read_bytes()
        except OSError:  # it has ended, or is the kernel's
            continue
        is_jail = program.name == "nsjail" or program.name.startswith("init-")
        if is_jail and (program.is_relative_to(platform.folder) or bytes(platform.folder) in line):
            found.append(f"process: {entry.name} {program}")
    return found


def _boxes(platform: Platform) -> list[str]:
    return [f"box: {path}" for path in platform.folder.rglob(BOXES)]


def _holds(folder: Path) -> bool:
    return folder.is_dir() and any(folder.rglob("*"))

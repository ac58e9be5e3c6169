"""A folder of the host's that jails can be shown, wherever it lies.

nsjail mounts as the jail's own init, who must be let through every folder above. What lies below one that is closed to
others (`/root`) is shown through a read-only mount at a place that is open.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.image import MOUNTS, do
from sandbox.result import SandboxError


def is_open(folder: Path) -> bool:
    """Whether everybody is let through this folder and every one above it."""
    resolved = folder.resolve()
    return all(stat.S_IMODE(one.stat().st_mode) & 0o001 for one in (resolved, *resolved.parents))


@contextmanager
def reachable(folder: Path, instance: str, name: str) -> Iterator[Path]:
    """Give a place where any user reaches `folder`, which exists. Raises SandboxError where it takes root to make it.

    What a killed process left mounted under the same name is replaced.
    """
    place = MOUNTS / f"shipd-{instance}" / name
    if os.geteuid() == 0:
        _hide(place)
    if is_open(folder):
        yield folder
        return
    if not stat.S_IMODE(folder.stat().st_mode) & 0o001:
        raise SandboxError(f"{folder} is closed to jails (chmod 755 {folder})")
    if os.geteuid() != 0:
        raise SandboxError(f"jails cannot reach {folder}: a folder above it is closed to others (chmod o+x it)")
    place.mkdir(parents=True, exist_ok=True)
    try:
        do("mount", "--bind", str(folder.resolve()), str(place))
        do("mount", "-o", "remount,bind,ro,nosuid,nodev", str(place))
        yield place
    finally:
        _hide(place)


def _is_mounted(place: Path) -> bool:
    """Ask the kernel: a bind mount within one file system has nothing else to tell it by. The place has no spaces."""
    return any(line.split()[4] == str(place) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def _hide(place: Path) -> None:
    while _is_mounted(place):
        do("umount", "--lazy", str(place))
    with contextlib.suppress(FileNotFoundError):
        place.rmdir()

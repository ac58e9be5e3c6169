"""A file system of limited size for one run, which it can fill; and what a killed run left of such is removed."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "shipd-chaos"
"""Of the file system, in the list of mounts."""
MOUNT = ("mount", "-t", "tmpfs")
UMOUNT = ("umount",)
PIECE = b"\0" * (1 << 20)
MOUNTS = Path("/proc/self/mounts")


@contextmanager
def sized(folder: Path, size_bytes: int) -> Iterator[Path]:
    """Mount a tmpfs of so many bytes at `folder` for the block. Raises CalledProcessError. Needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([*MOUNT, "-o", f"size={size_bytes},mode=0755", NAME, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*UMOUNT, folder], check=True)
        folder.rmdir()


def remove_left(home: Path) -> None:
    """Unmount what runs left below `home` whose process is gone: each folder has its name."""
    for line in MOUNTS.read_text().splitlines():
        source, mount, *_ = line.split()
        folder = Path(mount)
        if source == NAME and folder.parent == home and not Path(f"/proc/{folder.name}").exists():
            subprocess.run([*UMOUNT, "--lazy", folder], check=True)
            folder.rmdir()


def fill(path: Path) -> None:
    """Write to a file until nothing more fits, to the byte."""
    piece = PIECE
    with path.open("ab", buffering=0) as file:
        while piece:
            try:
                file.write(piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece = piece[: len(piece) // 2]


def free_bytes(folder: Path) -> int:
    """Give how much more fits."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize

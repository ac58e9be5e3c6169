"""A box on disk: a loop-mounted ext4 image, where a tmpfs would count too much as memory. Needs root.

Made for one jail and never used again. The image is sparse and its size is the quota; it lies under the slot's own
name, so whoever takes the slot next finds and removes what a killed worker left.
"""

import contextlib
import logging
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.result import SandboxError
from sandbox.room import size_on_disk
from sandbox.slots import Slot

log = logging.getLogger(__name__)

BYTES_PER_INODE = 16_384
PATIENCE_S = 60
MOUNTS = Path("/run")
"""Where images are mounted: every folder above must let the jail's init through, and a state folder may lie below
one that does not (`/root`)."""


@contextmanager
def mounted(folder: Path, instance: str, slot: Slot, size_bytes: int) -> Iterator[Path]:
    """Give the mounted folder of a new file system of `size_bytes`; its image lies in `folder`. Raises SandboxError."""
    if os.geteuid() != 0:
        raise SandboxError("a box larger than memory allows needs a loop mount, and that needs root")
    image, target = folder / f"{slot.name}.img", MOUNTS / f"shipd-{instance}" / slot.name
    remove(image, target)
    try:
        _make(image, target, slot.program_uid, size_bytes)
        yield target
    finally:
        # What a run came to is known by now, and whoever takes the slot next tries again.
        try:
            remove(image, target)
        except SandboxError as error:
            log.warning("box on disk left behind: %s", error)


def _make(image: Path, target: Path, owner: int, size_bytes: int) -> None:
    image.parent.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    with image.open("xb") as file:
        file.truncate(size_on_disk(size_bytes))
    features = "nodiscard,lazy_itable_init=1,root_owner=" + f"{owner}:{owner}"
    inodes = str(max(1024, size_bytes // BYTES_PER_INODE))
    do("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-N", inodes, "-E", features, str(image))
    # Nothing in a box is to outlive anything: no order of writing is asked of the disk.
    do("mount", "-o", "loop,nosuid,nodev,nobarrier", str(image), str(target))
    (target / "lost+found").rmdir()


def remove(image: Path, target: Path) -> None:
    """Unmount and delete; whatever of it is not there is fine. A descriptor still open keeps its own files readable."""
    while target.is_mount():
        do("umount", "--lazy", str(target))
    image.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        target.rmdir()


def do(*argv: str) -> None:
    """Run a tool of the host's, found in its usual folders, with an empty environment. Raises SandboxError."""
    try:
        subprocess.run(_absolute(argv), check=True, capture_output=True, text=True, timeout=PATIENCE_S, env={})
    except subprocess.CalledProcessError as error:
        raise SandboxError(f"{argv[0]} failed: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"{argv[0]} failed: {error} (apt-get install -y mount e2fsprogs)") from error


def _absolute(argv: Sequence[str]) -> list[str]:
    """Name the tool by its place: the environment, and with it PATH, is empty."""
    for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        if os.access(f"{folder}/{argv[0]}", os.X_OK):
            return [f"{folder}/{argv[0]}", *argv[1:]]
    raise FileNotFoundError(argv[0])

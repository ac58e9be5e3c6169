"""Room: what of a host a jail takes while it stands, and what a host can give in all (pure but for `Capacity.of`)."""

import os
from dataclasses import dataclass

from sandbox.config import SandboxConfig
from sandbox.limits import MIB
from sandbox.result import SandboxError

LEAST_RESERVE_BYTES = 512 * MIB
RESERVED_PART = 10
"""One part in so many of the memory is the platform's own: workers, servers beside them, the kernel."""
LEAST_DISK_RESERVE_BYTES = 1024 * MIB
"""Of the state folder's file system: caches, outputs and logs grow there too."""
LEAST_BYTES = 64 * MIB
"""With less than this for jails a host is of no use."""
IMAGE_OVERHEAD_BYTES = 8 * MIB
"""Of a box on disk: ext4's own tables, so that the program has what it asked for; and one part in fifty."""
FILES_BYTES = 320 * MIB
"""What is put into a box on disk beside what the program may write: what was compiled, and a test case's files."""


@dataclass(frozen=True)
class Room:
    """What one execution takes at the most at a time. Bytes."""

    memory_bytes: int
    """Limits of the jails that stand at a time, their tmpfs included, as a program and what it talks to."""
    disk_bytes: int = 0
    """Of their boxes on disk, with what the file system needs for itself."""
    at_first_bytes: int = 0
    """Memory until `Jails.settle` is called: what compilers may take before anything is run."""

    own_bytes: int | None = None
    """What of the memory the submission itself asks for, which it has whole or not at all; None: all of it. The rest
    is cut on a host that has less (`Slot.held_to`)."""

    @property
    def most_bytes(self) -> int:
        """The memory that is taken at the beginning."""
        return max(self.memory_bytes, self.at_first_bytes)

    def fits(self, capacity: "Capacity") -> bool:
        """Whether there is as much at all."""
        own = self.memory_bytes if self.own_bytes is None else self.own_bytes
        return own <= capacity.memory_bytes and self.disk_bytes <= capacity.disk_bytes


@dataclass(frozen=True)
class Capacity:
    """What all jails of an instance on this host may take together."""

    memory_bytes: int
    disk_bytes: int

    @classmethod
    def of(cls, config: SandboxConfig, slots: int) -> "Capacity":
        """Say what is left for jails. Raises SandboxError where that is next to nothing."""
        total, reserve, standing = memory_parts(config, slots)
        left = total - reserve - standing
        if left < LEAST_BYTES:
            raise SandboxError(
                f"{left // MIB} MiB of memory are left for jails: of {total // MIB} MiB {reserve // MIB} are reserved"
                f" for the platform, and {standing // MIB} for what stands ready in {slots} processes: have less stand"
                " ready or fewer slots, reserve less, or give this instance more"
            )
        return cls(left, _disk(config))

    @property
    def largest_box_bytes(self) -> int:
        """The largest box on disk that a submission may ask for."""
        return max(0, (self.disk_bytes - size_on_disk(FILES_BYTES)) * 50 // 51)


def size_on_disk(size_bytes: int) -> int:
    """Give the size of the image of a box on disk in which `size_bytes` find room."""
    return size_bytes + size_bytes // 50 + IMAGE_OVERHEAD_BYTES


def memory_parts(config: SandboxConfig, slots: int) -> tuple[int, int, int]:
    """Give what the instance has, what of it is the platform's, and what is for jails that stand ready. Bytes."""
    total = config.memory_bytes or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    reserve = config.reserve_bytes
    if reserve is None:
        reserve = max(LEAST_RESERVE_BYTES, total // RESERVED_PART)
    return total, reserve, 0 if config.pool is None else config.pool.memory_bytes * slots


def _disk(config: SandboxConfig) -> int:
    if os.geteuid() != 0:  # no loop mounts
        return 0
    if config.disk_bytes is not None:
        return config.disk_bytes
    config.state_dir.mkdir(parents=True, exist_ok=True)
    found = os.statvfs(config.state_dir)
    reserve = max(LEAST_DISK_RESERVE_BYTES, found.f_blocks * found.f_frsize // (2 * RESERVED_PART))
    return max(0, found.f_bavail * found.f_frsize - reserve)

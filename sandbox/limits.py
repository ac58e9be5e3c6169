"""What one run may spend."""

from dataclasses import dataclass

MIB = 1 << 20
STACK_CEILING_BYTES = 512 * MIB
"""glibc gives every thread a stack of this rlimit's size; more than that and 64 threads fill an address space."""


@dataclass(frozen=True)
class Limits:
    """Limits of one run; exactly at a limit passes. Bytes, milliseconds, counts."""

    cpu_time_ms: int
    """User and system time of all processes together, by the cgroup's clock."""
    wall_time_ms: int
    """From the program's start to its exit, by the monotonic clock."""
    memory_bytes: int
    """Of the whole jail, tmpfs and page cache included; swap is off."""
    output_bytes: int
    """Of stdout and of stderr, each."""
    file_bytes: int
    """Of any one file written (SIGXFSZ above)."""
    processes: int
    """Processes and threads at one time."""
    cpu_millicores: int = 1000
    open_files: int = 1024

    @property
    def stack_bytes(self) -> int:
        """As large as memory, so that the kernel's memory limit decides, up to a ceiling."""
        return min(self.memory_bytes, STACK_CEILING_BYTES)

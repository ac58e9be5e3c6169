"""A worker host as it tells of itself (pure): what it has, said at its start, and how it is, said by each heartbeat."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_REGION = "default"
HEARTBEAT_S = 10
"""How often a host tells that it is there."""
BEATS_MISSED = 3
"""So many times it may be silent before it counts as gone."""


@dataclass(frozen=True)
class HostReport:
    """What a worker host said of itself when it started: its room, and a version for every language that works."""

    name: str
    cpus: int
    memory_bytes: int
    root: bool
    """Whether its jails can have loop-mounted boxes."""
    languages: Mapping[str, str]
    """Version by language name; what is missing there is not available."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """For a language that does not work: the command that installs it."""
    network: bool = False
    """Whether its jails can have a filtered network."""
    blob_store: str | None = None
    """Which blob store it has (`BlobStore.identity`); None for hosts of the previous release."""
    region: str = DEFAULT_REGION
    """Where it is: hosts of one region take from the same queues."""
    arch: str = ""
    """Its processor, as `uname -m` says; empty for hosts of the previous release."""
    cost: float = 1.0
    """What an hour of it costs, in the operator's own unit: of two that are alike the cheaper is taken."""
    disk_bytes: int | None = None
    """What boxes on disk may take in all; None for hosts of the previous release."""


@dataclass(frozen=True)
class HostLoad:
    """How a host is at the moment, as its heartbeat says (`workers/heartbeat.py`); a host that said nothing is idle."""

    slots_busy: int = 0
    """Of its slots, those that a jail is timed in."""
    load_1m: float = 0.0
    """Processes that ran or wanted to, on average over a minute."""
    cpu_percent: float = 0.0
    """Of all its CPUs, since the heartbeat before."""
    memory_available_bytes: int | None = None
    disk_free_bytes: int | None = None
    ready: Mapping[str, int] = field(default_factory=dict)
    """Jails that stand ready, by language; those with nothing started in them have the name `plain`."""
    executions: int = 0
    """Those that ended here within the last minutes."""
    failures: int = 0
    """Of these, what the sandbox failed at."""

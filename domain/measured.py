"""What was spent and seen while an execution was graded (pure, frozen)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Usage:
    """What was spent. `source` says who counted: `cgroup` (the kernel), or `sampled` where there are no cgroups."""

    cpu_time_ms: int
    wall_time_ms: int
    memory_bytes: int | None
    source: str = "cgroup"


@dataclass(frozen=True)
class RunTelemetry:
    """What one jailed run was seen to do; what is unknown is None, never 0. `sources` names who counted what."""

    cpu_user_ms: int | None = None
    cpu_system_ms: int | None = None
    pids_peak: int | None = None
    page_faults: int | None = None
    page_faults_major: int | None = None
    context_switches: int | None = None
    cpu_migrations: int | None = None
    bytes_read: int | None = None
    bytes_written: int | None = None
    system_calls: int | None = None
    network_bytes: int | None = None
    disk_bytes: int | None = None
    slot: int | None = None
    prepare_us: int | None = None
    """From the wish for a jail to the program's start; not part of the program's wall time."""
    hash_seed: int | None = None
    """PYTHONHASHSEED that the program ran with."""
    mode: str | None = None
    """How the jail came to be: `cold`."""
    sources: Mapping[str, str] = field(default_factory=dict)
    denied_syscalls: Mapping[str, int] = field(default_factory=dict)
    """How often each forbidden system call was made."""


@dataclass(frozen=True)
class Phases:
    """How long each step of an execution took, in milliseconds of wall time; None where it did not happen."""

    queue_ms: int | None = None
    prepare_ms: int | None = None
    compile_ms: int | None = None
    run_ms: int | None = None
    check_ms: int | None = None
    collect_ms: int | None = None


class CompileCache(StrEnum):
    """Whether an execution's compile was spared; then its usage and output are those of the first one."""

    HIT = "hit"
    MISS = "miss"


class ExecutionCache(StrEnum):
    """How many runs of an execution were spared, of all test cases that were not skipped."""

    HIT = "hit"
    """All of them."""
    PARTIAL = "partial"
    MISS = "miss"


@dataclass(frozen=True)
class ExecutionTelemetry:
    """What is known of an execution beyond its verdict; kept as training data."""

    phases: Phases = Phases()
    host: str | None = None
    worker: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the platform, nsjail, the kernel and the language's compiler or interpreter."""
    compile: RunTelemetry | None = None
    compile_usage: Usage | None = None
    language_metrics: Mapping[str, int | str] | None = None
    compile_cache: CompileCache | None = None
    """None where nothing was compiled, or where the request kept away from the cache."""
    execution_cache: ExecutionCache | None = None
    """None where nobody looked for earlier runs: the request did not ask for it, or must not have them."""
    region: str | None = None
    """Of the host."""

"""What became of one run."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class SandboxError(Exception):
    """The sandbox failed, not the program: the run says nothing and must be done again."""


class RoomTaken(SandboxError):  # noqa: N818 - it says what is the case
    """Somebody else waits for as much room on this host already: it is to be asked again later, or another host."""


class RunAborted(Exception):  # noqa: N818 - it was asked for
    """The run was ended because the process was told to stop, or it was; it says nothing of the program."""


class Cause(StrEnum):
    """Why the program ended: the first line of `decide` that applies, by the kernel's counters and init's report."""

    MEMORY = "memory"
    STDOUT = "stdout"
    STDERR = "stderr"
    FILE = "file"
    CPU = "cpu"
    WALL = "wall"
    SYSCALL = "syscall"
    PROCESSES = "processes"
    SIGNAL = "signal"
    EXIT = "exit"
    """It ended by itself; `exit_code` says how."""


@dataclass(frozen=True)
class Counters:
    """What the run was seen to do. None is unknown, never 0; `sources` names who counted (cgroup, perf, rusage...)."""

    cpu_user_us: int | None = None
    cpu_system_us: int | None = None
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
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """How one command ended and what it spent. Exactly one of `exit_code` and `exit_signal` is not None."""

    cause: Cause
    exit_code: int | None
    exit_signal: int | None
    stdout: bytes
    stderr: bytes
    cpu_time_us: int
    wall_time_us: int
    memory_bytes: int | None
    source: str
    """Who measured CPU and memory: `cgroup`, or `sampled` where there are no cgroups."""
    counters: Counters
    denied_syscall: str | None = None
    """The forbidden call that ended it."""
    denied_syscalls: Mapping[str, int] = field(default_factory=dict)
    """Every forbidden call that was made before the end, and how often."""
    exec_errno: int = 0
    """Not 0 where the program could not even be started (`exit_code` is then 127)."""
    prepare_us: int = 0
    """From asking for the jail to the program's start."""
    mode: str = "cold"
    """How the jail was made: `cold` (when it was asked for), `warm` (it stood ready), `inner` (within another)."""
    hash_seed: int | None = None
    """PYTHONHASHSEED that the program had; a jail that stood ready has its own."""


@dataclass(frozen=True)
class Evidence:
    """All that a cause is decided from. `killed_for` is what the keeper killed it for, if it did."""

    exit_code: int | None
    exit_signal: int | None
    oom_killed: bool
    stdout_overflow: bool
    stderr_overflow: bool
    cpu_exceeded: bool
    wall_exceeded: bool
    denied_syscall: str | None
    forks_refused: bool


def decide(evidence: Evidence) -> Cause:
    """Give the cause: the first that applies, in the order in which a verdict is decided.

    The order is that of the platform's verdict table (memory, output, time, forbidden call, signal, exit), because a
    program that ran out of memory often also crashed, and the first says more.
    """
    ended_badly = evidence.exit_signal is not None or evidence.exit_code != 0
    candidates = (
        (Cause.MEMORY, evidence.oom_killed),
        (Cause.STDOUT, evidence.stdout_overflow),
        (Cause.STDERR, evidence.stderr_overflow),
        (Cause.FILE, evidence.exit_signal == signal.SIGXFSZ),
        (Cause.CPU, evidence.cpu_exceeded),
        (Cause.WALL, evidence.wall_exceeded),
        (Cause.SYSCALL, evidence.denied_syscall is not None),
        (Cause.PROCESSES, evidence.forks_refused and ended_badly),
        (Cause.SIGNAL, evidence.exit_signal is not None),
    )
    return next((cause for cause, applies in candidates if applies), Cause.EXIT)

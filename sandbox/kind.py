"""What jails that stand ready differ in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sandbox.command import Command, Mount
from sandbox.limits import MIB, Limits

ROOMY = Limits(600_000, 600_000, 8192 * MIB, 64 * MIB, 1 << 40, 1024)
"""What a jail that stands ready may spend, until it is known what it may: no program is in it before."""
OWN_LAUNCHER = ("launcher",)
LEAST_BYTES = 64 * MIB
LEAST_MILLICORES = 1000
"""With less a runtime may take seconds to come up, and whoever waits for another jail would wait for it."""


@dataclass(frozen=True)
class Kind:
    """What jails that stand ready differ in: folders of the host, and what has been started in them.

    That is nothing, an interpreter with a hook that waits for any program, or a runtime held at the opening of a file.
    """

    mounts: tuple[Mount, ...] = ()
    argv: tuple[str, ...] = ()
    """Of what has been started; empty: any program can be executed."""
    interpreter: str | None = None
    policy: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    held_at: str | None = None
    """The file of the box that a runtime is held at."""
    limits: Limits = ROOMY
    """What has been started may spend. What a runtime looks at while it starts is that of the run it is for."""
    launcher: bool = False
    """Whether it makes jails itself, for the test cases of one submission."""
    series: int = 0
    """The submission whose test cases alone it is for, a jail within a jail."""

    @classmethod
    def of(cls, command: Command, mounts: Sequence[Mount], limits: Limits | None = None) -> "Kind":
        """Say which kind serves a command best, under these limits where they are known."""
        if command.interpreter is not None:
            environment = tuple(sorted(command.env.items()))
            return cls(tuple(mounts), command.argv, command.interpreter, command.policy, environment)
        if command.held_at is None or limits is None or _slow(limits):
            return cls(tuple(mounts))
        return cls(
            tuple(mounts),
            command.line,
            policy=command.policy,
            environment=tuple(command.env.items()),
            held_at=command.held_at,
            limits=_at_start(limits),
        )

    @property
    def started(self) -> str:
        """Name what has been started: an interpreter, a runtime's program (`java`), `series`, or `nothing`."""
        if self.series:
            return "series"
        if self.interpreter is not None:
            return self.interpreter
        return self.argv[0].rpartition("/")[2] if self.argv else "nothing"

    @property
    def executing(self) -> "Kind":
        """The kind that any program can be executed in."""
        return Kind(self.mounts)

    @property
    def command(self) -> Command:
        """What is started."""
        argv, policy = (self.argv, self.policy) if self.argv else (OWN_LAUNCHER, "strict")
        return Command(argv, policy, dict(self.environment), interpreter=self.interpreter)

    @property
    def memory_bytes(self) -> int:
        """What one takes while it stands, about: init and child, and what has been started."""
        if self.held_at is not None:
            return 24 * MIB
        return 2 * MIB if self.interpreter is None else 12 * MIB


def _at_start(limits: Limits) -> Limits:
    """Keep what a runtime finds when it starts, or may fail to start by; all else can be set when it is let in."""
    return replace(
        ROOMY,
        memory_bytes=limits.memory_bytes,
        processes=limits.processes,
        cpu_millicores=limits.cpu_millicores,
        open_files=limits.open_files,
    )


def _slow(limits: Limits) -> bool:
    return limits.memory_bytes < LEAST_BYTES or limits.cpu_millicores < LEAST_MILLICORES

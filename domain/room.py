"""Whether hosts have room for a submission, and what to say when none ever had (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.errors import Problem
from domain.host import HostReport
from domain.limits import Constraints
from domain.model import Submission

MIB = 1024 * 1024


@dataclass(frozen=True)
class Need:
    """What a host must have to run a submission."""

    language: str
    """Its name, without a version; empty where any will do."""
    memory_mb: int
    cpus: int
    root: bool
    """Whether its box is a loop-mounted image."""
    network: bool = False
    disk_mb: int = 0
    """Of that image; 0 where there is none."""
    also: tuple[str, ...] = ()
    """Languages of the programs that judge it, where they are others."""

    @classmethod
    def of_submission(cls, new: Submission) -> "Need":
        """Say what a submission needs that is at hand whole, with the programs that judge it."""
        programs = (new.checker.program, None if new.interactor is None else new.interactor.program)
        own = new.language.partition("@")[0]
        names = {program.language.partition("@")[0] for program in programs if program is not None}
        return replace(cls.of(new.language, new.constraints), also=tuple(sorted(names - {own})))

    @classmethod
    def of(cls, language: str, constraints: Constraints) -> "Need":
        """Say what a submission in `language` (as asked for: `cpp@17`) with these constraints needs."""
        name = language.partition("@")[0]
        root = not constraints.disk_is_tmpfs
        disk_mb = constraints.disk_limit_mb if root else 0
        return cls(name, constraints.memory_mb, constraints.slots, root, constraints.network_enabled, disk_mb)

    def fits(self, host: HostReport) -> bool:
        """Whether the host has room for it, and its language."""
        return not self.missing(host) and self.has_room(host)

    def missing(self, host: HostReport) -> list[str]:
        """List the languages that the host does not have."""
        return [name for name in (self.language, *self.also) if name and name not in host.languages]

    def has_room(self, host: HostReport) -> bool:
        """Whether the host has room for it, whatever the language."""
        large = host.memory_bytes >= self.memory_mb * MIB and host.cpus >= self.cpus
        return large and self.has_disk(host) and (host.network or not self.network)

    def has_disk(self, host: HostReport) -> bool:
        """Whether the host has room for its box; one of the previous release does not say."""
        fits = host.disk_bytes is None or host.disk_bytes >= self.disk_mb * MIB
        return not self.root or (host.root and fits)


def problems(need: Need, hosts: Sequence[HostReport]) -> list[Problem]:
    """List why no host that ever reported can hold it; nothing where one can, or where none reported yet."""
    if not hosts:
        return []
    found = [*_memory(need, hosts), *_cpus(need, hosts), *_disk(need, hosts), *_network(need, hosts)]
    if not found and not any(need.has_room(host) for host in hosts):
        hint = "ask for less memory, CPU or disk, or send it where larger hosts are"
        found.append(Problem("constraints", "no host has room for all of this at once", hint))
    return [*_language(need, hosts), *found]


def _memory(need: Need, hosts: Sequence[HostReport]) -> list[Problem]:
    most = max(host.memory_bytes for host in hosts) // MIB
    if need.memory_mb <= most:
        return []
    message = f"{need.memory_mb} is more than any host has ({most})"
    return [Problem("constraints.memory_mb", message, f"ask for at most {most}")]


def _cpus(need: Need, hosts: Sequence[HostReport]) -> list[Problem]:
    most = max(host.cpus for host in hosts)
    if need.cpus <= most:
        return []
    message = f"takes {need.cpus} CPUs at once, more than any host has ({most})"
    return [Problem("constraints.cpu_millicores", message, f"ask for at most {most * 1000}")]


def _disk(need: Need, hosts: Sequence[HostReport]) -> list[Problem]:
    if any(need.has_disk(host) for host in hosts):
        return []
    if any(host.root for host in hosts):
        most = max(host.disk_bytes or 0 for host in hosts if host.root) // MIB
        message = f"{need.disk_mb} is more than any host has room for ({most})"
        return [Problem("constraints.disk_mb", message, f"ask for at most {most}")]
    message = "needs a disk image, which no host can mount: none runs as root"
    return [Problem("constraints.disk_mb", message, "ask for at most min(256, memory_mb / 2)")]


def _network(need: Need, hosts: Sequence[HostReport]) -> list[Problem]:
    if not need.network or any(host.network for host in hosts):
        return []
    hint = "leave it out; or on a worker host run `python -m sandbox doctor`, which says what is missing"
    return [Problem("constraints.network_enabled", "no host offers a network to programs", hint)]


def _language(need: Need, hosts: Sequence[HostReport]) -> list[Problem]:
    # A host that says nothing of the language may be older than it: only a clear no from every one counts.
    if not all(need.language in host.missing and need.language not in host.languages for host in hosts):
        return []
    installs = dict.fromkeys(host.missing[need.language] for host in hosts)
    hint = "on a worker host run: " + " or: ".join(installs)
    return [Problem("language", f"{need.language} is not installed on any host", hint)]

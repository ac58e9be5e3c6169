"""What grading needs, and whom it tells: made once in each process of a worker."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from uuid import UUID

from domain.blobs import BlobStore
from domain.db import Database
from domain.events import Events
from domain.fair import USUAL, Usual
from domain.host import DEFAULT_REGION
from domain.languages import Languages
from domain.model import Claim, Priority, TestResult
from domain.static_checks import StaticChecks
from domain.typed import TypedInput
from sandbox import Jails
from workers.broadcast import NO_BROADCASTER, Broadcaster
from workers.compile_cache import NO_CACHE, Compiler
from workers.execution_cache import NO_EXECUTION_CACHE, Executor
from workers.fleet import Fleet
from workers.lease import Leases
from workers.parked import Parked
from workers.taking import Taking
from workers.tally import untallied


def _to_nobody(executions: Sequence[tuple[UUID, Priority]]) -> None:
    """Leave them to the sweeper, which sends again what was not begun."""


def _keep(claim: Claim) -> bool:  # noqa: ARG001 - whatever it is
    """Run everything here."""
    return False


def _nobody(claim: Claim) -> None:
    """Nobody is told."""


def uncounted(language: str, result: TestResult) -> None:
    """Nobody asks."""


def _nothing() -> None:
    """Leave it to the process that sweeps."""


@dataclass(frozen=True)
class Equipment:
    """All of it; what has a default can be done without."""

    db: Database
    blobs: BlobStore
    events: Events
    sandbox: Jails
    languages: Languages
    host: str
    worker: str
    lease_s: int
    max_attempts: int
    versions: Mapping[str, str]
    """Of platform, nsjail, kernel."""
    language_versions: Mapping[str, str]
    leases: Leases
    static_checks: StaticChecks = field(default_factory=StaticChecks)
    compiler: Compiler = NO_CACHE
    executor: Executor = NO_EXECUTION_CACHE
    fleet: Fleet | None = None
    """The other hosts, where they may help."""
    broadcaster: Broadcaster = NO_BROADCASTER
    typed: TypedInput | None = None
    """What is typed for interactive runs; without it their programs find no input."""
    usual: Usual = USUAL
    send: Callable[[Sequence[tuple[UUID, Priority]]], object] = _to_nobody
    """Sends to the queue what waited for the place of what was graded, or for room."""
    parked: Parked | None = None
    """Who is to be sent when room is waited for no more; without it that is left to the sweeper."""
    passes_on: Callable[[Claim], bool] = _keep
    """Gives back what this host cannot run, for others that can; says whether it did."""
    region: str = DEFAULT_REGION
    announced: Callable[[Claim], None] = _nobody
    """Called when an execution is over that somebody wants to be told of; it does not raise."""
    ran: Callable[[str, TestResult], None] = uncounted
    """Counts a run in a language."""
    attempt: Callable[[], AbstractContextManager[Callable[[bool], None]]] = untallied
    """Counts an attempt while it lasts; gives what is told, at its end, whether the sandbox failed."""
    taking: Taking = field(default_factory=Taking)
    """Whether this host begins anything new."""
    regraded: Callable[[], None] = _nothing
    """Called when an execution of a regrade is over, and the next may be queued; it does not raise."""

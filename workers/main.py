"""The worker: checks its host, then hands itself to Celery. `python -m workers`, and `beat` and `deliver` beside it.

A host that cannot confine programs does not start: it says what is missing and how to mend it. The Celery application
`celery` of this module is also what beat and Flower load.
"""

import logging
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from billiard.util import set_pdeathsig
from celery import Celery, signals
from sentry_sdk.integrations.celery import CeleryIntegration

from domain import blob_stores, collector, compiled, hosts, outbox, regrade_pump, spans
from domain.announce import announce
from domain.cancelling import Cancellations
from domain.db import Database
from domain.errors import Unavailable
from domain.events import Events
from domain.host import HostReport
from domain.hosts import StoreDiffers
from domain.kept_runs import KeptRuns
from domain.languages import Languages
from domain.line import Lines
from domain.live import Live
from domain.logging import configure, label, logger
from domain.queue import ask_for_help, help_queue, make_celery, worker_of
from domain.router import Router
from domain.sentry import start_sentry
from domain.settings import TREE, Settings
from domain.static_checks import StaticChecks
from domain.typed import TypedInput
from sandbox import PoolConfig, Sandbox, SandboxConfig, SandboxError
from sandbox.reach import reachable
from workers import beat, delivering, host, network, prepared, tasks
from workers.broadcast import Broadcaster
from workers.compile_cache import Compiler
from workers.execution_cache import Executor
from workers.fitness import fit_or_ended
from workers.fleet import Fleet
from workers.grade import Grader
from workers.heartbeat import Consumer, Heartbeat, leave, taken
from workers.lease import Leases
from workers.load import Counted, language_names
from workers.metrics import Watching, answer_prometheus
from workers.parked import Parked
from workers.placing import Placing
from workers.stop import Stop
from workers.taking import Taking
from workers.tally import Tally, untallied
from workers.traced import TracedJails

MIB = 1024 * 1024
ALONE = ("--without-mingle", "--without-gossip")
"""Workers have nothing to tell each other, and gossip stumbles when the broker comes back."""

log = logger(__name__)
settings = Settings.from_environment()
celery: Celery = make_celery(settings)
database = Database(
    settings.database_url,
    min_size=settings.db_pool_min,
    max_size=settings.db_pool_max,
    pooler=settings.db_pooler,
)
celery.conf.worker_consumer = "workers.consumer:PatientConsumer"
router = Router.of(settings, database)
tasks.register(celery, router)


def sandbox_config(settings: Settings) -> SandboxConfig:
    """Give the sandbox its part of the settings."""
    return SandboxConfig(
        instance=settings.instance,
        state_dir=settings.state_dir,
        jail_configs=settings.jail_configs,
        cgroups=settings.cgroups,
        slots=settings.slots,
        memory_bytes=_bytes(settings.memory_mb),
        reserve_bytes=_bytes(settings.reserve_mb),
        disk_bytes=_bytes(settings.disk_mb),
        nsjail=settings.nsjail,
        pool=_pool(settings),
        network=network.offered(settings),
    )


def _bytes(megabytes: int | None) -> int | None:
    return None if megabytes is None else megabytes * MIB


def _pool(settings: Settings) -> PoolConfig | None:
    if settings.pool_mb == 0:
        return None
    return PoolConfig(settings.pool_most, settings.pool_ttl_s, settings.pool_mb * MIB)


@dataclass
class Worker:
    """What the main process knows before its pool forks; the children inherit it."""

    sandbox: Sandbox
    languages: Languages
    static_checks: StaticChecks
    found: host.Found
    stop: Stop
    blob_store: str
    """Which one it is."""
    prepared: Mapping[str, Path] = field(default_factory=dict)
    platform: Mapping[str, str] = field(default_factory=dict)
    """What a result may depend on beside the language."""
    taking: Taking = field(default_factory=Taking)
    tally: Tally | None = None
    """Of a process of the pool."""

    def grader(self, process: int, lines: Lines) -> Grader:
        """Make what one child of the pool grades with."""
        return Grader(
            db=database,
            blobs=blob_stores.of(settings),
            events=Events(settings.redis_url),
            sandbox=TracedJails(self.sandbox) if spans.recording() else self.sandbox,
            languages=self.languages,
            host=settings.host_name,
            worker=f"{settings.host_name}/{process}",
            lease_s=settings.lease_s,
            max_attempts=settings.max_attempts,
            versions=host.platform_versions(),
            language_versions=self.found.languages,
            leases=Leases(settings.lease_s),
            static_checks=self.static_checks,
            compiler=self._compiler(),
            executor=self._executor(),
            fleet=self._fleet(lines),
            broadcaster=Broadcaster(Live(settings.redis_url)),
            typed=TypedInput(settings.redis_url),
            usual=settings.usual,
            send=partial(router.send, celery),
            parked=Parked(settings.state_dir / "slots" / "parked"),
            passes_on=Placing(database, router, self._report(), partial(outbox.send, celery, database)).pass_on,
            region=settings.region,
            announced=lambda claim: announce(celery, database, claim.submission_id, claim.execution_id),
            attempt=self.tally.grading if self.tally is not None else untallied,
            taking=self.taking,
            regraded=partial(regrade_pump.pump, celery, database, router),
        )

    def _fleet(self, lines: Lines) -> Fleet | None:
        if settings.help == "off":
            return None
        ask = partial(ask_for_help, celery)
        return Fleet(database, lines, settings.host_name, ask, self.found.toolchains)

    def _compiler(self) -> Compiler:
        blobs = blob_stores.of_compiled(settings)
        store = compiled.CompiledStore(database, blobs) if settings.compile_cache_mb else None
        return Compiler(store, self.found.toolchains, self.prepared)

    def _executor(self) -> Executor:
        room, ttl_s = settings.execution_cache_mb * MIB, settings.execution_cache_ttl_s
        store = KeptRuns(database, settings.redis_url, max_bytes=room, ttl_s=ttl_s) if room else None
        return Executor(store, self.found.toolchains, self.platform)

    def attach(self) -> None:
        """Hook into Celery: a grader in every child, a heartbeat and the word to stop in the main process."""

        def begin() -> None:
            # Celery has a child killed with its parent; ours finishes what it holds, and ends when it is found alone.
            # (The kernel forgets the signal too, but only when a file is first written as a slot's user.)
            set_pdeathsig(0)
            spans.start(settings, "worker")
            self.sandbox.start_pool()
            names = language_names(list(self.languages.known.values()))
            watching = Watching(self.sandbox.pool, names) if settings.metrics_port else None
            self.tally = self._counted.tally(self.sandbox.pool)
            tasks.lines = Lines(database, settings.redis_url)
            tasks.grader = self.grader(os.getpid(), tasks.lines)
            label(worker=tasks.grader.worker)
            _listen(tasks.grader)
            collector.settle()

            @signals.worker_process_shutdown.connect(weak=False)
            def _child_ends(**_: object) -> None:
                if watching is not None:
                    watching.end()
                if self.tally is not None:
                    self.tally.close()
                self.sandbox.stop_pool()
                spans.stop()

        @signals.worker_process_init.connect(weak=False)
        def _child(**_: object) -> None:
            fit_or_ended(begin)

        @signals.worker_ready.connect(weak=False)
        def _ready(sender: Consumer, **_: object) -> None:
            load = self._counted.meter(self.sandbox.slots.busy).measure
            Heartbeat(
                *(database, settings.host_name, settings.region, self._report, load, self.taking), settings.heartbeat_s
            ).start(sender)

        @signals.worker_shutting_down.connect(weak=False)
        def _stopping(**_: object) -> None:
            timer = threading.Timer(settings.stop_grace_s, self.stop.say)
            timer.daemon = True
            timer.start()

    @property
    def _counted(self) -> Counted:
        return Counted(settings.state_dir, settings.host_name, list(self.languages.known.values()))

    def _report(self) -> HostReport:
        offers, slots = self.sandbox.config.network is not None, self.sandbox.slots
        return host.report(
            settings, slots.count, slots.capacity, self.found, network=offers, blob_store=self.blob_store
        )


def _listen(grader: Grader) -> None:
    """Have a thread see to cancellations for as long as this process lives."""
    listen = Cancellations(settings.redis_url).listen
    arguments = (grader.worker, grader.leases.look, threading.Event())
    threading.Thread(target=listen, args=arguments, name="cancellations", daemon=True).start()


def prepare() -> Worker:
    """Look at the host and make what jails need. Raises SandboxError, ValueError for wrong configuration files."""
    stop = Stop()
    store = blob_store()
    sandbox = Sandbox(sandbox_config(settings), stop.descriptor)
    sandbox.check()
    languages = Languages.load(settings.jail_configs / "languages")
    static_checks = StaticChecks.load(settings.jail_configs / "static")
    found, platform = host.look(languages), platform_of(sandbox)
    return Worker(sandbox, languages, static_checks, found, stop, store, platform=platform)


def blob_store() -> str:
    """Say which blob store this host has. Raises StoreDiffers where live hosts have another, OSError."""
    identity = blob_stores.of(settings).identity()
    try:
        hosts.refuse_other_store(database, settings.host_name, identity)
    except Unavailable as error:  # it is looked at again when the host reports
        log.warning("blob_store_not_compared", error=str(error))
    return identity


def platform_of(sandbox: Sandbox) -> Mapping[str, str]:
    """Say what the result of a run may depend on: versions, what we are, how jails are made and who counts."""
    own = host.tree_sha256(*(TREE / name for name in ("sandbox", "workers", "domain")), settings.jail_configs)
    return {**host.platform_versions(), "own": own, "cgroups": sandbox.parts.hierarchy.version}


def find_prepared(worker: Worker, mounted: ExitStack) -> Mapping[str, Path]:
    """Find what was made for compilers, where jails can be shown it; without it they take longer, and no more."""
    try:
        settings.cache_dir.mkdir(parents=True, exist_ok=True)
        place = mounted.enter_context(reachable(settings.cache_dir, settings.instance, "prepared"))
        found = prepared.find(place, worker.languages, worker.found.toolchains)
    except (SandboxError, OSError) as error:
        log.warning("nothing_prepared", error=str(error))
        return {}
    log.info("prepared_for_compilers", languages=sorted(found))
    return found


def _quieten() -> None:
    """Leave out Celery's two lines for every task: what became of an execution is told by `grade`."""
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


def run(arguments: Sequence[str]) -> int:
    """Start as told: `beat`, `deliver`, or (nothing said) the worker. Gives the exit code."""
    configure(settings.log_level)
    label(host=settings.host_name)
    _quieten()
    spans.check(settings)
    start_sentry(settings, CeleryIntegration(propagate_traces=False))
    if list(arguments) == ["beat"]:
        return beat.run(celery, settings, database, router)
    if list(arguments) == ["deliver"]:
        return delivering.run(celery, settings, database, ALONE)
    try:
        worker = prepare()
    except (SandboxError, StoreDiffers, OSError, ValueError) as error:
        log.critical("host_unfit", error=str(error), hint="run `python -m sandbox doctor`")
        return 1
    try:
        answer_prometheus(settings, worker.sandbox.slots)
    except OSError as error:
        hint = "set SHIPD_METRICS_PORT to a free port, or leave it out"
        log.critical("metrics_not_served", port=settings.metrics_port, error=str(error), hint=hint)
        return 1
    worker.attach()
    with ExitStack() as mounted:
        worker.prepared = find_prepared(worker, mounted)
        try:
            celery.worker_main(_worker_arguments(worker))
        finally:
            worker.sandbox.forget()
            leave(database, settings.host_name)
    return 0


def _worker_arguments(worker: Worker) -> list[str]:
    takes = taken(database, settings.host_name, settings.region, worker.taking)
    # With nothing to take from at all Celery would take from every queue that it knows.
    queues = [*takes, *([help_queue(settings.host_name)] if settings.help == "on" or not takes else [])]
    return [
        "worker",
        f"--concurrency={worker.sandbox.slots.count}",
        f"--queues={','.join(queues)}",
        f"--hostname={worker_of(settings.host_name)}",
        f"--loglevel={settings.log_level}",
        *ALONE,
    ]


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

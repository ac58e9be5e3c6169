"""The process that sweeps: a few chores, each by a clock of its own. `python -m workers beat`.

It needs PostgreSQL alone, so that leases of dead workers are seen to while the broker is away. More than one of it may
run, on any hosts: each chore is harmless beside itself.
"""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from celery import Celery

from domain import demand, fleet_now, prometheus, regrade_pump, spans
from domain.db import Database
from domain.errors import Unavailable
from domain.events import Events
from domain.live import Live
from domain.logging import logger
from domain.router import Router
from domain.settings import Settings
from workers import auditing, metrics
from workers.fleet_numbers import Told
from workers.keeping import keep as keep_partitions
from workers.sweeper import Sweeper

ADVISE_S = 15.0
"""How often it is looked at how many hosts are wanted."""
KEEP_S = 3600.0
"""How often partitions are looked after; what is dropped is archived before, which takes its time."""
REGRADE_S = 1.0
"""How often regrades are looked at besides; while one runs, workers that end its executions look too."""

log = logger(__name__)


@dataclass(frozen=True)
class Chore:
    """Something that is done again and again."""

    name: str
    every_s: float
    do: Callable[[], None]
    may_be_cut_off: bool = False
    """Whether nobody waits for it when the process is to end."""

    def keep_on(self, stop: threading.Event) -> None:
        """Do it until told to stop. One that fails is logged and done again at its next time."""
        due_at = time.monotonic()
        while not stop.wait(max(0.0, due_at - time.monotonic())):
            # Times that were missed are not made up for.
            due_at = max(due_at + self.every_s, time.monotonic())
            try:
                self.do()
            except (Unavailable, OSError) as error:
                log.warning("chore_interrupted", chore=self.name, error=str(error))
            except Exception:
                log.exception("chore_failed", chore=self.name)


def run(celery: Celery, settings: Settings, database: Database, router: Router) -> int:
    """Do all chores until told to end; what is being done then is finished. Gives the exit code."""
    spans.start(settings, "beat")
    told = Told()
    try:
        prometheus.answer(settings, "beat", settings.fleet_metrics_port, told.advice, told.seen)
    except OSError as error:
        hint = "set SHIPD_FLEET_METRICS_PORT to a free port, or leave it out"
        log.critical("metrics_not_served", port=settings.fleet_metrics_port, error=str(error), hint=hint)
        return 1
    metrics.expect_giving_up()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keep(chores(celery, settings, database, router, told), stop)
    database.close()
    return 0


def chores(celery: Celery, settings: Settings, database: Database, router: Router, told: Told) -> Sequence[Chore]:
    """List what is done by the clock."""
    sweeper = Sweeper(celery, settings, database, router, Events(settings.redis_url), Live(settings.redis_url))
    return (
        Chore("sweep", settings.sweep_s, sweeper.sweep),
        Chore("prune", settings.sweep_s, sweeper.prune),
        Chore("advise", ADVISE_S, lambda: told.advice.renew(demand.renew(database, settings.target_age_s))),
        Chore("look", ADVISE_S, lambda: told.seen.renew(fleet_now.read(database))),
        Chore("keep", KEEP_S, partial(keep_partitions, database, settings), may_be_cut_off=True),
        Chore("audit", auditing.EVERY_S, partial(auditing.keep, database)),
        Chore("regrade", REGRADE_S, partial(regrade_pump.pump, celery, database, router)),
    )


def keep(chores: Sequence[Chore], stop: threading.Event) -> None:
    """Do chores, each in a thread of its own, until told to stop."""
    threads = [
        threading.Thread(target=chore.keep_on, args=(stop,), name=chore.name, daemon=chore.may_be_cut_off)
        for chore in chores
    ]
    for thread in threads:
        thread.start()
    log.info("sweeping", chores=[chore.name for chore in chores])
    stop.wait()
    for thread in threads:
        if not thread.daemon:
            thread.join()

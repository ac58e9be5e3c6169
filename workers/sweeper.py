"""What the sweeping process does by the clock: `domain/sweep` and its like, and sending what they list.

Without the broker leases are looked at all the same, and nothing is listed: what is listed counts as sent.
"""

from dataclasses import dataclass
from uuid import UUID

from celery import Celery

from domain import blob_stores, broker_mark, counted, deliveries, fair, outbox, problems, stranded, sweep, training
from domain.compiled import CompiledStore
from domain.db import Database
from domain.errors import Unavailable
from domain.events import Events
from domain.live import DONE, Live
from domain.logging import logger
from domain.router import Router, Sending
from domain.settings import Settings
from domain.verdict import State, Verdict
from workers import metrics

MIB = 1024 * 1024
MOST_BATCHES = 20
"""So many of `sweep.BATCH` are sent in one sweep: more than any fleet grades until the next."""

log = logger(__name__)


@dataclass(frozen=True)
class Sweeper:
    """Sweeps one deployment; any number of them may."""

    celery: Celery
    settings: Settings
    db: Database
    router: Router
    events: Events
    live: Live

    def sweep(self) -> None:
        """Requeue what was left behind, end what cannot be graded, and send what has no message. Raises Unavailable."""
        own = self.settings
        sweep.settle(self.db, max_attempts=own.max_attempts, no_host_s=own.no_host_s, finished=self._tell_failed)
        counted.SWEPT.add()
        training.forget(self.db)
        try:
            broker_mark.look(self.celery, self.db)
        except Unavailable as error:
            log.warning("nothing_sent", error=str(error))
            return
        self._send_executions()
        self._move_stranded()
        outbox.deliver_all(self.celery, self.db, deliveries.sweep(self.db, message_lost_s=own.message_lost_s))
        self.router.check_problems(self.celery, problems.sweep(self.db, message_lost_s=own.message_lost_s))

    def prune(self) -> None:
        """Keep the compile cache within its bounds. Raises Unavailable, OSError: then another time."""
        store = CompiledStore(self.db, blob_stores.of_compiled(self.settings))
        store.prune(self.settings.compile_cache_mb * MIB, self.settings.compile_cache_days)

    def _send_executions(self) -> None:
        for _ in range(MOST_BATCHES):
            overdue = sweep.to_send(self.db, self.settings.message_lost_s)
            if not self._send(overdue):
                return
            if len(overdue) < sweep.BATCH:
                break
        self._send(fair.send_all_waiting(self.db, self.settings.usual))

    def _send(self, executions: Sending) -> bool:
        sent = self.router.send(self.celery, executions)
        counted.RESENT.add(by=len(executions) if sent else 0)
        if executions and sent:
            log.info("requeued", count=len(executions), first=str(executions[0][0]))
        return sent

    def _move_stranded(self) -> None:
        """Send elsewhere what waits where nobody takes it."""
        moved = stranded.move(self.db, self.router)
        if moved:
            log.info("moved", count=len(moved), first=str(moved[0][0]), queue=moved[0][1])
        outbox.send_all(self.celery, self.db, moved)

    def _tell_failed(self, execution_id: UUID, reason: str) -> None:
        metrics.given_up(reason)
        self.events.publish(execution_id, State.DONE)
        self.live.append(execution_id, DONE, {"state": State.DONE, "verdict": Verdict.JE, "reason": reason})

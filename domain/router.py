"""Sends executions to the queues where they are to run: `domain/routing.py` decides, here is what it has to know.

Hosts are remembered for a moment, and so is how much is queued, which is asked for only where there is a choice. So to
decide is to look into memory, and everybody who sends an execution does it here. A decision is a hint, as a message is:
what was sent to a host that is gone is found by its `queue` and sent elsewhere (`domain/stranded.py`).
"""

import itertools
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self
from uuid import UUID

from celery import Celery

from domain import outbox, queue_names, routing
from domain.db import Database
from domain.distances import Distances
from domain.errors import Unavailable
from domain.host import DEFAULT_REGION, HostReport
from domain.hosts import Host, Remembered
from domain.logging import logger
from domain.model import Priority, Submission
from domain.need_rows import NEED
from domain.room import Need
from domain.routing import Candidate, Ways
from domain.settings import Settings

QUEUED_S = 0.5
"""How old the numbers of what is queued may be."""
OWN_PART = 0.2
"""For how much one counts that this process sent since: by now many of them are over."""
MOST_COUNTED = 20_000

_QUEUED = f"""
    SELECT waiting_in, count(*) FROM (
        SELECT coalesce(queue, priority) AS waiting_in FROM executions
        WHERE state = 'queued' AND sent_at < 'infinity' LIMIT {MOST_COUNTED}
    ) AS queued GROUP BY 1
""".encode()
_READ = f"""
    SELECT e.id, e.queue, s.region, {NEED} FROM executions AS e JOIN submissions AS s ON s.id = e.submission_id
    WHERE e.id = ANY ($1)
""".encode()
_NOTE = b"""
    UPDATE executions AS e SET queue = new.queue FROM unnest($1::uuid[], $2::text[]) AS new (id, queue)
    WHERE e.id = new.id AND e.state = 'queued'
"""

log = logger(__name__)
ANYTHING = Need("", 0, 1, root=False)
"""What any host can do."""
Sending = Sequence[tuple[UUID, Priority]]
"""Executions, each with the priority that it is sent with."""


class Router:
    """Decides for one process, whose region is `home`; safe to share between threads."""

    def __init__(
        self,
        db: Database,
        known: Remembered | None = None,
        *,
        home: str = DEFAULT_REGION,
        distances: Distances | None = None,
    ) -> None:
        self.known = known or Remembered(db)
        self._db = db
        self._home = home
        self._distances = distances or Distances()
        self._found: tuple[Sequence[Host], dict[tuple[Need, str | None, str], Sequence[Candidate]]] = ((), {})
        self._counted: tuple[float, Mapping[str, float]] = (-math.inf, {})
        self._sent: Counter[str] = Counter()
        self._turns = itertools.count()

    @classmethod
    def of(cls, settings: Settings, db: Database) -> Self:
        """Make the one that these settings say."""
        return cls(db, Remembered(db, settings.live_s), home=settings.region, distances=settings.distances)

    def queue_of(self, new: Submission) -> str:
        """Name the queue of a submission that is at hand whole. Raises Unavailable."""
        return self.decide(Need.of_submission(new), new.region, new.priority)

    def decide(self, need: Need, asked: str | None, priority: Priority, home: str | None = None) -> str:
        """Name the queue; `home` is where it was sent before, if not here. Raises Unavailable."""
        found = self.candidates(need, asked, home)

        def nobody() -> str:
            return routing.parked(need, asked or home or self._home, priority, self.known.hosts())

        chosen = routing.among(found, priority, nobody, self.queued, next(self._turns))
        if len(found) > 1:
            self._sent[chosen] += 1
        return chosen

    def elsewhere(self, need: Need, asked: str | None, priority: Priority, own: HostReport) -> str | None:
        """Name a queue that the host of this report does not take from, which cannot run it. Raises Unavailable.

        None where no other host can.
        """
        # It counts as there, whatever the row says: so its region is not one of which every host can run it.
        hosts = [
            replace(one, report=own, live=True, draining_at=None) if one.report.name == own.name else one
            for one in self.known.hosts()
        ]
        found = routing.candidates(need, asked, hosts, Ways(self._home, self._distances))
        if not found:
            return None
        return routing.best(found, priority, self.queued(), next(self._turns)).queue(priority)

    def check_problem(self, celery: Celery, version_id: UUID) -> None:
        """Send a version of a problem to be checked. Never raises: what is not sent now is by the sweeper."""
        self.check_problems(celery, [version_id])

    def check_problems(self, celery: Celery, version_ids: Sequence[UUID]) -> None:
        """Send versions of problems to be checked. Never raises: what is not sent now is by the sweeper."""
        if not version_ids:
            return
        try:
            name = self.decide(ANYTHING, None, Priority.NORMAL)
        except Unavailable as error:
            log.warning("not_routed", versions=len(version_ids), error=str(error))
            return
        outbox.check_all(celery, self._db, version_ids, name)

    def candidates(self, need: Need, asked: str | None, home: str | None = None) -> Sequence[Candidate]:
        """List what comes into question, as long as the same hosts are remembered. Raises Unavailable."""
        hosts, home = self.known.hosts(), home or self._home
        of, found = self._found
        if of is not hosts:
            found = {}
            self._found = (hosts, found)
        key = (need, asked, home)
        if key not in found:
            found[key] = routing.candidates(need, asked, hosts, Ways(home, self._distances))
        return found[key]

    def queued(self) -> Mapping[str, float]:
        """Say how many wait in each queue, not older than a moment. Raises Unavailable."""
        counted_at, counted = self._counted
        if time.monotonic() - counted_at > QUEUED_S:
            with self._db.statement() as tx:
                counted = {name: float(count) for name, count in tx.run(_QUEUED, [])}
            self._counted, self._sent = (time.monotonic(), counted), Counter()
        sent = self._sent
        if not sent:
            return counted
        return {**counted, **{name: counted.get(name, 0.0) + OWN_PART * more for name, more in sent.copy().items()}}

    def place(self, executions: Sending) -> list[tuple[UUID, str]]:
        """Decide for executions that are kept, and note it. Raises Unavailable."""
        with self._db.statement() as tx:
            rows = {row[0]: row[1:] for row in tx.run(_READ, [[one for one, _ in executions]])}
        placed, changed = list[tuple[UUID, str]](), list[tuple[UUID, str]]()
        for execution_id, priority in executions:
            if (row := rows.get(execution_id)) is None:
                continue  # it was deleted meanwhile
            before, asked, *need = row
            chosen = self.decide(Need(*need), asked, priority, home_of(before))
            placed.append((execution_id, chosen))
            if chosen != before:
                changed.append((execution_id, chosen))
        if changed:
            with self._db.statement() as tx:
                tx.run(_NOTE, [[one for one, _ in changed], [name for _, name in changed]])
        return placed

    def send(self, celery: Celery, executions: Sending) -> bool:
        """Decide for executions and send them. Never raises: where it is False the sweeper sends what was not sent."""
        if not executions:
            return True
        try:
            placed = self.place(executions)
        except Unavailable as error:
            log.warning("not_routed", executions=len(executions), error=str(error))
            return False
        return outbox.send_all(celery, self._db, placed)


def home_of(sent_to: str | None) -> str | None:
    """Give the region in whose queue it was; None where it was in none's."""
    named = queue_names.read(sent_to) if sent_to is not None else None
    return None if named is None else named.region

"""When a key was used last, to the minute: written behind the requests, never within one.

Each process has a thread for it. A key is noted once a minute at most, and PostgreSQL writes it only if no other
process did; what was noted in the last moment of a process is lost.
"""

import os
import queue
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from domain.db import Database
from domain.errors import Unavailable
from domain.logging import logger

EVERY_S = 60.0
MOST_KEYS = 10_000
"""As many are remembered as noted; then all are forgotten, which costs a write each."""

Use = tuple[UUID, datetime]
log = logger(__name__)


class LastUse:
    """Notes the uses of keys, safe to share between threads and to carry over a fork."""

    def __init__(self, db: Database, every_s: float = EVERY_S) -> None:
        self._db = db
        self._every_s = every_s
        self._due: dict[UUID, float] = {}
        # By process: a thread does not come along over a fork.
        self._waiting: dict[int, queue.SimpleQueue[Use]] = {}

    def note(self, key_id: UUID) -> None:
        """Note that a key is used now; at most moments this is one look into a dict."""
        now = time.monotonic()
        if now < self._due.get(key_id, 0.0):
            return
        if len(self._due) >= MOST_KEYS:
            self._due.clear()
        self._due[key_id] = now + self._every_s
        (self._waiting.get(os.getpid()) or self._start()).put((key_id, datetime.now(UTC)))

    def _start(self) -> "queue.SimpleQueue[Use]":
        made: queue.SimpleQueue[Use] = queue.SimpleQueue()
        waiting = self._waiting.setdefault(os.getpid(), made)
        if waiting is made:  # else another thread was quicker
            threading.Thread(target=self._write_all, args=(made,), name="last-use", daemon=True).start()
        return waiting

    def _write_all(self, waiting: "queue.SimpleQueue[Use]") -> None:
        while True:
            uses = dict([waiting.get()])
            while not waiting.empty():
                uses.update([waiting.get()])
            try:
                write(self._db, uses, self._every_s)
            except (Unavailable, psycopg.Error) as error:
                # The next use is noted again; a request must not fail for it.
                log.warning("last_use_not_written", keys=len(uses), error=str(error))


def write(db: Database, uses: dict[UUID, datetime], every_s: float = EVERY_S) -> None:
    """Write when keys were used, but for those of which a use was written less than `every_s` before. One statement."""
    with db.statement() as tx:
        tx.execute(
            "UPDATE api_keys AS k SET last_used_at = u.at FROM unnest(%s::uuid[], %s::timestamptz[]) AS u (id, at)"
            " WHERE k.id = u.id AND (last_used_at IS NULL OR last_used_at <= u.at - make_interval(secs => %s))",
            (list(uses), list(uses.values()), every_s),
        )

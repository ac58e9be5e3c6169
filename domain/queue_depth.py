"""How much is queued in all: beyond a number nobody may add to it until some is done (HTTP 503)."""

import math
import time

from domain.db import Database
from domain.errors import LimitReached

REMEMBERED_S = 1.0
"""How old the number may be; what this process admitted since is added."""
ANEW_S = 0.25
"""How old it may be to refuse by."""
RETRY_AFTER_S = 5


class QueueDepth:
    """The number of queued executions, not older than a moment; safe to share between threads.

    Every process has its own, so together they may admit a moment's worth too much. `most` 0: there is no limit.
    """

    def __init__(self, db: Database, most: int) -> None:
        self._db = db
        self._most = most
        self._counted = 0
        self._counted_at = -math.inf

    def refuse_beyond(self, count: int = 1) -> None:
        """Raise LimitReached where so many more would be too many, Unavailable."""
        if self._most == 0:
            return
        if self._age() > REMEMBERED_S or (self._counted + count > self._most and self._age() > ANEW_S):
            self._counted, self._counted_at = self._count(), time.monotonic()
        if self._counted + count > self._most:
            message = (
                f"{self._counted} executions are queued, and this deployment holds {self._most}: send it again in"
                f" {RETRY_AFTER_S} s or later; what was accepted before is graded"
            )
            raise LimitReached("queue_full", message, retry_after_s=RETRY_AFTER_S, ours=True)

    def add(self, count: int = 1) -> None:
        """Take note that so many were admitted."""
        self._counted += count

    def _age(self) -> float:
        return time.monotonic() - self._counted_at

    def _count(self) -> int:
        with self._db.statement() as tx:
            command = b"SELECT count(*) FROM (SELECT FROM executions WHERE state = 'queued' LIMIT $1) AS queued"
            row = tx.run(command, [self._most]).fetchone()
        return int(row[0]) if row is not None else 0

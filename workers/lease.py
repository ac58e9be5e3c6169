"""Hold a claim while an execution is graded: its lease is renewed meanwhile, and what runs for it ends when it is lost.

One thread a process renews whatever is held, for as long as the process lives: a thread for every execution would cost
a good part of a short one. Another may have it looked at earlier, where somebody was told of a cancellation.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from domain import executions
from domain.backoff import spread
from domain.db import Database
from domain.errors import Unavailable
from domain.logging import logger
from domain.model import Claim
from workers.stop import Stop

RENEWALS_PER_LEASE = 3

log = logger(__name__)


class ClaimLost(Exception):  # noqa: N818 - it says what is the case
    """Another worker has the execution, or it was cancelled: whatever we found is not wanted."""


class Hold:
    """A claim that is held at the moment, and how those who work for it learn that it is not any more."""

    def __init__(self, db: Database, claim: Claim) -> None:
        self.db = db
        self.claim = claim
        self._stop = Stop()
        self._lost = threading.Event()
        self._then: list[Callable[[], object]] = []
        self._closed = False
        self._lock = threading.Lock()

    @property
    def lost(self) -> bool:
        """Whether it is lost."""
        return self._lost.is_set()

    @property
    def descriptor(self) -> int:
        """Readable once it is lost: a jail that is run with it ends then."""
        return self._stop.descriptor

    def check(self) -> None:
        """Raise ClaimLost once it is lost."""
        if self.lost:
            raise ClaimLost

    def when_lost(self, action: Callable[[], object]) -> None:
        """Have this called, by another thread, when it is lost; at once where it is."""
        with self._lock:
            self._then.append(action)
            lost = self.lost
        if lost:
            action()

    def lose(self) -> None:
        """Say that it is lost."""
        with self._lock:
            if self._closed or self.lost:
                return
            self._lost.set()
            self._stop.say()
            actions = list(self._then)
        for action in actions:
            action()

    def close(self) -> None:
        """Let go of the descriptor: nobody looks at it any more."""
        with self._lock:
            self._closed = True
            self._stop.close()


class Leases:
    """Renews the leases of all claims that are held; safe to share between threads, not to carry over a fork."""

    def __init__(self, lease_s: int) -> None:
        self.lease_s = lease_s
        self._held: set[Hold] = set()
        self._lock = threading.Lock()
        self._renewer: threading.Thread | None = None
        self._closed = threading.Event()

    @contextmanager
    def holding(self, db: Database, claim: Claim) -> Iterator[Hold]:
        """Renew the lease for as long as the block lasts; gives what tells when it is lost."""
        held = Hold(db, claim)
        with self._lock:
            self._held.add(held)
            self._start()
        try:
            yield held
        finally:
            with self._lock:
                self._held.discard(held)
            held.close()

    def look(self, execution_id: UUID | None = None) -> None:
        """See whether we still hold this execution, or (None) whatever we hold, and renew it."""
        with self._lock:
            held = [one for one in self._held if execution_id in {None, one.claim.execution_id}]
        for one in held:
            if not one.lost:
                self._renew(one)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._renewer is not None:
            self._renewer.join()

    def _start(self) -> None:
        if self._renewer is None:
            self._renewer = threading.Thread(target=self._renew_all, daemon=True, name="lease")
            self._renewer.start()

    def _renew_all(self) -> None:
        # A claim is renewed the first time after a part of a lease at the most: it began somewhere between two rounds.
        while not self._closed.wait(spread(self.lease_s / RENEWALS_PER_LEASE)):
            self.look()

    def _renew(self, held: Hold) -> None:
        try:
            if not executions.renew(held.db, held.claim, self.lease_s):
                held.lose()
        except Unavailable as error:
            # The lease may still be ours when the database is back; the next renewal tells.
            log.warning("lease_not_renewed", error=str(error))

"""Hold a claim while an execution is graded: its lease is renewed meanwhile, and told when it is lost.

One thread a process renews whatever is held, for as long as the process lives: a thread for every execution would cost
a good part of a short one.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain import executions
from domain.db import Database
from domain.errors import Unavailable
from domain.logging import logger
from domain.model import Claim

RENEWALS_PER_LEASE = 3

log = logger(__name__)


class ClaimLost(Exception):  # noqa: N818 - it says what is the case
    """Another worker has the execution, or it was cancelled: whatever we found is not wanted."""


@dataclass(frozen=True, eq=False)
class _Held:
    """A claim that is held at the moment."""

    db: Database
    claim: Claim
    lost: threading.Event = field(default_factory=threading.Event)


class Leases:
    """Renews the leases of all claims that are held; safe to share between threads, not to carry over a fork."""

    def __init__(self, lease_s: int) -> None:
        self.lease_s = lease_s
        self._held: set[_Held] = set()
        self._lock = threading.Lock()
        self._renewer: threading.Thread | None = None
        self._closed = threading.Event()

    @contextmanager
    def holding(self, db: Database, claim: Claim) -> Iterator[Callable[[], None]]:
        """Renew the lease for as long as the block lasts; gives a check that raises ClaimLost once it is lost."""
        held = _Held(db, claim)

        def check() -> None:
            if held.lost.is_set():
                raise ClaimLost

        with self._lock:
            self._held.add(held)
            self._start()
        try:
            yield check
        finally:
            with self._lock:
                self._held.discard(held)

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
        while not self._closed.wait(self.lease_s / RENEWALS_PER_LEASE):
            with self._lock:
                held = [one for one in self._held if not one.lost.is_set()]
            for one in held:
                self._renew(one)

    def _renew(self, held: _Held) -> None:
        try:
            if not executions.renew(held.db, held.claim, self.lease_s):
                held.lost.set()
        except Unavailable as error:
            # The lease may still be ours when the database is back; the next renewal tells.
            log.warning("lease_not_renewed", error=str(error))

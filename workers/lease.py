"""Hold a claim while an execution is graded: a thread renews its lease, and tells when it is lost."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain import executions
from domain.db import Database
from domain.errors import Unavailable
from domain.logging import logger
from domain.model import Claim

RENEWALS_PER_LEASE = 3

log = logger(__name__)


class ClaimLost(Exception):  # noqa: N818 - it says what is the case
    """Another worker has the execution, or it was cancelled: whatever we found is not wanted."""


@contextmanager
def holding(db: Database, claim: Claim, lease_s: int) -> Iterator[Callable[[], None]]:
    """Renew the lease for as long as the block lasts; gives a check that raises ClaimLost once it is lost."""
    done, lost = threading.Event(), threading.Event()
    renewer = threading.Thread(target=_renew, args=(db, claim, lease_s, done, lost), daemon=True, name="lease")
    renewer.start()

    def check() -> None:
        if lost.is_set():
            raise ClaimLost

    try:
        yield check
    finally:
        done.set()
        renewer.join()


def _renew(db: Database, claim: Claim, lease_s: int, done: threading.Event, lost: threading.Event) -> None:
    while not done.wait(lease_s / RENEWALS_PER_LEASE):
        try:
            if not executions.renew(db, claim, lease_s):
                lost.set()
                return
        except Unavailable as error:
            # The lease may still be ours when the database is back; the next renewal tells.
            log.warning("lease_not_renewed", error=str(error))

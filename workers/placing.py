"""A claim that this host cannot run: a language is missing, or room. It is given back for a host that can.

It comes here where the queue of a region was chosen before this host came to it, or by a sender that did not know all
that is needed. The attempt does not count. Where no other host can run it either, it waits without a message: the
sweeper sends it again, ever more seldom, and ends it where none comes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from domain import executions
from domain.db import Database
from domain.host import HostReport
from domain.logging import logger
from domain.model import Claim
from domain.room import Need
from domain.router import Router

log = logger(__name__)


@dataclass(frozen=True)
class Placing:
    """Of one process of a worker."""

    db: Database
    router: Router
    own: HostReport
    send: Callable[[UUID, str], None]
    """Sends to a queue."""

    def pass_on(self, claim: Claim) -> bool:
        """Give a claim back where this host cannot run it; says whether it did. Raises Unavailable."""
        submission = claim.submission
        need = Need.of_submission(submission)
        if need.fits(self.own):
            return False
        queue = self.router.elsewhere(need, submission.region, submission.priority, self.own)
        given_back = executions.pass_on(self.db, claim, queue)
        log.info("execution_passed_on", queue=queue, attempt=claim.attempt, given_back=given_back)
        if given_back and queue is not None:
            self.send(claim.execution_id, queue)
        return True

"""Cancel: change the rows, then tell whoever must know it, as one who ends an execution does."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from celery import Celery

from domain import cancel, fair, live, standing, tracing
from domain.announce import announce
from domain.cancel import Cancelled
from domain.cancelling import Cancellations
from domain.db import Database
from domain.events import Events
from domain.fair import Usual
from domain.live import Live
from domain.model import Priority
from domain.router import Router
from domain.verdict import State


@dataclass(frozen=True)
class Canceller:
    """Ends executions for who sent them. Each method raises domain.errors.Unavailable."""

    db: Database
    celery: Celery
    events: Events
    live: Live
    cancellations: Cancellations
    usual: Usual
    router: Router

    def submission(self, submission_id: UUID, owner_id: UUID | None) -> None:
        """Cancel what is not over of a submission of this owner (None: of anybody)."""
        self.tell(cancel.submission(self.db, submission_id, owner_id))

    def batch(self, batch_id: UUID, owner_id: UUID | None) -> None:
        """Cancel what is not over of what a batch made."""
        self.tell(cancel.batch(self.db, batch_id, owner_id))

    def execution(self, execution_id: UUID) -> bool:
        """Cancel one execution of anybody; False where it is over."""
        ended = cancel.one(self.db, execution_id)
        self.tell(ended)
        return bool(ended)

    def queued(self, priority: Priority) -> int:
        """Cancel some of what waits in a queue, and give how many; none: no more waits."""
        ended = cancel.queued(self.db, priority)
        self.tell(ended)
        return len(ended)

    def tell(self, ended: Sequence[Cancelled]) -> None:
        """Tell whoever must know of executions that were just cancelled."""
        for one in ended:
            if one.worker is not None:
                self.cancellations.tell(one.worker, one.execution_id)
        for one in ended:
            self.events.publish(one.execution_id, State.CANCELLED)
            self.live.append(one.execution_id, live.DONE, standing.CANCELLED.data)
            if one.announced:
                announce(self.celery, self.db, one.submission_id, one.execution_id)
        if ended:
            # What waited for their places need not wait for the sweeper.
            with tracing.outside():
                self.router.send(self.celery, fair.send_all_waiting(self.db, self.usual))

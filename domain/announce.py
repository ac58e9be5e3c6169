"""Tell the queue of what is to be delivered now that an execution is over, whoever ended it."""

from uuid import UUID

from celery import Celery

from domain import deliveries, outbox
from domain.db import Database
from domain.errors import Unavailable
from domain.logging import logger

log = logger(__name__)


def announce(celery: Celery, db: Database, submission_id: UUID, execution_id: UUID) -> None:
    """Send what waits to be delivered of an execution. Never raises: what cannot be sent now the sweeper sends."""
    try:
        waiting = deliveries.announced(db, submission_id, execution_id)
    except Unavailable as error:
        log.warning("end_not_announced", execution_id=str(execution_id), error=str(error))
        return
    outbox.deliver_all(celery, db, waiting)

"""Ending executions that nobody wants any more: one, those of a submission, of a batch, of a queue or of a regrade.

It takes the claim from whoever holds one; telling the worker is `domain/cancelling`'s.
"""

from dataclasses import dataclass
from uuid import UUID

from domain import results
from domain.db import Connection, Database
from domain.model import Priority

# What was recorded stays: it is true, and may have been read. Rows are locked in one order, so that two who cancel the
# same do not wait for each other.
_CANCEL = f"""
    WITH theirs AS (
        SELECT e.id FROM {{theirs}} AND (%(owner_id)s::uuid IS NULL OR own.owner_id = %(owner_id)s)
            AND e.state NOT IN ('done', 'cancelled')
        ORDER BY e.id FOR UPDATE OF e
    )
    UPDATE executions AS e SET state = 'cancelled', lease_until = NULL, finished_at = now(), {results.totals()}
    FROM theirs WHERE e.id = theirs.id
    RETURNING e.id, e.worker, e.submission_id, e.announced
"""
# What is graded again is not the sender's to cancel: it is a candidate, and nothing of theirs before it is applied.
_OF_SUBMISSION = """
    submissions AS own JOIN execution_numbers AS n ON n.submission_id = own.id
    JOIN executions AS e ON e.id = n.execution_id AND NOT e.candidate WHERE own.id = %(id)s
"""
_ALONE = "executions AS e JOIN submissions AS own ON own.id = e.submission_id WHERE e.id = %(id)s"
_OF_QUEUE = """
    executions AS e JOIN submissions AS own ON own.id = e.submission_id
    WHERE e.state = 'queued' AND e.id IN (
        SELECT id FROM executions WHERE state = 'queued' AND priority = %(id)s LIMIT 1000
    )
"""
_OF_BATCH = """
    batches AS own JOIN batch_items AS i ON i.batch_id = own.id AND i.status = 201
    JOIN execution_numbers AS n ON n.submission_id = i.submission_id
    JOIN executions AS e ON e.id = n.execution_id AND NOT e.candidate WHERE own.id = %(id)s
"""
_OF_REGRADE = """
    regrade_items AS i JOIN submissions AS own ON own.id = i.submission_id
    JOIN executions AS e ON e.id = i.new_execution_id WHERE i.regrade_id = %(id)s AND i.state = 'queued'
"""


@dataclass(frozen=True)
class Cancelled:
    """An execution that was just cancelled, and the worker that held it or was the last to hold it, if any did."""

    execution_id: UUID
    worker: str | None
    submission_id: UUID
    announced: bool
    """Whether somebody wants to be told: a trigger has written to whom."""


def submission(db: Database, submission_id: UUID, owner_id: UUID | None) -> list[Cancelled]:
    """Cancel what is not over of a submission of this owner (None: of anybody), and give it.

    Whoever held it has lost its claim. There is nothing to give where all is over, or there is no such submission.
    Raises Unavailable.
    """
    return _cancelled(db, _OF_SUBMISSION, submission_id, owner_id)


def batch(db: Database, batch_id: UUID, owner_id: UUID | None) -> list[Cancelled]:
    """Cancel what is not over of what a batch of this owner (None: of anybody) made, all at once."""
    return _cancelled(db, _OF_BATCH, batch_id, owner_id)


def one(db: Database, execution_id: UUID) -> list[Cancelled]:
    """Cancel one execution, whoever sent it; nothing to give where it is over or not there."""
    return _cancelled(db, _ALONE, execution_id, None)


def queued(db: Database, priority: Priority) -> list[Cancelled]:
    """Cancel up to a thousand of those of a priority that wait for a worker; none: no more wait."""
    return _cancelled(db, _OF_QUEUE, priority.value, None)


def regrade(tx: Connection, regrade_id: UUID) -> list[Cancelled]:
    """Cancel what is not over of what a regrade queued, within a transaction that ends it."""
    return _cancel(tx, _OF_REGRADE, regrade_id, None)


def _cancelled(db: Database, theirs: str, own_id: UUID | str, owner_id: UUID | None) -> list[Cancelled]:
    with db.statement() as tx:
        return _cancel(tx, theirs, own_id, owner_id)


def _cancel(tx: Connection, theirs: str, own_id: UUID | str, owner_id: UUID | None) -> list[Cancelled]:
    found = tx.execute(_CANCEL.format(theirs=theirs).encode(), {"id": own_id, "owner_id": owner_id})
    return [Cancelled(*row) for row in found]

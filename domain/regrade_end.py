"""What becomes of a regrade: paused and taken up again, applied, or discarded. Each is one transaction.

Whoever asks for what is so already is told how it is: a command that was cut off can be given again.
"""

from collections.abc import Sequence
from uuid import UUID

from domain import cancel, numbers, regrade, regrade_pump
from domain.cancel import Cancelled
from domain.db import Connection, Database
from domain.errors import Conflict
from domain.regrade import Regrade, RegradeState

PAUSED, RESUMED = "regrade_paused", "regrade_resumed"
APPLIED, DISCARDED = "regrade_applied", "regrade_discarded"

_LOCKED = "FOR UPDATE"
_PATIENT = b"SET LOCAL statement_timeout = '10min'"
_SET = b"UPDATE regrades SET state = $2 WHERE id = $1"
# What ended since the last step of the pump belongs to it too. What an operator had graded once more meanwhile
# (`shipd executions requeue`) has a later result than the regrade knows of, and keeps it.
_ENDED = f"""
    FROM regrade_items AS i JOIN executions AS new ON new.id = i.new_execution_id
        JOIN executions AS old ON old.id = i.old_execution_id
    WHERE i.regrade_id = %(id)s AND new.candidate AND new.state = 'done' AND new.verdict <> 'JE'
        AND NOT {numbers.has_later("old")}
"""
# Of a verdict that is another one those are told who asked to be.
_TELL = f"""
    INSERT INTO deliveries (id, owner_id, webhook_id, submission_id, execution_id, event)
    SELECT gen_random_uuid(), w.owner_id, w.id, told.submission_id, told.execution_id, 'execution.regraded'
    FROM (
        SELECT new.submission_id, new.id AS execution_id {_ENDED} AND new.verdict IS DISTINCT FROM old.verdict
    ) AS told
        JOIN submissions AS s ON s.id = told.submission_id
        JOIN webhooks AS w ON w.owner_id = s.owner_id AND w.disabled_at IS NULL
            AND 'execution.regraded' = ANY (w.events)
""".encode()
_APPLY = f"""
    UPDATE executions AS e SET candidate = false FROM (SELECT new.id {_ENDED}) AS ended WHERE e.id = ended.id
""".encode()
_END = b"""
    UPDATE regrades SET state = $2, ended_at = now(), ended_by = $3, applied = $4 WHERE id = $1
"""


def pause(db: Database, regrade_id: UUID, by: str) -> Regrade:
    """Queue no more of it; what was queued goes on. Raises NotFound, Conflict where it is not running, Unavailable."""
    return _turn(db, regrade_id, by, (RegradeState.RUNNING, RegradeState.PAUSED), PAUSED)


def resume(db: Database, regrade_id: UUID, by: str) -> Regrade:
    """Go on with it. Raises NotFound, Conflict where it is not paused, Unavailable."""
    return _turn(db, regrade_id, by, (RegradeState.PAUSED, RegradeState.RUNNING), RESUMED)


def _turn(db: Database, regrade_id: UUID, by: str, way: tuple[RegradeState, RegradeState], event: str) -> Regrade:
    before, after = way
    with db.transaction() as tx:
        found = regrade.found(tx, regrade_id, _LOCKED)
        if found.state is after:
            return found
        if found.state is not before:
            raise Conflict(f"the regrade is {found.state}; only one that is {before} can be {after}")
        tx.run(_SET, [regrade_id, after])
        regrade.note(tx, event, by, found, done=found.done)
        return regrade.found(tx, regrade_id)


def apply(db: Database, regrade_id: UUID, by: str, *, partial: bool = False) -> tuple[Regrade, Sequence[Cancelled]]:
    """Make its executions the current ones, all at once; JE never takes the place of a result.

    With `partial` what has not ended is given up, and what was cancelled of it is given. Raises NotFound, Conflict
    where it is not ready or was discarded, Unavailable.
    """
    with db.transaction() as tx:
        found = regrade.found(tx, regrade_id, _LOCKED)
        if found.state is RegradeState.APPLIED:
            return found, ()
        if found.state is RegradeState.DISCARDED:
            raise Conflict("the regrade was discarded, for good; start another one with the same selection")
        if found.state is not RegradeState.READY and not partial:
            left = f"{found.total - found.done} of its {found.total} submissions are not graded yet"
            raise Conflict(f"the regrade is {found.state}, and {left}: wait for them, or apply it in part (`partial`)")
        tx.execute(_PATIENT)
        cancelled = cancel.regrade(tx, regrade_id)
        tx.execute(_TELL, {"id": regrade_id})
        count = tx.execute(_APPLY, {"id": regrade_id}).rowcount
        return _over(tx, found, RegradeState.APPLIED, by, count), cancelled


def discard(db: Database, regrade_id: UUID, by: str) -> tuple[Regrade, Sequence[Cancelled]]:
    """Give it up, whatever it found; every current execution stays. What was cancelled of it is given.

    Raises NotFound, Conflict where it was applied, Unavailable.
    """
    with db.transaction() as tx:
        found = regrade.found(tx, regrade_id, _LOCKED)
        if found.state is RegradeState.DISCARDED:
            return found, ()
        if found.state is RegradeState.APPLIED:
            raise Conflict("the regrade was applied, for good; what it found is what answers show")
        tx.execute(_PATIENT)
        cancelled = cancel.regrade(tx, regrade_id)
        return _over(tx, found, RegradeState.DISCARDED, by, 0), cancelled


def _over(tx: Connection, found: Regrade, state: RegradeState, by: str, applied: int) -> Regrade:
    regrade_pump.take_in(tx, [found.id])
    tx.run(_END, [found.id, state, by, applied])
    ended = regrade.found(tx, found.id)
    event = APPLIED if state is RegradeState.APPLIED else DISCARDED
    counts = {"done": ended.done, "changed": ended.changed, "failed": ended.failed, "applied": applied}
    regrade.note(tx, event, by, ended, **counts)
    return ended

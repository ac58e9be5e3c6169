"""The way of an execution into the room that it needs, and what becomes of it where somebody else waits for as much.

It holds a process of the worker only while it is the one at the door (`sandbox/door.py`). Any other large one goes back
to PostgreSQL, where it is queued as before, and the process takes the next message. Whoever leaves the door, however,
has the next of those sent (`workers/parked.py`).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from domain import executions, tracing
from domain.logging import logger
from domain.model import Claim
from domain.static_checks import StaticCheck
from sandbox import RoomTaken, RunAborted, Slot
from workers.equipment import Equipment
from workers.lease import Hold
from workers.needs import room_of
from workers.prepare import Plan

log = logger(__name__)


@contextmanager
def room(own: Equipment, made: Plan, check: StaticCheck | None, hold: Hold) -> Iterator[Slot]:
    """Hold room for a whole execution. Raises RoomTaken, RunAborted, ClaimLost, SandboxError, InvalidRequest."""
    count, needed = made.submission.constraints.slots, room_of(made, own.languages, check)
    with ExitStack() as held:
        try:
            slot = held.enter_context(own.sandbox.slot(count, needed, cancel=hold.descriptor))
        except RunAborted:
            hold.check()
            raise
        finally:
            if own.sandbox.is_large(count, needed):
                send_parked(own)
        yield slot


def park(own: Equipment, claim: Claim, error: RoomTaken) -> None:
    """Leave an execution queued until whoever waits for room here does so no more. Raises Unavailable."""
    given_back = executions.give_back(own.db, claim, later=True)
    log.info("room_taken", attempt=claim.attempt, given_back=given_back, error=str(error))
    if not given_back:
        return
    own.broadcaster.given_back(claim)
    if own.parked is not None:
        own.parked.add(claim.execution_id, claim.submission.priority)
        send_parked(own)  # whoever waited may have gone before this was noted


def send_parked(own: Equipment) -> None:
    """Send the next of those that went back, unless somebody waits in their place."""
    if own.parked is None or own.sandbox.someone_at_the_door():
        return
    found = own.parked.next()
    if found is not None:
        with tracing.outside():  # it is another's
            own.send([found])

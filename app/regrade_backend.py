"""What the API needs of regrades, and the domain behind it; a part of `app/backend.py`."""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from celery import Celery

from domain import history, regrade, regrade_diff, regrade_end, regrade_pump, regrade_start
from domain.cancel import Cancelled
from domain.db import Database
from domain.history import Past
from domain.listing import Place
from domain.regrade import Options, Regrade
from domain.regrade_diff import Item, Move
from domain.regrade_selection import Selection
from domain.regrade_start import Estimate
from domain.router import Router

Tell = Callable[[Sequence[Cancelled]], None]
"""Tells whoever must know that executions were cancelled."""


class Regrades(Protocol):
    """Everything that a request can ask of regrades; `by` is who asks, for the audit log.

    Each method may raise domain.errors.Unavailable, and NotFound where it takes the id of something.
    """

    def estimate(self, selection: Selection, options: Options) -> Estimate:
        """Say what a regrade would be. Raises InvalidRequest."""

    def start(self, selection: Selection, options: Options, by: str) -> Regrade:
        """Begin one. Raises InvalidRequest where nothing is selected, Conflict where it is in another one."""

    def get(self, regrade_id: UUID) -> Regrade:
        """Read one."""

    def page(self, *, before: Place | None, limit: int) -> Sequence[Regrade]:
        """List them, newest first."""

    def matrix(self, regrade_id: UUID) -> Sequence[Move]:
        """Count old and new verdicts."""

    def items(self, regrade_id: UUID, *, changed: bool | None, start: int, limit: int) -> Sequence[Item]:
        """List what it is about, from a position on."""

    def pause(self, regrade_id: UUID, by: str) -> Regrade:
        """Queue no more of it. Raises Conflict."""

    def resume(self, regrade_id: UUID, by: str) -> Regrade:
        """Go on with it. Raises Conflict."""

    def apply(self, regrade_id: UUID, by: str, *, partial: bool) -> Regrade:
        """Make its executions the current ones. Raises Conflict."""

    def discard(self, regrade_id: UUID, by: str) -> Regrade:
        """Give it up. Raises Conflict."""

    def history(self, submission_id: UUID, owner_id: UUID | None) -> Sequence[Past]:
        """List the executions of a submission; `owner_id` None reads anyone's, and candidates too."""


class DomainRegrades:
    """The real one; safe to share between threads."""

    def __init__(self, db: Database, celery: Celery, tell: Tell, router: Router) -> None:
        self._router = router
        self._db = db
        self._celery = celery
        self._tell = tell

    def estimate(self, selection: Selection, options: Options) -> Estimate:
        """Ask what the current executions did."""
        return regrade_start.estimate(self._db, selection, options)

    def start(self, selection: Selection, options: Options, by: str) -> Regrade:
        """Begin one, and queue what may be queued of it."""
        made = regrade_start.start(self._db, selection, options, by)
        regrade_pump.pump(self._celery, self._db, self._router)
        return regrade.get(self._db, made.id)

    def get(self, regrade_id: UUID) -> Regrade:
        """Read one."""
        return regrade.get(self._db, regrade_id)

    def page(self, *, before: Place | None, limit: int) -> Sequence[Regrade]:
        """List them."""
        return regrade.page(self._db, before=before, limit=limit)

    def matrix(self, regrade_id: UUID) -> Sequence[Move]:
        """Count old and new verdicts."""
        return regrade_diff.matrix(self._db, regrade_id)

    def items(self, regrade_id: UUID, *, changed: bool | None, start: int, limit: int) -> Sequence[Item]:
        """List what it is about."""
        regrade.get(self._db, regrade_id)
        return regrade_diff.items(self._db, regrade_id, changed=changed, start=start, limit=limit)

    def pause(self, regrade_id: UUID, by: str) -> Regrade:
        """Queue no more of it."""
        return regrade_end.pause(self._db, regrade_id, by)

    def resume(self, regrade_id: UUID, by: str) -> Regrade:
        """Go on with it, at once."""
        regrade_end.resume(self._db, regrade_id, by)
        regrade_pump.pump(self._celery, self._db, self._router)
        return regrade.get(self._db, regrade_id)

    def apply(self, regrade_id: UUID, by: str, *, partial: bool) -> Regrade:
        """Make its executions the current ones, and have what was under way stopped."""
        found, cancelled = regrade_end.apply(self._db, regrade_id, by, partial=partial)
        self._tell(cancelled)
        return found

    def discard(self, regrade_id: UUID, by: str) -> Regrade:
        """Give it up, and have what was under way stopped."""
        found, cancelled = regrade_end.discard(self._db, regrade_id, by)
        self._tell(cancelled)
        return found

    def history(self, submission_id: UUID, owner_id: UUID | None) -> Sequence[Past]:
        """List the executions of a submission."""
        return history.executions(self._db, submission_id, owner_id)

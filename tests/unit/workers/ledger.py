"""Executions without a database: the changes of state of one claim, noted, lost or away as a test wants."""

import threading
from collections.abc import Callable, Sequence

from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Unavailable
from domain.fair import User, Usual
from domain.model import Claim, Outcome, TestResult
from domain.verdict import State

NOWHERE = Database("postgresql://127.0.0.1:1/nowhere")
"""A database that is never asked."""


class Ledger:
    """Stands where `domain.executions` does.

    `lost` names the changes that find the claim lost, `away` those that find no database, and how often. `awaited` says
    that somebody wants to be told of the end.
    """

    def __init__(self, claim: Claim | None = None) -> None:
        self.offered = claim
        self.lost: set[str] = set()
        self.away: dict[str, int] = {}
        self.states: list[State] = []
        self.results: list[TestResult] = []
        self.batches: list[int] = []
        self.outcome: Outcome | None = None
        self.waiting: User | None = None
        """Of whom others wait for a place."""
        self.awaited = False
        self.given_back = 0
        self.later = False
        """Whether what was given back last is not to be sent at once."""
        self.renewed = 0
        self.refused = threading.Event()
        self.asked: dict[str, object] = {}

    def claim(self, *_: object, **asked: object) -> Claim | None:
        self.asked = asked
        return self.offered

    def renew(self, *_: object) -> bool:
        self.renewed += 1
        held = self._held("renew")
        if not held:
            self.refused.set()
        return held

    def enter(self, _db: Database, _claim: Claim, state: State) -> bool:
        held = self._held("enter")
        if held:
            self.states.append(state)
        return held

    def record(self, _db: Database, _blobs: BlobStore, _claim: Claim, found: Sequence[TestResult]) -> bool:
        held = self._held("record")
        if held:
            self.batches.append(len(found))
            self.results += found
        return held

    def finish(
        self,
        _db: Database,
        _blobs: BlobStore,
        _claim: Claim,
        outcome: Outcome,
        *,
        usual: Usual,
        freed: Callable[[User], None],
        announced: Callable[[], None],
    ) -> bool:
        held = self._held("finish")
        if held:
            if self.awaited:
                announced()
            self.outcome = outcome
            self.results += outcome.results
            if self.waiting is not None:
                assert usual.at_once is None
                freed(self.waiting)
        return held

    def give_back(self, *_: object, later: bool = False) -> bool:
        self.later = later
        held = self._held("give_back")
        self.given_back += held
        return held

    def _held(self, change: str) -> bool:
        if self.away.get(change, 0):
            self.away[change] -= 1
            raise Unavailable("the database does not answer")
        return change not in self.lost

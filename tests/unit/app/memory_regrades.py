"""Regrades in memory, for the application's unit tests."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from domain.errors import Conflict, NotFound
from domain.history import Past
from domain.listing import Place
from domain.regrade import Options, Regrade, RegradeState
from domain.regrade_diff import Graded, Item, Move
from domain.regrade_selection import Selection
from domain.regrade_start import Estimate
from domain.verdict import State, Verdict

MADE = datetime(2026, 11, 22, 8, tzinfo=UTC)
ESTIMATE = Estimate(3, {"AC": 2, "WA": 1}, {"cpp": 3}, 1500, 2500, 2, 1, 2.54)
OLD = Graded(uuid.UUID(int=21), Verdict.AC, None, 4, 100)
NEW = Graded(uuid.UUID(int=22), Verdict.WA, "stdout", 0, 150)
ITEMS = [
    Item(0, "done", True, uuid.UUID(int=31), "p", "u", "cpp", OLD, NEW),
    Item(1, "done", False, uuid.UUID(int=32), "p", None, "cpp", OLD, OLD),
    Item(2, "waiting", None, uuid.UUID(int=33), None, None, "cpp@17", OLD, None),
]
HISTORY = [
    Past(OLD.execution_id, 1, State.DONE, Verdict.AC, None, 4, MADE, MADE, None, False, True),
    Past(NEW.execution_id, 2, State.DONE, Verdict.WA, "stdout", 0, MADE, MADE, uuid.UUID(int=9), True, False),
]


@dataclass
class MemoryRegrades:
    """Keeps regrades in a dict; nothing is graded."""

    kept: dict[uuid.UUID, Regrade] = field(default_factory=dict)
    owners: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    """Of submissions."""
    partial: list[bool] = field(default_factory=list)
    """How each was applied."""

    def estimate(self, selection: Selection, options: Options) -> Estimate:
        assert not selection.empty
        return replace(ESTIMATE, at_once=options.at_once or ESTIMATE.at_once)

    def start(self, selection: Selection, options: Options, by: str) -> Regrade:
        own_id, made = uuid.uuid4(), MADE + timedelta(seconds=len(self.kept))
        counts = (3, 0, 0, 0, 0)
        self.kept[own_id] = Regrade(
            own_id, RegradeState.RUNNING, selection, options, by, *counts, made, None, None, None
        )
        return self.kept[own_id]

    def get(self, regrade_id: uuid.UUID) -> Regrade:
        if regrade_id not in self.kept:
            raise NotFound("there is no such regrade")
        return self.kept[regrade_id]

    def page(self, *, before: Place | None, limit: int) -> Sequence[Regrade]:
        newest = sorted(self.kept.values(), key=lambda one: one.created_at, reverse=True)
        return [one for one in newest if before is None or one.created_at < before.created_at][:limit]

    def matrix(self, regrade_id: uuid.UUID) -> Sequence[Move]:
        self.get(regrade_id)
        return [Move(Verdict.AC, Verdict.AC, 1), Move(Verdict.AC, Verdict.WA, 1)]

    def items(self, regrade_id: uuid.UUID, *, changed: bool | None, start: int, limit: int) -> Sequence[Item]:
        self.get(regrade_id)
        return [one for one in ITEMS[start:] if changed is None or one.changed == changed][:limit]

    def pause(self, regrade_id: uuid.UUID, by: str) -> Regrade:
        return self._set(regrade_id, RegradeState.PAUSED, by)

    def resume(self, regrade_id: uuid.UUID, by: str) -> Regrade:
        return self._set(regrade_id, RegradeState.RUNNING, by)

    def apply(self, regrade_id: uuid.UUID, by: str, *, partial: bool) -> Regrade:
        self.partial.append(partial)
        return self._set(regrade_id, RegradeState.APPLIED, by)

    def discard(self, regrade_id: uuid.UUID, by: str) -> Regrade:
        return self._set(regrade_id, RegradeState.DISCARDED, by)

    def history(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None) -> Sequence[Past]:
        if owner_id is not None and self.owners.get(submission_id) != owner_id:
            raise NotFound("there is no such submission")
        return HISTORY if owner_id is None else HISTORY[:1]

    def _set(self, regrade_id: uuid.UUID, state: RegradeState, by: str) -> Regrade:
        found = self.get(regrade_id)
        if found.state is RegradeState.DISCARDED and state is RegradeState.APPLIED:
            raise Conflict("it was discarded")
        over = (MADE, by) if state.final else (None, None)
        self.kept[regrade_id] = replace(found, state=state, ended_at=over[0], ended_by=over[1])
        return self.kept[regrade_id]

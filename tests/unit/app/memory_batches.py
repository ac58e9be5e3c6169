"""Batches in memory, on the submissions of the backend in memory."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from domain.batch_reading import BatchView, ItemView, Place
from domain.batch_results import Ended, Page
from domain.batches import KEPT, STATUSES, Admit, Item, Made, Refused
from domain.errors import NotFound, ShipdError
from domain.idempotency import another_body
from domain.listing import Summary
from domain.submissions import Sent
from domain.views import SubmissionView

Keep = Callable[[Item], SubmissionView]


@dataclass
class Batch:
    """What was sent, and what of it was kept."""

    sent: Sent
    places: list[Place]


@dataclass
class MemoryBatches:
    """Keeps batches in a dict; what a test sets is what it answers."""

    keep: Keep
    views: Mapping[uuid.UUID, SubmissionView]
    summary: Callable[[SubmissionView], Summary]
    batches: dict[uuid.UUID, Batch] = field(default_factory=dict)
    refused: dict[int, ShipdError] = field(default_factory=dict)
    """What the domain refuses, whatever is sent."""
    asked: list[tuple[Sequence[Item], Refused, Sent, bool]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    failure: Exception | None = None
    """Raised by every call that would ask a server."""
    breaks: Exception | None = None
    """What ends a stream."""

    def create(self, items: Sequence[Item], refused: Refused, *, sent: Sent, atomic: bool, admit: Admit) -> Made:
        self._fail()
        self.asked.append((items, refused, sent, atomic))
        for own_id, batch in self.batches.items():
            if sent.key is not None and (sent.owner_id, sent.key) == (batch.sent.owner_id, batch.sent.key):
                if sent.body_sha256 != batch.sent.body_sha256:
                    raise another_body()
                return Made(own_id, replayed=True)
        for user in dict.fromkeys(item.user for item in items):
            positions = [item.position for item in items if item.user == user]
            count, error = admit(user, len(positions), not atomic)
            refused = {**refused, **{position: error for position in positions[count:] if error is not None}}
        all_refused = {**refused, **self.refused}
        places = [Place(item.position, KEPT, self.keep(item).id) for item in items if item.position not in all_refused]
        places += [Place(position, STATUSES[type(error)], None) for position, error in all_refused.items()]
        made = Made(uuid.uuid4(), all_refused)
        self.batches[made.id] = Batch(sent, sorted(places, key=lambda place: place.position))
        return made

    def cancel(self, batch_id: uuid.UUID, owner_id: uuid.UUID | None) -> BatchView:
        return self.get(batch_id, owner_id)

    def get(self, batch_id: uuid.UUID, owner_id: uuid.UUID | None) -> BatchView:
        self._fail()
        batch = self.batches.get(batch_id)
        if batch is None or owner_id not in (None, batch.sent.owner_id):
            raise NotFound("there is no such batch")
        executions = [view.execution for _, view in self._results(batch) if view is not None]
        return BatchView(
            id=batch_id,
            owner_id=batch.sent.owner_id,
            created_at=datetime(2026, 11, 25, tzinfo=UTC),
            accepted=len(executions),
            refused=len(batch.places) - len(executions),
            states=Counter(execution.state for execution in executions),
            verdicts=Counter(execution.verdict for execution in executions if execution.verdict is not None),
        )

    def wait(self, view: BatchView, seconds: float) -> BatchView:
        self.waits.append(seconds)
        return self.get(view.id, view.owner_id)

    def items(self, batch_id: uuid.UUID) -> Sequence[ItemView]:
        found = self._results(self.batches[batch_id])
        return [ItemView(place.position, place.status, self.summary(view) if view else None) for place, view in found]

    def page(self, batch_id: uuid.UUID, *, start: int, limit: int) -> Page:
        self._fail()
        found = [result for result in self._results(self.batches[batch_id]) if result[0].position >= start]
        return Page(found[:limit], found[limit][0].position if len(found) > limit else None)

    def results(self, batch_id: uuid.UUID, *, told: AbstractSet[int], timeout_s: float) -> Iterator[Ended]:
        self.waits.append(timeout_s)
        for place, view in self._results(self.batches[batch_id]):
            if view is not None and view.execution.state.final and place.position not in told:
                yield place, view
        if self.breaks is not None:
            raise self.breaks

    def _results(self, batch: Batch) -> list[tuple[Place, SubmissionView | None]]:
        return [
            (replace(place), self.views[place.submission_id] if place.submission_id else None) for place in batch.places
        ]

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

"""What the API needs of the domain for batches, and the domain behind it."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from uuid import UUID

from celery import Celery

from app.canceller import Canceller
from domain import batch_reading, batch_results, batches
from domain.batch_reading import BatchView, ItemView
from domain.batch_results import Ended, Page
from domain.batches import Admit, Item, Made, Refused
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Unavailable
from domain.events import Events
from domain.fair import Usual
from domain.router import Router
from domain.submissions import Sent
from domain.vault import Vault


class Batches(Protocol):
    """Everything that a request can ask about batches. Each method may raise domain.errors.Unavailable."""

    def create(self, items: Sequence[Item], refused: Refused, *, sent: Sent, atomic: bool, admit: Admit) -> Made:
        """Keep a batch and queue its executions. Raises InvalidRequest, LimitReached: see domain.batches.create."""

    def get(self, batch_id: UUID, owner_id: UUID | None) -> BatchView:
        """Read how far a batch is; `owner_id` None reads anyone's. Raises NotFound."""

    def wait(self, view: BatchView, seconds: float) -> BatchView:
        """Wait until all of a batch has ended, or the time is over, and read it again. Raises NotFound."""

    def cancel(self, batch_id: UUID, owner_id: UUID | None) -> BatchView:
        """End what is not over of what a batch made, and read how far it is. Raises NotFound."""

    def items(self, batch_id: UUID) -> Sequence[ItemView]:
        """Read all items as lists show submissions."""

    def page(self, batch_id: UUID, *, start: int, limit: int) -> Page:
        """Read some items with their results, from a position on. Raises domain.blobs.BlobMissing."""

    def results(self, batch_id: UUID, *, told: AbstractSet[int], timeout_s: float) -> Iterator[Ended]:
        """Give items that have ended, as they end, but for those at the positions `told`."""


@dataclass(frozen=True)
class DomainBatches:
    """The real one."""

    db: Database
    blobs: BlobStore
    events: Events
    router: Router
    celery: Celery
    usual: Usual
    vault: Vault
    canceller: Canceller

    def create(self, items: Sequence[Item], refused: Refused, *, sent: Sent, atomic: bool, admit: Admit) -> Made:
        """Keep a batch, and send its executions to the queue once it is committed."""
        enqueue = partial(self.router.send, self.celery)
        try:
            return batches.create(
                self.db,
                self.blobs,
                items,
                refused,
                sent=sent,
                atomic=atomic,
                enqueue=enqueue,
                known=self.router.known,
                route=self.router.queue_of,
                admit=admit,
                vault=self.vault,
                usual=self.usual,
            )
        except OSError as error:
            raise no_room(error) from error

    def get(self, batch_id: UUID, owner_id: UUID | None) -> BatchView:
        """Read how far a batch is."""
        return batch_reading.get(self.db, batch_id, owner_id)

    def wait(self, view: BatchView, seconds: float) -> BatchView:
        """Wait for the last events of all executions."""
        return batch_results.wait(self.db, self.events, view, seconds)

    def cancel(self, batch_id: UUID, owner_id: UUID | None) -> BatchView:
        """Change all rows at once, then tell whoever must know it."""
        self.canceller.batch(batch_id, owner_id)
        return batch_reading.get(self.db, batch_id, owner_id)

    def items(self, batch_id: UUID) -> Sequence[ItemView]:
        """Read all items."""
        return batch_reading.items(self.db, batch_id)

    def page(self, batch_id: UUID, *, start: int, limit: int) -> Page:
        """Read some items with their results."""
        return batch_results.page(self.db, self.blobs, batch_id, start=start, limit=limit)

    def results(self, batch_id: UUID, *, told: AbstractSet[int], timeout_s: float) -> Iterator[Ended]:
        """Give items as they end."""
        return batch_results.results(self.db, self.blobs, self.events, batch_id, told=told, timeout_s=timeout_s)


def no_room(error: OSError) -> Unavailable:
    """Say that long values cannot be kept."""
    return Unavailable(f"the blob folder cannot be written: {error}; make room, or mend its rights")

"""What the API needs of webhooks, and the domain behind it; a part of `app/backend.py`."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from celery import Celery

from domain import deliveries, outbox, webhooks
from domain.db import Database
from domain.deliveries import Delivery
from domain.listing import Place
from domain.vault import Vault
from domain.webhooks import Change, Event, Webhook


class Webhooks(Protocol):
    """Everything that a request can ask of webhooks; `owner_id` None is anybody's.

    Each method may raise domain.errors.Unavailable, and NotFound where it takes the id of something.
    """

    def create(self, owner_id: UUID, *, url: str, events: Sequence[Event], description: str, secret: str) -> Webhook:
        """Register an endpoint. Raises Conflict where there are too many."""

    def listing(self, owner_id: UUID | None) -> Sequence[Webhook]:
        """List endpoints, oldest first."""

    def get(self, webhook_id: UUID, owner_id: UUID | None) -> Webhook:
        """Read an endpoint."""

    def update(self, webhook_id: UUID, owner_id: UUID | None, change: Change) -> Webhook:
        """Change an endpoint."""

    def rotate(self, webhook_id: UUID, owner_id: UUID | None, secret: str) -> Webhook:
        """Give it another secret; the one before signs along for a while."""

    def delete(self, webhook_id: UUID, owner_id: UUID | None) -> None:
        """Forget an endpoint."""

    def ping(self, webhook_id: UUID, owner_id: UUID | None) -> Delivery:
        """Send it something that says nothing. Raises Conflict where it is disabled."""

    def of_webhook(
        self, webhook_id: UUID, owner_id: UUID | None, *, before: Place | None, limit: int
    ) -> Sequence[Delivery]:
        """List what an endpoint was sent, newest first."""

    def of_submission(
        self, submission_id: UUID, owner_id: UUID | None, *, before: Place | None, limit: int
    ) -> Sequence[Delivery]:
        """List what was sent of a submission, newest first."""

    def delivery(self, delivery_id: UUID, owner_id: UUID | None) -> Delivery:
        """Read a delivery."""

    def redeliver(self, delivery_id: UUID, owner_id: UUID | None) -> Delivery:
        """Deliver it again. Raises Conflict where that cannot be now."""


class DomainWebhooks:
    """The real one; safe to share between threads."""

    def __init__(self, db: Database, vault: Vault, celery: Celery) -> None:
        self._db = db
        self._vault = vault
        self._celery = celery

    def create(self, owner_id: UUID, *, url: str, events: Sequence[Event], description: str, secret: str) -> Webhook:
        """Register an endpoint."""
        return webhooks.create(
            self._db, self._vault, owner_id, url=url, events=events, description=description, secret=secret
        )

    def listing(self, owner_id: UUID | None) -> Sequence[Webhook]:
        """List endpoints."""
        return webhooks.listing(self._db, owner_id)

    def get(self, webhook_id: UUID, owner_id: UUID | None) -> Webhook:
        """Read an endpoint."""
        return webhooks.get(self._db, webhook_id, owner_id)

    def update(self, webhook_id: UUID, owner_id: UUID | None, change: Change) -> Webhook:
        """Change an endpoint."""
        return webhooks.update(self._db, webhook_id, owner_id, change)

    def rotate(self, webhook_id: UUID, owner_id: UUID | None, secret: str) -> Webhook:
        """Give it another secret."""
        return webhooks.rotate(self._db, self._vault, webhook_id, owner_id, secret)

    def delete(self, webhook_id: UUID, owner_id: UUID | None) -> None:
        """Forget an endpoint."""
        webhooks.delete(self._db, webhook_id, owner_id)

    def ping(self, webhook_id: UUID, owner_id: UUID | None) -> Delivery:
        """Keep a delivery and send it to the queue."""
        return self._sent(deliveries.ping(self._db, webhook_id, owner_id))

    def of_webhook(
        self, webhook_id: UUID, owner_id: UUID | None, *, before: Place | None, limit: int
    ) -> Sequence[Delivery]:
        """List what an endpoint was sent."""
        return deliveries.of_webhook(self._db, webhook_id, owner_id, before=before, limit=limit)

    def of_submission(
        self, submission_id: UUID, owner_id: UUID | None, *, before: Place | None, limit: int
    ) -> Sequence[Delivery]:
        """List what was sent of a submission."""
        return deliveries.of_submission(self._db, submission_id, owner_id, before=before, limit=limit)

    def delivery(self, delivery_id: UUID, owner_id: UUID | None) -> Delivery:
        """Read a delivery."""
        return deliveries.get(self._db, delivery_id, owner_id)

    def redeliver(self, delivery_id: UUID, owner_id: UUID | None) -> Delivery:
        """Make it due and send it to the queue."""
        return self._sent(deliveries.redeliver(self._db, delivery_id, owner_id))

    def _sent(self, delivery: Delivery) -> Delivery:
        outbox.deliver(self._celery, self._db, delivery.id)
        return delivery

"""Webhooks in memory, for the application's unit tests."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from domain.deliveries import Delivery, DeliveryState
from domain.errors import NotFound
from domain.listing import Place
from domain.webhooks import Change, Disabled, Event, Webhook

MADE = datetime(2026, 11, 22, 8, tzinfo=UTC)


@dataclass
class MemoryWebhooks:
    """Keeps endpoints and deliveries in dicts; nothing is sent."""

    kept: dict[uuid.UUID, Webhook] = field(default_factory=dict)
    secrets: dict[uuid.UUID, list[str]] = field(default_factory=dict)
    deliveries: dict[uuid.UUID, Delivery] = field(default_factory=dict)
    owners: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    """Of submissions; those of others are not looked at."""

    def create(
        self, owner_id: uuid.UUID, *, url: str, events: Sequence[Event], description: str, secret: str
    ) -> Webhook:
        own_id = uuid.uuid4()
        self.kept[own_id] = Webhook(own_id, owner_id, url, tuple(events), description, MADE, None, None)
        self.secrets[own_id] = [secret]
        return self.kept[own_id]

    def listing(self, owner_id: uuid.UUID | None) -> Sequence[Webhook]:
        return [webhook for webhook in self.kept.values() if owner_id in (None, webhook.owner_id)]

    def get(self, webhook_id: uuid.UUID, owner_id: uuid.UUID | None) -> Webhook:
        found = self.kept.get(webhook_id)
        if found is None or owner_id not in (None, found.owner_id):
            raise NotFound("there is no such webhook")
        return found

    def update(self, webhook_id: uuid.UUID, owner_id: uuid.UUID | None, change: Change) -> Webhook:
        found = self.get(webhook_id, owner_id)
        given = {name: value for name, value in vars(change).items() if value is not None}
        enabled = given.pop("enabled", found.disabled is None)
        self.kept[webhook_id] = replace(found, disabled=None if enabled else Disabled.ASKED, **given)
        return self.kept[webhook_id]

    def rotate(self, webhook_id: uuid.UUID, owner_id: uuid.UUID | None, secret: str) -> Webhook:
        found = self.get(webhook_id, owner_id)
        self.secrets[webhook_id].append(secret)
        self.kept[webhook_id] = replace(found, previous_until=MADE + timedelta(days=1))
        return self.kept[webhook_id]

    def delete(self, webhook_id: uuid.UUID, owner_id: uuid.UUID | None) -> None:
        del self.kept[self.get(webhook_id, owner_id).id]

    def ping(self, webhook_id: uuid.UUID, owner_id: uuid.UUID | None) -> Delivery:
        return self.keep(self.get(webhook_id, owner_id).id)

    def keep(self, webhook_id: uuid.UUID | None, **more: object) -> Delivery:
        made = MADE + timedelta(seconds=len(self.deliveries))
        delivery = Delivery(uuid.uuid4(), Event.PING, DeliveryState.WAITING, webhook_id, None, None, made, made)
        self.deliveries[delivery.id] = replace(delivery, **more)  # type: ignore[arg-type]
        return self.deliveries[delivery.id]

    def of_webhook(
        self, webhook_id: uuid.UUID, owner_id: uuid.UUID | None, *, before: Place | None, limit: int
    ) -> Sequence[Delivery]:
        self.get(webhook_id, owner_id)
        return self._page(before, limit)

    def of_submission(
        self, submission_id: uuid.UUID, owner_id: uuid.UUID | None, *, before: Place | None, limit: int
    ) -> Sequence[Delivery]:
        if owner_id not in (None, self.owners.get(submission_id, owner_id)):
            raise NotFound("there is no such submission")
        return self._page(before, limit)

    def delivery(self, delivery_id: uuid.UUID, owner_id: uuid.UUID | None) -> Delivery:
        found = self.deliveries.get(delivery_id)
        if found is None:
            raise NotFound("there is no such delivery")
        if found.webhook_id is not None:
            self.get(found.webhook_id, owner_id)
        return found

    def redeliver(self, delivery_id: uuid.UUID, owner_id: uuid.UUID | None) -> Delivery:
        return self.delivery(delivery_id, owner_id)

    def _page(self, before: Place | None, limit: int) -> Sequence[Delivery]:
        newest = sorted(self.deliveries.values(), key=lambda one: (one.created_at, one.id), reverse=True)
        after = [one for one in newest if before is None or (one.created_at, one.id) < (before.created_at, before.id)]
        return after[:limit]

"""Webhooks, deliveries and attempts on their way out, and as OpenAPI tells of them."""

from collections.abc import Sequence

from marshmallow import Schema, fields

from app.schemas import links
from app.schemas.documents import word
from app.schemas.paging import Page, next_cursor
from app.schemas.response import Json, time_json
from domain.deliveries import Attempt, Delivery, DeliveryState
from domain.webhooks import SUBSCRIBABLE, Disabled, Event, Webhook


class WebhookAnswer(Schema):
    """An endpoint. Its secret is in the answer that made it, and nowhere else."""

    id = fields.UUID(required=True)
    links = fields.Dict(required=True)
    url = fields.String(required=True)
    events = fields.List(word([*SUBSCRIBABLE]), required=True)
    description = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    disabled_reason = word([*Disabled], nullable=True)
    created_at = fields.DateTime(required=True)
    previous_secret_until = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Until then the secret before signs along."}
    )


class NewWebhookAnswer(WebhookAnswer):
    """An endpoint with its new secret."""

    secret = fields.String(
        required=True, allow_none=True, metadata={"description": "Shown this once; null where it was given."}
    )


class WebhooksAnswer(Schema):
    """All endpoints."""

    webhooks = fields.List(fields.Nested(WebhookAnswer), required=True)


class AttemptAnswer(Schema):
    """One attempt. Without a duration it is under way, or was lost with the process that made it."""

    number = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    duration_ms = fields.Integer(required=True, allow_none=True)
    status = fields.Integer(required=True, allow_none=True, metadata={"description": "Of the receiver's answer."})
    error = fields.String(required=True, allow_none=True, metadata={"description": "null where it was taken."})
    answer = fields.String(
        required=True, allow_none=True, metadata={"description": "The beginning of the answer's body."}
    )


class DeliveryAnswer(Schema):
    """A delivery with its attempts; `id` is what `webhook-id` says at each of them."""

    id = fields.UUID(required=True)
    links = fields.Dict(required=True)
    event = word([*Event])
    state = word([*DeliveryState])
    webhook_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "null: the submission's own callback."}
    )
    submission_id = fields.UUID(required=True, allow_none=True)
    execution_id = fields.UUID(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    due_at = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Of the next attempt; null: there will be none."}
    )
    attempts = fields.List(fields.Nested(AttemptAnswer), required=True)


class DeliveriesAnswer(Schema):
    """Deliveries, newest first."""

    deliveries = fields.List(fields.Nested(DeliveryAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def webhook_json(webhook: Webhook) -> Json:
    """Give an endpoint."""
    own = links.webhook(webhook.id)
    return {
        "id": str(webhook.id),
        "links": {"self": own, "deliveries": f"{own}/deliveries"},
        "url": webhook.url,
        "events": [event.value for event in webhook.events],
        "description": webhook.description,
        "enabled": webhook.disabled is None,
        "disabled_reason": webhook.disabled,
        "created_at": time_json(webhook.created_at),
        "previous_secret_until": time_json(webhook.previous_until),
    }


def delivery_json(delivery: Delivery) -> Json:
    """Give a delivery with its log."""
    return {
        "id": str(delivery.id),
        "links": {"self": links.delivery(delivery.id)},
        "event": delivery.event.value,
        "state": delivery.state.value,
        "webhook_id": None if delivery.webhook_id is None else str(delivery.webhook_id),
        "submission_id": None if delivery.submission_id is None else str(delivery.submission_id),
        "execution_id": None if delivery.execution_id is None else str(delivery.execution_id),
        "created_at": time_json(delivery.created_at),
        "due_at": time_json(delivery.due_at),
        "attempts": [_attempt_json(attempt) for attempt in delivery.attempts],
    }


def _attempt_json(attempt: Attempt) -> Json:
    return {**vars(attempt), "at": time_json(attempt.at)}


def deliveries_json(found: Sequence[Delivery], asked: Page) -> Json:
    """Give a page of deliveries; a cursor where there may be more."""
    return {
        "deliveries": [delivery_json(delivery) for delivery in found],
        "next_cursor": next_cursor(found, asked),
    }

"""Webhooks: endpoints that are told when an execution of their owner's submissions is over."""

import uuid

from flask import Response, jsonify
from flask.views import MethodView

from app.auth import owner_id, whose
from app.blueprint import Routes
from app.schemas import links
from app.schemas.query import NoQuery
from app.schemas.webhook_answers import (
    DeliveryAnswer,
    NewWebhookAnswer,
    WebhookAnswer,
    WebhooksAnswer,
    delivery_json,
    webhook_json,
)
from app.schemas.webhooks import Rotation, WebhookChange, WebhookRequest, chosen
from app.wiring import wired
from domain.roles import Scope
from domain.signing import new_secret
from domain.webhooks import Change, Webhook

blueprint = Routes("webhooks", __name__, description="Who is told when an execution is over")

_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where the webhook is."}}


@blueprint.at("/v1/webhooks")
class AllWebhooks(MethodView):
    """The caller's endpoints."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(WebhookRequest)
    @blueprint.gives(201, NewWebhookAnswer, headers=_LOCATION)
    @blueprint.refuses(400, 401, 409, 413, 415, 503)
    def post(self, _query: dict[str, object], asked: dict[str, object]) -> Response:
        """Register an endpoint. Its secret is shown in this answer only."""
        given = asked.get("secret")
        secret = new_secret() if given is None else str(given)
        made = wired().backend.webhooks.create(
            owner_id(),
            url=str(asked["url"]),
            events=chosen(asked.get("events")),
            description=str(asked.get("description", "")),
            secret=secret,
        )
        return _with_secret(made, 201, None if given is not None else secret)

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, WebhooksAnswer)
    @blueprint.refuses(401, 503)
    def get(self, _query: dict[str, object]) -> Response:
        """List endpoints, oldest first."""
        return jsonify(
            {"webhooks": [webhook_json(one) for one in wired().backend.webhooks.listing(whose(Scope.WEBHOOKS_READ))]}
        )


@blueprint.at("/v1/webhooks/<uuid:webhook_id>")
class OneWebhook(MethodView):
    """One endpoint."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, WebhookAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], webhook_id: uuid.UUID) -> Response:
        """Read an endpoint."""
        return jsonify(webhook_json(wired().backend.webhooks.get(webhook_id, whose(Scope.WEBHOOKS_READ))))

    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(WebhookChange)
    @blueprint.gives(200, WebhookAnswer)
    @blueprint.refuses(400, 401, 404, 413, 415, 503)
    def patch(self, _query: dict[str, object], change: Change, webhook_id: uuid.UUID) -> Response:
        """Change an endpoint; `{"enabled": true}` takes it up again after its receiver answered 410."""
        return jsonify(webhook_json(wired().backend.webhooks.update(webhook_id, whose(Scope.WEBHOOKS_WRITE), change)))

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives_nothing()
    @blueprint.refuses(401, 404, 503)
    def delete(self, _query: dict[str, object], webhook_id: uuid.UUID) -> Response:
        """Forget an endpoint, with what waits for it and its log."""
        wired().backend.webhooks.delete(webhook_id, whose(Scope.WEBHOOKS_WRITE))
        return Response(status=204)


@blueprint.at("/v1/webhooks/<uuid:webhook_id>/rotate")
class Rotate(MethodView):
    """The secret of an endpoint."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(Rotation)
    @blueprint.gives(200, NewWebhookAnswer)
    @blueprint.refuses(400, 401, 404, 413, 415, 503)
    def post(self, _query: dict[str, object], asked: dict[str, object], webhook_id: uuid.UUID) -> Response:
        """Give an endpoint another secret; for a day deliveries are signed with the one before, too."""
        given = asked.get("secret")
        secret = new_secret() if given is None else str(given)
        made = wired().backend.webhooks.rotate(webhook_id, whose(Scope.WEBHOOKS_WRITE), secret)
        return _with_secret(made, 200, None if given is not None else secret)


@blueprint.at("/v1/webhooks/<uuid:webhook_id>/ping")
class Ping(MethodView):
    """A test of an endpoint."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(202, DeliveryAnswer)
    @blueprint.refuses(401, 404, 409, 503)
    def post(self, _query: dict[str, object], webhook_id: uuid.UUID) -> Response:
        """Send an endpoint the event `webhook.ping`; the delivery's log says what became of it."""
        answer = jsonify(delivery_json(wired().backend.webhooks.ping(webhook_id, whose(Scope.WEBHOOKS_WRITE))))
        answer.status_code = 202
        return answer


def _with_secret(made: Webhook, status: int, secret: str | None) -> Response:
    answer = jsonify(webhook_json(made) | {"secret": secret})
    answer.status_code = status
    answer.headers["Location"] = links.webhook(made.id)
    answer.headers["Cache-Control"] = "no-store"
    return answer

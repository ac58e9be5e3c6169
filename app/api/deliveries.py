"""Deliveries: what was sent to whom, how that went, and sending it again."""

import uuid

from flask import Response, jsonify
from flask.views import MethodView

from app.auth import owner, whose
from app.blueprint import Routes
from app.schemas.paging import Page, PageQuery
from app.schemas.query import NoQuery
from app.schemas.webhook_answers import DeliveriesAnswer, DeliveryAnswer, deliveries_json, delivery_json
from app.wiring import wired
from domain.roles import Scope

blueprint = Routes("deliveries", __name__, description="How telling of it went")


@blueprint.at("/v1/webhooks/<uuid:webhook_id>/deliveries")
class OfWebhook(MethodView):
    """The log of an endpoint."""

    @blueprint.takes(PageQuery, location="query")
    @blueprint.gives(200, DeliveriesAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, asked: Page, webhook_id: uuid.UUID) -> Response:
        """List what an endpoint was sent, newest first, each with its attempts."""
        webhooks, whose_it_is = wired().backend.webhooks, whose(Scope.WEBHOOKS_READ)
        found = webhooks.of_webhook(webhook_id, whose_it_is, before=asked.before, limit=asked.limit)
        return jsonify(deliveries_json(found, asked))


@blueprint.at("/v1/submissions/<uuid:submission_id>/deliveries")
class OfSubmission(MethodView):
    """What was sent of a submission."""

    @blueprint.takes(PageQuery, location="query")
    @blueprint.gives(200, DeliveriesAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, asked: Page, submission_id: uuid.UUID) -> Response:
        """List what was sent of a submission, to its callback and to endpoints, newest first."""
        webhooks = wired().backend.webhooks
        found = webhooks.of_submission(submission_id, owner(), before=asked.before, limit=asked.limit)
        return jsonify(deliveries_json(found, asked))


@blueprint.at("/v1/deliveries/<uuid:delivery_id>")
class OneDelivery(MethodView):
    """One delivery."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, DeliveryAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], delivery_id: uuid.UUID) -> Response:
        """Read a delivery with its attempts."""
        return jsonify(delivery_json(wired().backend.webhooks.delivery(delivery_id, whose(Scope.WEBHOOKS_READ))))


@blueprint.at("/v1/deliveries/<uuid:delivery_id>/redeliver")
class Redeliver(MethodView):
    """A delivery, once more."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(202, DeliveryAnswer)
    @blueprint.refuses(401, 404, 409, 503)
    def post(self, _query: dict[str, object], delivery_id: uuid.UUID) -> Response:
        """Deliver again under the same id, whatever came of it, with a day of attempts."""
        answer = jsonify(delivery_json(wired().backend.webhooks.redeliver(delivery_id, whose(Scope.WEBHOOKS_WRITE))))
        answer.status_code = 202
        return answer

"""`/v1/usage`: what the caller has spent of its limits, and has left."""

from flask import Response, jsonify
from flask.views import MethodView

from app import limits
from app.blueprint import Routes
from app.schemas.query import UserQuery
from app.schemas.use import UseAnswer, use_json
from app.wiring import wired

blueprint = Routes("usage", __name__, description="What is spent, and what is left")


@blueprint.at("/v1/usage")
class OwnUsage(MethodView):
    """Of the caller, or of one of the users whom a service names."""

    @blueprint.takes(UserQuery, location="query")
    @blueprint.gives(200, UseAnswer)
    @blueprint.refuses(401, 503)
    def get(self, query: dict[str, str]) -> Response:
        """Say what is spent of the limits of use, and what is left."""
        whose = limits.user(query.get("user_id"))
        return jsonify(use_json(whose, wired().backend.usage(whose, limits.rate()), limits.ceilings()))

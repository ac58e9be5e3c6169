"""Who is asking."""

from flask import Response, jsonify
from flask.views import MethodView

from app.auth import known
from app.blueprint import Routes
from app.schemas.keys import MeAnswer, me_json
from app.schemas.query import NoQuery

blueprint = Routes("me", __name__, description="Who is asking")


@blueprint.at("/v1/me")
class Me(MethodView):
    """The caller."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, MeAnswer)
    @blueprint.refuses(401, 503)
    def get(self, _query: dict[str, object]) -> Response:
        """Say who you are to the platform, what you may do, and until when."""
        return jsonify(me_json(known()))

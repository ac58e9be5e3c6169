"""`/`: where to go from here."""

from flask import Response, jsonify
from flask.views import MethodView

from app.auth import PUBLIC
from app.blueprint import Routes
from app.schemas.documents import IndexAnswer
from app.schemas.listing import index_json
from app.wiring import wired

blueprint = Routes("index", __name__, description="Where to go from here")


@blueprint.at("/")
class Index(MethodView):
    """Links."""

    decorators = PUBLIC

    @blueprint.says(security=[])
    @blueprint.gives(200, IndexAnswer)
    def get(self) -> Response:
        """Say what this is and where its parts are."""
        return jsonify(index_json(wired().settings.flower_url))

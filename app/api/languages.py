"""Languages: what there is, and what of it can be used now."""

from flask import Response, jsonify
from flask.views import MethodView

from app import etags
from app.blueprint import Routes
from app.schemas.documents import LanguagesAnswer
from app.schemas.listing import languages_json
from app.schemas.query import NoQuery
from app.wiring import wired

blueprint = Routes("languages", __name__, description="What code may be written in")


@blueprint.at("/v1/languages")
class AllLanguages(MethodView):
    """All languages that the platform knows."""

    @blueprint.may_be_unchanged
    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, LanguagesAnswer)
    @blueprint.refuses(401, 503)
    def get(self, _query: dict[str, object]) -> Response:
        """List languages with their versions, and whether a live worker has them."""
        parts = wired()
        answer = jsonify(languages_json(parts.languages, parts.backend.availability()))
        return etags.tagged(answer, etags.of_body(answer))

"""Regrades: grade again what was graded, see what that changes, and then apply it or not; for operators."""

import uuid

from flask import Response, jsonify
from flask.views import MethodView

from app.auth import known, owner
from app.blueprint import Routes
from app.schemas import links
from app.schemas.paging import Page, PageQuery
from app.schemas.query import NoQuery
from app.schemas.regrade_answers import (
    EstimateAnswer,
    HistoryAnswer,
    OneRegradeAnswer,
    RegradeAnswer,
    RegradeItemsAnswer,
    RegradesAnswer,
    estimate_json,
    items_json,
    matrix_json,
    past_json,
    regrade_json,
    regrades_json,
)
from app.schemas.regrades import ApplyQuery, RegradeAsked, RegradeItemsQuery, RegradeRequest
from app.wiring import wired

blueprint = Routes("regrades", __name__, description="Grading again, for operators")

_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where the regrade is."}}


@blueprint.at("/v1/regrades")
class Regrades(MethodView):
    """All regrades."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(RegradeRequest)
    @blueprint.gives(201, RegradeAnswer, headers=_LOCATION)
    @blueprint.may_give(200, EstimateAnswer, "With `dry_run`: what it would be. Nothing is changed.")
    @blueprint.refuses(400, 401, 409, 413, 415, 503)
    def post(self, _query: dict[str, object], asked: RegradeAsked) -> Response:
        """Grade submissions again, beside their current executions, which stay the current ones until it is applied."""
        backend = wired().backend.regrades
        if asked.dry_run:
            return jsonify(estimate_json(backend.estimate(asked.selection, asked.options)))
        made = backend.start(asked.selection, asked.options, _by())
        answer = jsonify(regrade_json(made))
        answer.status_code = 201
        answer.headers["Location"] = str(links.regrade(made.id)["self"])
        return answer

    @blueprint.takes(PageQuery, location="query")
    @blueprint.gives(200, RegradesAnswer)
    @blueprint.refuses(401, 503)
    def get(self, asked: Page) -> Response:
        """List regrades, newest first."""
        return jsonify(regrades_json(wired().backend.regrades.page(before=asked.before, limit=asked.limit), asked))


@blueprint.at("/v1/regrades/<uuid:regrade_id>")
class OneRegrade(MethodView):
    """One regrade."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, OneRegradeAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], regrade_id: uuid.UUID) -> Response:
        """Read how far a regrade is, with its table of old and new verdicts."""
        backend = wired().backend.regrades
        found = regrade_json(backend.get(regrade_id))
        return jsonify(found | {"matrix": matrix_json(backend.matrix(regrade_id))})


@blueprint.at("/v1/regrades/<uuid:regrade_id>/items")
class Items(MethodView):
    """What a regrade is about."""

    @blueprint.takes(RegradeItemsQuery, location="query")
    @blueprint.gives(200, RegradeItemsAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, query: dict[str, int], regrade_id: uuid.UUID) -> Response:
        """Read submissions with what they came to before and now, page by page: all, or those that changed."""
        changed, limit = query.get("changed"), query["limit"]
        only = None if changed is None else bool(changed)
        found = wired().backend.regrades.items(regrade_id, changed=only, start=query["cursor"], limit=limit)
        return jsonify(items_json(found, limit))


@blueprint.at("/v1/regrades/<uuid:regrade_id>/apply")
class Apply(MethodView):
    """A regrade's results, as everybody's."""

    @blueprint.takes(ApplyQuery, location="query")
    @blueprint.gives(200, RegradeAnswer)
    @blueprint.refuses(401, 404, 409, 503)
    def post(self, query: dict[str, bool], regrade_id: uuid.UUID) -> Response:
        """Make its executions the current ones, all at once and for good; JE takes the place of no result."""
        applied = wired().backend.regrades.apply(regrade_id, _by(), partial=query.get("partial", False))
        return jsonify(regrade_json(applied))


@blueprint.at("/v1/regrades/<uuid:regrade_id>/discard")
class Discard(MethodView):
    """A regrade that comes to nothing."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, RegradeAnswer)
    @blueprint.refuses(401, 404, 409, 503)
    def post(self, _query: dict[str, object], regrade_id: uuid.UUID) -> Response:
        """Give a regrade up for good, in whatever state; what is under way of it is ended."""
        return jsonify(regrade_json(wired().backend.regrades.discard(regrade_id, _by())))


@blueprint.at("/v1/regrades/<uuid:regrade_id>/pause")
class Pause(MethodView):
    """A regrade that is to wait."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, RegradeAnswer)
    @blueprint.refuses(401, 404, 409, 503)
    def post(self, _query: dict[str, object], regrade_id: uuid.UUID) -> Response:
        """Queue no more of a regrade; what was queued is graded."""
        return jsonify(regrade_json(wired().backend.regrades.pause(regrade_id, _by())))


@blueprint.at("/v1/regrades/<uuid:regrade_id>/resume")
class Resume(MethodView):
    """A regrade that is to go on."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, RegradeAnswer)
    @blueprint.refuses(401, 404, 409, 503)
    def post(self, _query: dict[str, object], regrade_id: uuid.UUID) -> Response:
        """Go on with a regrade that was paused."""
        return jsonify(regrade_json(wired().backend.regrades.resume(regrade_id, _by())))


@blueprint.at("/v1/submissions/<uuid:submission_id>/executions")
class History(MethodView):
    """How often a submission was graded."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, HistoryAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], submission_id: uuid.UUID) -> Response:
        """List all executions of a submission, oldest first; the current one is what every other answer shows."""
        found = wired().backend.regrades.history(submission_id, owner())
        own = {"id": str(submission_id), "links": {"self": links.submission(submission_id)}}
        return jsonify(own | {"executions": list(map(past_json, found))})


def _by() -> str:
    key = known()
    return f"key {key.prefix}" if key.prefix else f"owner {key.id}"

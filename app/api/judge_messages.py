"""What checkers had to say to the authors of problems."""

import uuid
from dataclasses import asdict

from flask import Response, jsonify
from flask.views import MethodView
from marshmallow import Schema, fields

from app.api.problems import viewer
from app.blueprint import Routes
from app.schemas.query import NoQuery
from app.wiring import wired
from domain.roles import Scope

blueprint = Routes("judge_messages", __name__, description="What checkers say to authors")


class JudgeMessageAnswer(Schema):
    """Of one test case."""

    ordinal = fields.Integer(required=True)
    name = fields.String(required=True)
    message = fields.String(required=True)


class JudgeMessagesAnswer(Schema):
    """Of all test cases of which there is something to say, in order."""

    judge_messages = fields.List(fields.Nested(JudgeMessageAnswer), required=True)


@blueprint.at("/v1/submissions/<uuid:submission_id>/judge-messages")
class JudgeMessages(MethodView):
    """Messages of the checker."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, JudgeMessagesAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], submission_id: uuid.UUID) -> Response:
        """Read what the checker left for the problem's author: for them and for operators, and it is audited."""
        found = wired().backend.problems.judge_messages(submission_id, viewer(Scope.SUBMISSIONS_READ))
        return jsonify({"judge_messages": [asdict(one) for one in found]})

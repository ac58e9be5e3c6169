"""Submissions: send, wait, read, list."""

import uuid
from dataclasses import replace

from flask import Response, jsonify, request
from flask.views import MethodView

from app.auth import caller, owner, owner_id
from app.blueprint import Routes
from app.live.patience import Patience, answers
from app.schemas import links
from app.schemas.documents import PageAnswer, SubmissionAnswer
from app.schemas.fields import MAX_LABEL_CHARS
from app.schemas.listing import page_json
from app.schemas.query import MAX_WAIT_S, NoQuery, PageQuery, WaitQuery
from app.schemas.request import Request, SubmissionRequest
from app.schemas.response import submission_json
from app.wiring import wired
from domain.errors import InvalidRequest, Problem
from domain.listing import Place
from domain.views import SubmissionView

blueprint = Routes("submissions", __name__, description="Code in, verdicts out")

_IDEMPOTENCY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "description": "Sending the same body twice with the same key makes one submission.",
}
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where the submission is."}}


@blueprint.at("/v1/submissions")
class Submissions(MethodView):
    """All submissions of the caller."""

    @blueprint.says(parameters=[_IDEMPOTENCY])
    @blueprint.takes(WaitQuery, location="query")
    @blueprint.takes(SubmissionRequest)
    @blueprint.gives(201, SubmissionAnswer, headers=_LOCATION)
    @blueprint.may_give(200, SubmissionAnswer, "The submission that this id made before.")
    @blueprint.refuses(400, 401, 409, 413, 415, 503)
    def post(self, query: dict[str, float], asked: Request) -> Response:
        """Send a submission."""
        with Patience(query["wait"]) as patience:
            view = _create(asked, patience.own_s)
        return patience.answer(view, "submission", 200 if view.replayed else 201)

    @blueprint.takes(PageQuery, location="query")
    @blueprint.gives(200, PageAnswer)
    @blueprint.refuses(401, 503)
    def get(self, query: dict[str, object]) -> Response:
        """List submissions, newest first; the cursor leads to the next page."""
        limit, before = query["limit"], query.get("cursor")
        assert isinstance(limit, int)  # noqa: S101 - by its field
        assert before is None or isinstance(before, Place)  # noqa: S101 - by its field
        page = wired().backend.page(owner(), before=before, limit=limit)
        return jsonify(page_json(page, full=len(page) == limit))


@blueprint.at("/v1/submissions/<uuid:submission_id>")
class OneSubmission(MethodView):
    """One submission."""

    @blueprint.takes(WaitQuery, location="query")
    @blueprint.gives(200, SubmissionAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, query: dict[str, float], submission_id: uuid.UUID) -> Response:
        """Read a submission with its current execution."""
        with Patience(query["wait"]) as patience:
            view = _wait(wired().backend.get(submission_id, owner()), patience.own_s)
        return patience.answer(view, "submission", 200)


@blueprint.at("/execute")
class Execute(MethodView):
    """The same as `POST /v1/submissions`, for those who want the result and nothing else."""

    @blueprint.says(parameters=[_IDEMPOTENCY])
    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(SubmissionRequest)
    @blueprint.gives(200, SubmissionAnswer)
    @blueprint.may_give(202, SubmissionAnswer, "Not done after 60 s: the state it is in.")
    @blueprint.refuses(400, 401, 409, 413, 415, 503)
    def post(self, _query: dict[str, object], asked: Request) -> Response:
        """Send a submission and have the answer when it is done, or after 60 s."""
        with Patience(MAX_WAIT_S) as patience:
            view = _create(asked, patience.own_s)
        return patience.answer(view, "executed", 200)


def _create(asked: Request, wait_s: float) -> SubmissionView:
    here = wired()
    view = here.backend.create(
        replace(asked.submission, static_check=here.static_check(caller())),
        owner_id=owner_id(),
        submission_id=_chosen_id(asked),
        body_sha256=asked.body_sha256,
        wait_s=wait_s,
    )
    return replace(_wait(view, wait_s), replayed=True) if view.replayed else view


def _chosen_id(asked: Request) -> uuid.UUID | None:
    """Give the id that makes a second sending harmless: as sent, or made of the sender and Idempotency-Key."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return asked.id
    if not (1 <= len(key) <= MAX_LABEL_CHARS and key.isprintable()):
        raise InvalidRequest(Problem("Idempotency-Key", "must be 1 to 255 printable characters", "use a UUID"))
    if asked.id is not None:
        raise InvalidRequest(Problem("id", "stands beside the header Idempotency-Key", "send one of the two"))
    return uuid.uuid5(owner_id(), key)


def _wait(view: SubmissionView, seconds: float) -> SubmissionView:
    """Hold until the execution is final, `seconds` at most, and read it again."""
    if seconds <= 0 or view.execution.state.final:
        return view
    return wired().backend.wait(view, seconds)


@answers("submission")
def _answer(view: SubmissionView, status: int) -> Response:
    answer = jsonify(submission_json(view))
    answer.status_code = status
    answer.headers["Location"] = links.submission(view.id)
    return answer


@answers("executed")
def _executed(view: SubmissionView, status: int) -> Response:
    return _answer(view, status if view.execution.state.final else 202)

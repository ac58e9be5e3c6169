"""Submissions: send, wait, read, list."""

import uuid
from dataclasses import replace

from flask import Response, jsonify
from flask.views import MethodView

from app import idempotency
from app.auth import caller, owner, owner_id
from app.blueprint import Routes
from app.schemas import links
from app.schemas.documents import PageAnswer, SubmissionAnswer
from app.schemas.listing import page_json
from app.schemas.query import MAX_WAIT_S, NoQuery, PageQuery, WaitQuery
from app.schemas.request import Request, SubmissionRequest
from app.schemas.response import submission_json
from app.wiring import wired
from domain.errors import InvalidRequest, Problem
from domain.idempotency import HEADER
from domain.listing import Place
from domain.views import SubmissionView

blueprint = Routes("submissions", __name__, description="Code in, verdicts out")

_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where the submission is."}}


@blueprint.at("/v1/submissions")
class Submissions(MethodView):
    """All submissions of the caller."""

    @blueprint.says(parameters=[idempotency.DOCUMENT])
    @blueprint.takes(WaitQuery, location="query")
    @blueprint.takes(SubmissionRequest)
    @blueprint.gives(201, SubmissionAnswer, headers=_LOCATION)
    @blueprint.may_give(200, SubmissionAnswer, "The submission that this id or key made before.")
    @blueprint.refuses(400, 401, 409, 413, 415, 503)
    def post(self, query: dict[str, float], asked: Request) -> Response:
        """Send a submission."""
        view = _create(asked, query["wait"])
        return _answer(view, 200 if view.replayed else 201)

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
        view = wired().backend.get(submission_id, owner())
        return _answer(_wait(view, query["wait"]), 200)


@blueprint.at("/execute")
class Execute(MethodView):
    """The same as `POST /v1/submissions`, for those who want the result and nothing else."""

    @blueprint.says(parameters=[idempotency.DOCUMENT])
    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(SubmissionRequest)
    @blueprint.gives(200, SubmissionAnswer)
    @blueprint.may_give(202, SubmissionAnswer, "Not done after 60 s: the state it is in.")
    @blueprint.refuses(400, 401, 409, 413, 415, 503)
    def post(self, _query: dict[str, object], asked: Request) -> Response:
        """Send a submission and have the answer when it is done, or after 60 s."""
        view = _create(asked, MAX_WAIT_S)
        return _answer(view, 200 if view.execution.state.final else 202)


def _create(asked: Request, wait_s: float) -> SubmissionView:
    here = wired()
    view = here.backend.create(
        replace(asked.submission, static_check=here.static_check(caller())),
        owner_id=owner_id(),
        submission_id=asked.id,
        body_sha256=asked.body_sha256,
        wait_s=wait_s,
        key=_key(asked),
    )
    return replace(_wait(view, wait_s), replayed=True) if view.replayed else view


def _key(asked: Request) -> str | None:
    key = idempotency.key()
    if key is not None and asked.id is not None:
        message = f"stands beside the header {HEADER}"
        raise InvalidRequest(Problem("id", message, "send one of the two"))
    return key


def _wait(view: SubmissionView, seconds: float) -> SubmissionView:
    """Hold until the execution is final, `seconds` at most, and read it again."""
    if seconds <= 0 or view.execution.state.final:
        return view
    return wired().backend.wait(view, seconds)


def _answer(view: SubmissionView, status: int) -> Response:
    answer = jsonify(submission_json(view))
    answer.status_code = status
    answer.headers["Location"] = links.submission(view.id)
    return answer

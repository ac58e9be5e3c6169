"""Submissions: send, wait, read, list, cancel."""

import uuid
from dataclasses import replace

from flask import Response, jsonify
from flask.views import MethodView

from app import etags, idempotency, limits
from app.auth import caller, known, owner, owner_id, whose
from app.blueprint import Routes, selectable
from app.live.patience import Patience, answers
from app.live.taken import Told
from app.schemas import examples, links
from app.schemas.documents import SubmissionAnswer
from app.schemas.listing import page_json
from app.schemas.query import MAX_WAIT_S, NoQuery, ReadQuery, WaitQuery
from app.schemas.request import Request, SubmissionRequest
from app.schemas.response import revealed_json, submission_json
from app.schemas.rules import NOBODY
from app.schemas.selecting import Selection, select, selection
from app.schemas.submission_list import FilteredPage, ListQuery
from app.wiring import wired
from domain.errors import InvalidRequest, Problem
from domain.idempotency import HEADER
from domain.problem_reading import Viewer
from domain.roles import Reach, Scope
from domain.views import SubmissionView

blueprint = Routes("submissions", __name__, description="Code in, verdicts out")

_STATE = selection(["id", "execution.id", "execution.state"])
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where the submission is."}}


@blueprint.at("/v1/submissions")
class Submissions(MethodView):
    """All submissions of the caller."""

    @blueprint.says(parameters=[idempotency.DOCUMENT])
    @blueprint.takes(WaitQuery, location="query")
    @blueprint.takes(SubmissionRequest, example=examples.SUBMISSION_REQUEST)
    @blueprint.gives(201, SubmissionAnswer, headers={**_LOCATION, **limits.LEFT}, example=examples.SUBMISSION)
    @blueprint.may_give(200, SubmissionAnswer, "The submission that this id or key made before.")
    @blueprint.refuses(400, 401, 409, 413, 415, 429, 503)
    def post(self, query: dict[str, float], asked: Request) -> Response:
        """Send a submission."""
        with Patience(query["wait"]) as patience:
            view = create(asked, patience.own_s)
        return patience.answer(view, "submission", 200 if view.replayed else 201)

    @blueprint.may_be_unchanged
    @blueprint.takes(ListQuery, location="query")
    @blueprint.gives(200, selectable("PageAnswer", "PageSelection"), example=examples.PAGE)
    @blueprint.refuses(401, 503)
    def get(self, asked: FilteredPage) -> Response:
        """List submissions that are all of what is asked for, newest first; the cursor leads to the next page."""
        found = wired().backend.page(owner(), filters=asked.filters, before=asked.before, limit=asked.limit)
        answer = jsonify(page_json(found, asked))
        return etags.tagged(answer, etags.of_body(answer))


@blueprint.at("/v1/submissions/<uuid:submission_id>")
class OneSubmission(MethodView):
    """One submission."""

    @blueprint.may_be_unchanged
    @blueprint.takes(ReadQuery, location="query")
    @blueprint.gives(200, selectable("SubmissionAnswer", "SubmissionSelection"), example=examples.SUBMISSION)
    @blueprint.refuses(401, 404, 503)
    def get(self, query: dict[str, object], submission_id: uuid.UUID) -> Response:
        """Read a submission with its current execution.

        With `reveal`, what is hidden of its results is shown to operators and the problem's author; it holds nothing.
        """
        wait_s, fields = _read_query(query)
        if query["reveal"]:
            revealed = revealed_json(wired().backend.reveal(submission_id, _sees_hidden()))
            return jsonify(select(revealed, fields))
        backend, viewer = wired().backend, owner()
        if etags.asked():
            version = backend.version(submission_id, viewer)
            tag = etags.of_version(version, viewer, fields)
            if etags.known(tag) and (wait_s == 0 or version.state.final):
                return etags.unchanged(tag)
        with Patience(wait_s) as patience:
            view = _wait(backend.get(submission_id, viewer), patience.own_s)
        return patience.answer(view, "read", 200, {"fields": fields})

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, selectable("SubmissionAnswer", "SubmissionSelection"), example=examples.SUBMISSION)
    @blueprint.refuses(401, 404, 503)
    def delete(self, _query: dict[str, object], submission_id: uuid.UUID) -> Response:
        """Cancel a submission: what runs of it is ended. One that is over stays as it is: look at `state`.

        A key without `submissions:read` is told the state alone.
        """
        view = wired().backend.cancel(submission_id, whose(Scope.SUBMISSIONS_WRITE))
        return _answer(view, 200, None if known().reach(Scope.SUBMISSIONS_READ) else _STATE)


@blueprint.at("/execute")
class Execute(MethodView):
    """The same as `POST /v1/submissions`, for those who want the result and nothing else."""

    @blueprint.says(parameters=[idempotency.DOCUMENT])
    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(SubmissionRequest, example=examples.SUBMISSION_REQUEST)
    @blueprint.gives(200, SubmissionAnswer, headers=limits.LEFT, example=examples.SUBMISSION)
    @blueprint.may_give(202, SubmissionAnswer, "Not done after 60 s: the state it is in.")
    @blueprint.refuses(400, 401, 409, 413, 415, 429, 503)
    def post(self, _query: dict[str, object], asked: Request) -> Response:
        """Send a submission and have the answer when it is done, or after 60 s."""
        with Patience(MAX_WAIT_S) as patience:
            view = create(asked, patience.own_s)
        return patience.answer(view, "executed", 200)


def create(asked: Request, wait_s: float) -> SubmissionView:
    """Keep a submission of the caller, and hold until its execution is final, `wait_s` seconds at most."""
    here, whose = wired(), limits.user(asked.submission.user_id)
    view = here.backend.create(
        replace(asked.submission, static_check=here.static_check(caller())),
        owner_id=owner_id(),
        submission_id=asked.id,
        body_sha256=asked.body_sha256,
        wait_s=wait_s,
        user=whose,
        admit=limits.admission(whose),
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


def _sees_hidden() -> Viewer:
    """Say who asks for what is hidden: of their own problems, or, for operators, of everybody's."""
    key = known()
    own = key.id if key.reach(Scope.PROBLEMS_READ) is not None else NOBODY
    return Viewer(own, key.reach(Scope.SUBMISSIONS_READ) is Reach.ALL)


def _read_query(query: dict[str, object]) -> tuple[float, Selection | None]:
    wait_s, fields = query["wait"], query.get("fields")
    assert isinstance(wait_s, float)  # noqa: S101 - by its field
    assert fields is None or isinstance(fields, dict)  # noqa: S101 - by its field
    return wait_s, fields


@answers("submission")
def _sent(view: SubmissionView, status: int, _told: Told) -> Response:
    return _answer(view, status)


@answers("executed")
def _executed(view: SubmissionView, status: int, _told: Told) -> Response:
    return _answer(view, status if view.execution.state.final else 202)


@answers("read")
def _read(view: SubmissionView, status: int, told: Told) -> Response:
    fields: Selection | None = told["fields"]
    return etags.tagged(_answer(view, status, fields), etags.of_version(view.version, owner(), fields))


def _answer(view: SubmissionView, status: int, fields: Selection | None = None) -> Response:
    answer = jsonify(select(submission_json(view), fields))
    answer.status_code = status
    answer.headers["Location"] = links.submission(view.id)
    return answer

"""Problems: keep them in versions, read them, decide who sees them."""

from pathlib import PurePosixPath

from flask import Response, jsonify, send_file
from flask.views import MethodView

from app import etags
from app.api.values import attached
from app.auth import known, whose
from app.blueprint import Routes
from app.headers import ask_again
from app.schemas import links
from app.schemas.problem_answers import (
    NewProblemAnswer,
    ProblemAnswer,
    ProblemPageAnswer,
    ProblemVersionsAnswer,
    SamplesAnswer,
    WholeVersionAnswer,
    made_json,
    page_json,
    problem_json,
    samples_json,
    version_json,
    whole_json,
)
from app.schemas.problems import (
    ProblemAsked,
    ProblemPageQuery,
    ProblemRequest,
    StatementQuery,
    VisibilityChange,
)
from app.schemas.query import NoQuery, RevealQuery
from app.wiring import wired
from domain.problem import Visibility
from domain.problem_reading import Viewer
from domain.roles import Reach, Scope

blueprint = Routes("problems", __name__, description="Problems that submissions can name")

_BYTES = {"type": "string", "format": "binary"}
_OCTETS = "application/octet-stream"
_MARKDOWN = "text/markdown"
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where the problem is."}}
_MOST = 2**31 - 1


def viewer(scope: Scope = Scope.PROBLEMS_READ) -> Viewer:
    """Say who asks, and whether they see everybody's."""
    key = known()
    return Viewer(key.id, key.reach(scope) is Reach.ALL)


@blueprint.at("/v1/problems")
class Problems(MethodView):
    """All problems."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(ProblemRequest)
    @blueprint.gives(201, NewProblemAnswer, headers=_LOCATION)
    @blueprint.refuses(400, 401, 409, 413, 415, 503)
    def post(self, _query: dict[str, object], asked: ProblemAsked) -> Response:
        """Keep a problem; where there is one of this id that is the caller's, another version of it.

        A version never changes. One with programs (a checker, an interactor, validators) is `checking` until a worker
        has tried them.
        """
        made = wired().backend.problems.create(asked.version, viewer(Scope.PROBLEMS_WRITE), asked.visibility)
        answer = jsonify(made_json(made))
        answer.status_code = 201
        answer.headers["Location"] = str(links.problem(made.problem_id)["self"])
        return answer

    @blueprint.may_be_unchanged
    @blueprint.takes(ProblemPageQuery, location="query")
    @blueprint.gives(200, ProblemPageAnswer)
    @blueprint.refuses(401, 503)
    def get(self, query: dict[str, object]) -> Response:
        """List the caller's problems and public ones, by id; operators see all."""
        limit = query["limit"]
        assert isinstance(limit, int)  # noqa: S101 - by its field
        found = wired().backend.problems.page(viewer(), after=str(query.get("cursor", "")), limit=limit)
        return _tagged(page_json(found, limit))


@blueprint.at("/v1/problems/<slug:problem_id>")
class OneProblem(MethodView):
    """One problem."""

    @blueprint.may_be_unchanged
    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, ProblemAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], problem_id: str) -> Response:
        """Read a problem's newest version that is ready; for its author, where none is, the newest."""
        return _tagged(problem_json(wired().backend.problems.view(problem_id, viewer())))

    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(VisibilityChange)
    @blueprint.gives(200, ProblemAnswer)
    @blueprint.refuses(400, 401, 404, 413, 415, 503)
    def patch(self, _query: dict[str, object], visibility: Visibility, problem_id: str) -> Response:
        """Change who sees a problem."""
        backend, writer = wired().backend.problems, viewer(Scope.PROBLEMS_WRITE)
        backend.show_to(problem_id, writer.owner_id, visibility)
        return jsonify(problem_json(backend.view(problem_id, writer)))

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives_nothing()
    @blueprint.refuses(401, 404, 503)
    def delete(self, _query: dict[str, object], problem_id: str) -> Response:
        """Delete a problem with all its versions. Submissions that it judged stay as they are."""
        wired().backend.problems.delete(problem_id, whose(Scope.PROBLEMS_WRITE))
        return Response(status=204)


@blueprint.at("/v1/problems/<slug:problem_id>/versions")
class Versions(MethodView):
    """All versions of a problem."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, ProblemVersionsAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], problem_id: str) -> Response:
        """List versions, newest first, with what their checks found: for author and operators."""
        found = wired().backend.problems.versions(problem_id, viewer())
        return jsonify({"versions": [version_json(version, is_open=True) for version in found]})


@blueprint.at("/v1/problems/<slug:problem_id>/versions/<int:number>")
class OneVersion(MethodView):
    """One version of a problem."""

    @blueprint.takes(RevealQuery, location="query")
    @blueprint.gives(200, WholeVersionAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, query: dict[str, bool], problem_id: str, number: int) -> Response:
        """Read a version with its test cases: for author and operators. `reveal` shows their data, which is audited."""
        backend, reveal = wired().backend.problems, query["reveal"]
        found = backend.view(problem_id, viewer(), number=min(number, _MOST), reveal=reveal)
        return jsonify(whole_json(found, backend.shown, reveal=reveal))


@blueprint.at("/v1/problems/<slug:problem_id>/samples")
class Samples(MethodView):
    """The test cases that everybody may see."""

    @blueprint.may_be_unchanged
    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, SamplesAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], problem_id: str) -> Response:
        """Read the samples."""
        backend = wired().backend.problems
        return _tagged(samples_json(backend.view(problem_id, viewer()).content, backend.shown))


@blueprint.at("/v1/problems/<slug:problem_id>/statement")
class Statement(MethodView):
    """What is to be done."""

    @blueprint.takes(StatementQuery, location="query")
    @blueprint.gives(200, _BYTES, content_type=_MARKDOWN)
    @blueprint.refuses(401, 404, 503)
    def get(self, query: dict[str, str], problem_id: str) -> Response:
        """Read the statement as it was written: Markdown; what is not, comes as bytes to be saved."""
        name, whole = wired().backend.problems.statement(problem_id, viewer(), query.get("language"))
        if PurePosixPath(name).suffix != ".md":
            return attached(whole, PurePosixPath(name).name)
        answer = send_file(whole.file, mimetype=_MARKDOWN, conditional=False, etag=False)
        answer.content_length = whole.size_bytes
        return ask_again(answer)


@blueprint.at("/v1/problems/<slug:problem_id>/attachments/<file:path>")
class Attachment(MethodView):
    """A file that comes with a problem."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, _BYTES, content_type=_OCTETS)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], problem_id: str, path: str) -> Response:
        """Read an attachment."""
        whole = wired().backend.problems.attachment(problem_id, viewer(), path)
        return attached(whole, PurePosixPath(path).name)


def _tagged(body: dict[str, object]) -> Response:
    answer = jsonify(body)
    return etags.tagged(answer, etags.of_body(answer))

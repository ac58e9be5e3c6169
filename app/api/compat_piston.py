"""Piston's protocol, version 2: for clients that were written for it. What maps to what: `docs/compat.md`."""

from collections.abc import Mapping
from functools import partial

from flask import Response, jsonify
from flask.views import MethodView
from marshmallow import ValidationError
from semantic_version import Version
from werkzeug.exceptions import GatewayTimeout, ServiceUnavailable

from app import compat
from app.api.submissions import create
from app.auth import caller
from app.blueprint import Routes
from app.live.patience import Patience, answers
from app.live.taken import Told
from app.schemas import piston
from app.schemas.complaints import problems
from app.schemas.documents import list_of
from app.schemas.piston import PistonAnswer, PistonError, PistonRequest, Runtime
from app.schemas.query import MAX_WAIT_S
from app.schemas.response import Json, submission_json
from app.wiring import wired
from domain.errors import InvalidRequest, Problem
from domain.verdict import Verdict
from domain.views import SubmissionView

blueprint = Routes("piston", __name__, url_prefix="/compat/piston/api/v2", description="Piston's protocol")
compat.take_key(blueprint)
compat.tell_errors(blueprint, piston.error_json)
refuses = partial(blueprint.refuses, schema=PistonError)
_KEYS: list[dict[str, list[str]]] = [{"piston": []}, {"bearer": []}]


@blueprint.at("/runtimes", any_slash=True)
class Runtimes(MethodView):
    """Languages that a live worker has."""

    @blueprint.says(security=_KEYS)
    @blueprint.gives(200, list_of("PistonRuntime"))
    @refuses(400, 401, 403, 429, 503)
    def get(self) -> Response:
        """List them."""
        return jsonify([piston.runtime_json(runtime) for runtime in _runtimes() if runtime.installed])


@blueprint.at("/packages", any_slash=True)
class Packages(MethodView):
    """All languages; installing one is an operator's business."""

    @blueprint.says(security=_KEYS)
    @blueprint.gives(200, list_of("PistonPackage"))
    @refuses(400, 401, 403, 429, 503)
    def get(self) -> Response:
        """List them."""
        return jsonify([piston.package_json(runtime) for runtime in _runtimes()])


@blueprint.at("/execute", any_slash=True)
class Execute(MethodView):
    """A program to be run once."""

    @blueprint.says(security=_KEYS)
    @blueprint.takes(PistonRequest)
    @blueprint.gives(200, PistonAnswer)
    @refuses(400, 401, 403, 409, 413, 415, 429, 503, 504)
    def post(self, asked: Mapping[str, object]) -> Response:
        """Run it, and say what it wrote and how it ended."""
        runtime = _runtime(str(asked["language"]), str(asked["version"]))
        own = compat.read(_own(asked, runtime))
        with Patience(MAX_WAIT_S) as patience:
            view = create(own, patience.own_s)
        named = {"language": runtime.language.name, "name": runtime.name, "version": str(runtime.version)}
        return patience.answer(view, "piston", 200, named)


@answers("piston")
def _executed(view: SubmissionView, status: int, named: Told) -> Response:
    _require_result(view)
    language = wired().languages.known[named["language"]]
    runtime = Runtime(language, named["name"], (), Version(named["version"]), installed=True)
    execution = submission_json(view)["execution"]
    assert isinstance(execution, dict)  # noqa: S101 - of our own answer
    answer = jsonify(piston.execution_json(execution, runtime, partial(_text, execution, view)))
    answer.status_code = status
    return answer


def _own(asked: Mapping[str, object], runtime: Runtime) -> Json:
    try:
        return piston.request_json(asked, runtime, timeout_ceiling_ms=wired().rules(caller()).ranges.timeout_ms.ceiling)
    except ValidationError as error:
        raise InvalidRequest(*problems(error.messages)) from None


def _runtimes() -> list[Runtime]:
    parts, names = wired(), compat.names().piston
    available = parts.backend.availability()
    return [
        Runtime.of(language, names[name], available.get(name))
        for name, language in sorted(parts.languages.known.items())
        if name in names
    ]


def _runtime(name: str, selector: str) -> Runtime:
    for runtime in _runtimes():
        if runtime.installed and runtime.answers_to(name, selector):
            return runtime
    raise InvalidRequest(Problem("", f"{name[:40]}-{selector[:40]} runtime is unknown", "GET runtimes lists them"))


def _require_result(view: SubmissionView) -> None:
    """See that there is something to be told. Raises HTTP exceptions."""
    execution = view.execution
    if not execution.state.final:
        where = f"it goes on as submission {view.id}"
        raise GatewayTimeout(f"not done after {MAX_WAIT_S} s; {where}, which /v1/submissions tells of")
    if execution.verdict in {None, Verdict.JE}:
        raise ServiceUnavailable("it could not be run, which is a fault of ours; try again or tell the operator")


def _text(execution: Json, view: SubmissionView, name: str) -> str:
    """Give an output as text: their protocol has no bytes, so what is no UTF-8 is replaced."""
    return (compat.output(execution, view.id, name) or b"").decode(errors="replace")

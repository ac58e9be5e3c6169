"""Judge0's protocol: for clients that were written for it. What maps to what: `docs/compat.md`."""

import os
import platform
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from flask import Response, jsonify, request
from flask.views import MethodView

from app import compat
from app.api.submissions import create
from app.auth import caller, owner
from app.blueprint import Routes
from app.live.patience import Patience, answers
from app.live.taken import Told
from app.schemas import judge0, judge0_request
from app.schemas import judge0_documents as documents
from app.schemas.documents import list_of
from app.schemas.judge0_request import CreateQuery, FieldsQuery, Judge0Batch, Judge0Submission, TokensQuery
from app.schemas.query import MAX_WAIT_S
from app.schemas.response import Json, submission_json
from app.wiring import wired
from domain import __version__
from domain.errors import InvalidRequest, NotFound, Problem, ShipdError
from domain.views import SubmissionView

SPOKEN = "1.13.1"
"""The release whose protocol this is: their client finds its language ids by it."""

blueprint = Routes("judge0", __name__, url_prefix="/compat/judge0", description="Judge0's protocol")
compat.take_key(blueprint, "X-Auth-Token", "X-RapidAPI-Key", "X-ApiHub-Key")
compat.tell_errors(blueprint, judge0_request.error_json)
refuses = partial(blueprint.refuses, schema=documents.Judge0Error)
_IDEMPOTENCY = "Idempotency-Key"
_KEYS: list[dict[str, list[str]]] = [{"judge0": []}, {"bearer": []}]


@blueprint.at("/submissions", any_slash=True)
class Submissions(MethodView):
    """New submissions."""

    @blueprint.says(security=_KEYS)
    @blueprint.takes(CreateQuery, location="query")
    @blueprint.takes(Judge0Submission)
    @blueprint.gives(201, documents.Judge0SubmissionAnswer)
    @refuses(400, 401, 403, 409, 413, 415, 422, 429, 503)
    def post(self, query: Mapping[str, object], asked: Mapping[str, object]) -> Response:
        """Send a submission; the answer has its token, or with `wait` what became of it within 60 s."""
        encoded = query["base64_encoded"] is True
        if not query["wait"]:
            return _answer({"token": str(_create(asked, encoded=encoded).id)}, 201)
        chosen = list(_chosen(query))
        with Patience(MAX_WAIT_S) as patience:
            view = _create(asked, encoded=encoded, wait_s=patience.own_s)
        return patience.answer(view, "judge0", 201, {"chosen": chosen, "encoded": encoded})


@blueprint.at("/submissions/batch", any_slash=True)
class Batch(MethodView):
    """Several submissions at once."""

    @blueprint.says(security=_KEYS)
    @blueprint.takes(FieldsQuery, location="query")
    @blueprint.takes(Judge0Batch)
    @blueprint.gives(201, documents.TOKENS)
    @refuses(400, 401, 403, 409, 413, 415, 422, 429, 503)
    def post(self, query: Mapping[str, object], asked: Mapping[str, list[object]]) -> Response:
        """Send several; each has its token, or what is wrong with it, at its place in the answer."""
        if _IDEMPOTENCY in request.headers:
            hint = "leave it out, or use POST /v1/batches, which takes it"
            raise InvalidRequest(Problem(_IDEMPOTENCY, "one key cannot stand for several submissions", hint))
        return _answer(list(_each(asked["submissions"], encoded=query["base64_encoded"] is True)), 201)

    @blueprint.says(security=_KEYS)
    @blueprint.takes(TokensQuery, location="query")
    @blueprint.gives(200, documents.Judge0SubmissionsAnswer)
    @refuses(400, 401, 403, 422, 429, 503)
    def get(self, query: Mapping[str, object]) -> Response:
        """Read several by their tokens."""
        tokens = query["tokens"]
        assert isinstance(tokens, tuple)  # noqa: S101 - by its field
        chosen, encoded = _chosen(query), query["base64_encoded"] is True
        return _answer({"submissions": [_read(token, chosen, encoded=encoded) for token in tokens]})


@blueprint.at("/submissions/<token>", any_slash=True)
class OneSubmission(MethodView):
    """One submission."""

    @blueprint.says(security=_KEYS)
    @blueprint.takes(FieldsQuery, location="query")
    @blueprint.gives(200, documents.Judge0SubmissionAnswer)
    @refuses(400, 401, 403, 404, 429, 503)
    def get(self, query: Mapping[str, object], token: str) -> Response:
        """Read a submission."""
        chosen = _chosen(query)
        told = _read(token, chosen, encoded=query["base64_encoded"] is True)
        if told is None:
            raise NotFound("there is no submission of this token; check it, and that the key is its sender's")
        return _answer(told)


@blueprint.at("/languages", any_slash=True)
class Languages(MethodView):
    """Languages that a live worker has."""

    @blueprint.says(security=_KEYS)
    @blueprint.gives(200, list_of("Judge0Language"))
    @refuses(401, 403, 429, 503)
    def get(self) -> Response:
        """List them."""
        return _answer([listed for listed in _languages() if not listed.pop("is_archived")])


@blueprint.at("/languages/all", any_slash=True)
class AllLanguages(MethodView):
    """All languages."""

    @blueprint.says(security=_KEYS)
    @blueprint.gives(200, list_of("Judge0Language"))
    @refuses(401, 403, 429, 503)
    def get(self) -> Response:
        """List them, with those that no live worker has as archived."""
        return _answer(_languages())


@blueprint.at("/languages/<language_id>", any_slash=True)
class OneLanguage(MethodView):
    """One language."""

    @blueprint.says(security=_KEYS)
    @blueprint.gives(200, documents.Judge0Language)
    @refuses(401, 403, 404, 429, 503)
    def get(self, language_id: str) -> Response:
        """Read it."""
        for listed in _languages():
            if str(listed["id"]) == language_id:
                return _answer(listed)
        raise NotFound("there is no language of this id; GET /languages lists them")


@blueprint.at("/statuses", any_slash=True)
class Statuses(MethodView):
    """What can become of a submission."""

    @blueprint.says(security=_KEYS)
    @blueprint.gives(200, list_of("Judge0Status"))
    @refuses(401, 403)
    def get(self) -> Response:
        """List them."""
        return _answer([{"id": number, "description": text} for number, text in judge0.STATUSES.items()])


@blueprint.at("/about", any_slash=True)
class About(MethodView):
    """What this is."""

    @blueprint.says(security=_KEYS)
    @blueprint.gives(200, documents.ANY_OBJECT)
    @refuses(401, 403)
    def get(self) -> Response:
        """Say whose protocol this is, and who speaks it."""
        return _answer(
            {"version": SPOKEN, "homepage": "/docs", "source_code": None, "maintainer": "", "shipd": __version__}
        )


@blueprint.at("/config_info", any_slash=True)
class ConfigInfo(MethodView):
    """What it takes."""

    @blueprint.says(security=_KEYS)
    @blueprint.gives(200, documents.ANY_OBJECT)
    @refuses(401, 403)
    def get(self) -> Response:
        """Say which limits there are, in their units."""
        rules = wired().rules(caller())
        return _answer(judge0.config_json(rules.ranges, network=rules.network))


@blueprint.at("/system_info", any_slash=True)
class SystemInfo(MethodView):
    """The machine that answers."""

    @blueprint.says(security=_KEYS)
    @blueprint.gives(200, documents.ANY_OBJECT)
    @refuses(401, 403)
    def get(self) -> Response:
        """Say what this machine is; workers may be others."""
        return _answer({"Architecture": platform.machine(), "CPU(s)": str(os.cpu_count())})


def _create(asked: Mapping[str, object], *, encoded: bool, wait_s: float = 0) -> SubmissionView:
    known: dict[object, str] = {number: name for name, ids in compat.names().judge0.items() for number in ids}
    language = known.get(asked["language_id"])
    if language is None:
        message = f"there is no language {asked['language_id']}"
        raise InvalidRequest(Problem("language_id", message, "GET /languages lists them"))
    own = judge0_request.request_json(asked, language, encoded=encoded)
    # Their tokens are random UUIDs, and clients of theirs check that.
    chosen = {} if _IDEMPOTENCY in request.headers else {"id": str(uuid.uuid4())}
    return create(compat.read(own | chosen), wait_s)


def _each(items: list[object], *, encoded: bool) -> Iterator[Json]:
    """Take what can be taken. What refuses all of them is raised while there is nothing that it would lose."""
    taken = False
    for item in items:
        try:
            asked = compat.load_as(Judge0Submission, item)
            assert isinstance(asked, dict)  # noqa: S101 - by its schema
            yield {"token": str(_create(asked, encoded=encoded).id)}
            taken = True
        except InvalidRequest as error:
            yield judge0_request.errors_json(error.problems)
        except ShipdError:
            if not taken:
                raise
            yield {"error": "this one was not taken: there is no room for it now; send it again"}


def _read(token: str, chosen: Sequence[str], *, encoded: bool) -> Json | None:
    try:
        view = wired().backend.get(uuid.UUID(token), owner())
    except (ValueError, NotFound):
        return None
    return _told(view, chosen, encoded=encoded)


@answers("judge0")
def _waited(view: SubmissionView, status: int, asked: Told) -> Response:
    try:
        told = _told(view, asked["chosen"], encoded=asked["encoded"])
    except InvalidRequest as error:
        # It was taken and run: only its output cannot be told so.
        told = {"token": str(view.id), "error": str(error.problems[0].message)}
    return _answer(told, status)


def _told(view: SubmissionView, chosen: Sequence[str], *, encoded: bool) -> Json:
    own = submission_json(view)
    execution = own["execution"]
    assert isinstance(execution, dict)  # noqa: S101 - of our own answer

    def text(name: str) -> bytes | None:
        said = judge0.message(own) if name == "message" else None
        return said.encode() if said else compat.output(execution, view.id, name) if name != "message" else None

    return judge0.submission_json(own, text, _language(view), chosen, encoded=encoded)


def _language(view: SubmissionView) -> Json:
    """Give the language as the sender called it, else by the first of its ids."""
    name = view.asked.language.partition("@")[0]
    ids = compat.names().judge0.get(name, ())
    sent = view.asked.metadata.get("judge0")
    asked = sent.get("language_id") if isinstance(sent, dict) else None
    known = wired().languages.known.get(name)
    return {"id": asked if asked in ids else next(iter(ids), None), "name": known.title if known else name}


def _languages() -> list[Json]:
    """List every id, sorted."""
    parts = wired()
    available, listed = parts.backend.availability(), list[Json]()
    for name, ids in compat.names().judge0.items():
        if language := parts.languages.known.get(name):
            version = available.get(name)
            listed += [
                {**judge0.language_json(number, language.title, version), "is_archived": version is None}
                for number in ids
            ]
    return sorted(listed, key=lambda each: int(str(each["id"])))


def _chosen(query: Mapping[str, object]) -> Sequence[str]:
    asked = query.get("fields", ())
    assert isinstance(asked, tuple)  # noqa: S101 - by its field
    return judge0.chosen_fields(asked)


def _answer(body: object, status: int = 200) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer

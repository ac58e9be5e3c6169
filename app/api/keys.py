"""API keys: list, make, rotate, revoke; one's own, or for administrators anybody's."""

from flask import Response, jsonify
from flask.views import MethodView

from app.auth import known, whose
from app.blueprint import Routes
from app.schemas.keys import (
    KeyAnswer,
    KeyRequest,
    KeysAnswer,
    NewKeyAnswer,
    RotateRequest,
    Rotation,
    issued_json,
    key_json,
    keys_json,
)
from app.schemas.paging import Page, PageQuery
from app.schemas.query import NoQuery
from app.wiring import wired
from domain.issuing import Issued
from domain.keys import NewKey
from domain.roles import Scope

blueprint = Routes("keys", __name__, description="What others may use instead of one's own key")


@blueprint.at("/v1/keys")
class Keys(MethodView):
    """All keys of the caller's."""

    @blueprint.takes(PageQuery, location="query")
    @blueprint.gives(200, KeysAnswer)
    @blueprint.refuses(401, 503)
    def get(self, asked: Page) -> Response:
        """List keys, newest first, those that ended too; operators see everybody's. Secrets are not kept."""
        found = wired().backend.key_page(whose(Scope.KEYS_READ), before=asked.before, limit=asked.limit)
        return jsonify(keys_json(found, asked))

    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(KeyRequest)
    @blueprint.gives(201, NewKeyAnswer)
    @blueprint.refuses(400, 401, 404, 413, 415, 503)
    def post(self, _query: dict[str, object], new: NewKey) -> Response:
        """Make a key, shown this once. Who is no administrator can hand on no more than they have, to themselves."""
        here = wired()
        if new.static_check is not None:
            here.static_checks.choose(new.static_check)
        return _secret(here.backend.make_key(known(), new), 201)


@blueprint.at("/v1/keys/<prefix>/rotate")
class Rotate(MethodView):
    """Another secret for the same key."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.takes(RotateRequest)
    @blueprint.gives(200, NewKeyAnswer)
    @blueprint.refuses(400, 401, 404, 413, 415, 503)
    def post(self, _query: dict[str, object], asked: Rotation, prefix: str) -> Response:
        """Give a key another secret, shown this once; the one that it had works on for `grace_s`."""
        issued = wired().backend.rotate_key(known(), prefix, grace=asked.grace, expires_at=asked.expires_at)
        return _secret(issued, 200)


@blueprint.at("/v1/keys/<prefix>")
class OneKey(MethodView):
    """One key."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, KeyAnswer)
    @blueprint.refuses(401, 404, 503)
    def delete(self, _query: dict[str, object], prefix: str) -> Response:
        """End a key for good and at once, and all keys that were made with it."""
        return jsonify(key_json(wired().backend.revoke_key(known(), prefix)))


def _secret(issued: Issued, status: int) -> Response:
    answer = jsonify(issued_json(issued))
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    return answer

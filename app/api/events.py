"""Events of a submission's current execution, as they happen: server-sent events, and the same over a WebSocket."""

import uuid

from flask import Response, request
from flask.views import MethodView
from werkzeug.exceptions import BadRequest

from app.auth import known, owner
from app.blueprint import Routes
from app.errors import error_answer
from app.live import giving, handshake, sse
from app.live.taken import Listen
from app.schemas.query import EventsQuery, event_id
from app.wiring import wired
from domain.roles import Reach, Scope
from domain.standing import Current

blueprint = Routes("events", __name__, description="What happens, while it happens")

RULE = "/v1/submissions/<uuid:submission_id>/events"
RETRY_AFTER_S = 2
_LAST_EVENT_ID = {
    "in": "header",
    "name": "Last-Event-ID",
    "schema": {"type": "string", "pattern": "^[0-9]{1,19}-[0-9]{1,19}$"},
    "description": "Go on after this event; it goes before last_event_id.",
}
_EVENT = {
    "type": "object",
    "description": "One event of the stream; `data` is JSON.",
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string", "enum": ["state", "test_result", "output", "done"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
_DESCRIPTION = """The first event, `state`, says how it stands now. Then comes everything that is told of it:
`state`, `test_result`, `output`, and at last `done`, which ends the stream. Events bear ids: whoever is cut off sends
the last one and misses nothing that was kept (an hour; about 2,000 events). With `Upgrade: websocket` the same comes as
messages `{"id", "event", "data"}`; browsers, which can send no `Authorization` there, offer the subprotocols `shipd`
and `bearer.KEY`. To type needs `submissions:write`, too. A stream lasts an hour at the most, also where its key is
revoked meanwhile."""


@blueprint.at(RULE)
class Events(MethodView):
    """What happens to a submission."""

    @blueprint.says(parameters=[_LAST_EVENT_ID], description=_DESCRIPTION)
    @blueprint.takes(EventsQuery, location="query")
    @blueprint.gives(200, _EVENT, content_type=sse.MIMETYPE)
    @blueprint.refuses(400, 401, 403, 404, 426, 503)
    def get(self, query: dict[str, str], submission_id: uuid.UUID) -> Response:
        """Follow a submission."""
        header = request.headers.get("Last-Event-ID")
        after = query.get("last_event_id") if header is None else event_id(header, "Last-Event-ID")
        websocket = _websocket()
        current = wired().backend.streams.current(submission_id, owner())
        if request.method == "HEAD":
            return Response(mimetype=sse.MIMETYPE, headers=sse.HEADERS)
        subprotocol = websocket and handshake.SUBPROTOCOL in handshake.offered(request)
        task = Listen(current.execution_id, after, websocket, _no_stdin(current), subprotocol)
        return giving.give(task) or _nobody()


def _websocket() -> bool:
    """Say whether a WebSocket is to be opened. Raises what the client is to be told otherwise."""
    if request.content_length or "Transfer-Encoding" in request.headers:
        raise BadRequest("this takes no body; leave it out")
    if not handshake.wanted(request):
        return False
    handshake.check(request, wired().settings.cors_origins)
    return True


def _no_stdin(current: Current) -> str | None:
    """Say why nothing may be typed, if so: to type is to write, and who may read need not be who may write."""
    key = known()
    reach = key.reach(Scope.SUBMISSIONS_WRITE)
    if reach is None or (reach is Reach.OWN and key.id != current.owner_id):
        return f"typing needs {Scope.SUBMISSIONS_WRITE.value} of whoever sent this submission"
    return None if current.takes_stdin else "this submission is not interactive: it reads no stdin"


def _nobody() -> Response:
    message = "nobody serves streams at the moment; come back with Last-Event-ID, or ask for the submission itself"
    answer = error_answer(503, "unavailable", message)
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer

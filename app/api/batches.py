"""Batches: send many submissions at once, wait for them together, read what became of them."""

import uuid
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from flask import Response, jsonify
from flask.views import MethodView

from app import idempotency, limits
from app.auth import caller, owner, owner_id, whose
from app.batch_backend import Batches as Backend
from app.blueprint import Routes
from app.body import load_apart
from app.json import encode
from app.schemas import links
from app.schemas.batch import BatchAsked, BatchRequest, ItemsQuery, ResultsQuery
from app.schemas.batch_answers import (
    BatchAnswer,
    BatchPageAnswer,
    NewBatchAnswer,
    batch_json,
    item_json,
    line_json,
    page_json,
)
from app.schemas.query import NoQuery, WaitQuery
from app.schemas.request import Request, SubmissionRequest
from app.wiring import wired
from domain.batch_reading import BatchView
from domain.batches import Item, Made, Refused
from domain.blobs import BlobDamaged, BlobMissing
from domain.errors import ShipdError, Unavailable
from domain.logging import logger
from domain.roles import Scope
from domain.submissions import Sent

blueprint = Routes("batches", __name__, description="Many submissions at once")

_LINES = "application/x-ndjson"
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where the batch is."}}

log = logger(__name__)


@blueprint.at("/v1/batches")
class Batches(MethodView):
    """All batches of the caller."""

    @blueprint.says(parameters=[idempotency.DOCUMENT])
    @blueprint.takes(WaitQuery, location="query")
    @blueprint.takes(BatchRequest)
    @blueprint.gives(201, NewBatchAnswer, headers=_LOCATION)
    @blueprint.may_give(200, NewBatchAnswer, "The batch that this Idempotency-Key made before.")
    @blueprint.refuses(400, 401, 413, 415, 429, 503)
    def post(self, query: dict[str, float], asked: BatchAsked) -> Response:
        """Send up to 1000 submissions; each is kept or refused by itself, unless `atomic` says otherwise."""
        backend = wired().backend.batches
        items, refused = _read(asked.members)
        sent = Sent(owner_id(), asked.body_sha256, key=idempotency.key())
        made = backend.create(items, refused, sent=sent, atomic=asked.atomic, admit=limits.admit)
        view = _wait(backend, backend.get(made.id, owner_id()), query["wait"])
        answer = jsonify(batch_json(view) | {"items": _items(backend, made, refused)})
        answer.status_code = 200 if made.replayed else 201
        answer.headers["Location"] = links.batch(made.id)["self"]
        return answer


@blueprint.at("/v1/batches/<uuid:batch_id>")
class OneBatch(MethodView):
    """One batch."""

    @blueprint.takes(WaitQuery, location="query")
    @blueprint.gives(200, BatchAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, query: dict[str, float], batch_id: uuid.UUID) -> Response:
        """Read how far a batch is; `wait` holds the answer until all of it is done."""
        backend = wired().backend.batches
        return jsonify(batch_json(_wait(backend, backend.get(batch_id, owner()), query["wait"])))

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, BatchAnswer)
    @blueprint.refuses(401, 404, 503)
    def delete(self, _query: dict[str, object], batch_id: uuid.UUID) -> Response:
        """Cancel what is not over of what this batch made; items that were there before (200) go on."""
        return jsonify(batch_json(wired().backend.batches.cancel(batch_id, whose(Scope.SUBMISSIONS_WRITE))))


@blueprint.at("/v1/batches/<uuid:batch_id>/items")
class Items(MethodView):
    """What became of each item."""

    @blueprint.takes(ItemsQuery, location="query")
    @blueprint.gives(200, BatchPageAnswer)
    @blueprint.refuses(401, 404, 503)
    def get(self, query: dict[str, int], batch_id: uuid.UUID) -> Response:
        """Read items with their results, page by page, in the order in which they were sent."""
        backend = wired().backend.batches
        view = backend.get(batch_id, owner())
        return jsonify(page_json(backend.page(view.id, start=query["cursor"], limit=query["limit"])))


@blueprint.at("/v1/batches/<uuid:batch_id>/results")
class Results(MethodView):
    """What became of each item, as soon as it is known."""

    @blueprint.takes(ResultsQuery, location="query")
    @blueprint.gives(200, {"type": "string", "format": "binary"}, content_type=_LINES)
    @blueprint.refuses(401, 404, 503)
    def get(self, query: dict[str, object], batch_id: uuid.UUID) -> Response:
        """Stream items with their results as they end, one line of JSON each; `after` of a line goes on behind it.

        It ends when all that was accepted has been told, or after `wait` seconds: `done` of the batch says which.
        """
        backend = wired().backend.batches
        view = backend.get(batch_id, owner())
        told, seconds = query.get("after", frozenset()), query["wait"]
        assert isinstance(told, AbstractSet)  # noqa: S101 - by its field
        assert isinstance(seconds, float)  # noqa: S101 - by its field
        answer = Response(_lines(backend, view, told, seconds), mimetype=_LINES)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Accel-Buffering"] = "no"  # a proxy that gathers the lines would defeat their purpose
        return answer


def _read(members: Sequence[object]) -> tuple[list[Item], dict[int, ShipdError]]:
    """Read the members each by itself: those that are right, and why the others are not."""
    here, key = wired(), caller()
    items: list[Item] = []
    refused: dict[int, ShipdError] = {}
    for position, read in enumerate(load_apart(SubmissionRequest, members)):
        if isinstance(read, Request):
            submission = replace(read.submission, static_check=here.static_check(key))
            sent = Sent(owner_id(), read.body_sha256, read.id)
            items.append(Item(position, submission, sent, limits.user(submission.user_id)))
        elif isinstance(read, ShipdError):
            refused[position] = read
    return items, refused


def _items(backend: Backend, made: Made, refused: Refused) -> list[dict[str, object]]:
    # Of a batch that was there before it is not known any more what was wrong; but the body is the same.
    reasons = {**refused, **made.refused}
    return [item_json(item, reasons) for item in backend.items(made.id)]


def _wait(backend: Backend, view: BatchView, seconds: float) -> BatchView:
    return view if seconds <= 0 or view.done else backend.wait(view, seconds)


def _lines(backend: Backend, view: BatchView, before: AbstractSet[int], seconds: float) -> Iterator[bytes]:
    told = set(before)
    try:
        for place, submission in backend.results(view.id, told=before, timeout_s=seconds):
            told.add(place.position)
            yield encode(line_json(place, submission, told)) + b"\n"
    except (Unavailable, BlobMissing, BlobDamaged) as error:
        # The status is sent long since. Whoever reads on behind the last line is told when it can be had again.
        log.warning("results_interrupted", batch_id=str(view.id), error=str(error))

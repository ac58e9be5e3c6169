"""Batches as answers, and what OpenAPI tells of them."""

from collections.abc import Mapping

from marshmallow import Schema, fields

from app.schemas import links
from app.schemas.batch import told_text
from app.schemas.documents import ErrorBody, SubmissionAnswer, SubmissionSummary
from app.schemas.listing import summary_json
from app.schemas.response import Json, submission_json, time_json
from domain.batch_reading import BatchView, ItemView, Place
from domain.batch_results import Page
from domain.verdict import State, Verdict
from domain.views import SubmissionView

NOT_TOLD: Json = {
    "code": "refused",
    "message": "this was refused when the batch was sent, and told then; the same body with the same Idempotency-Key "
    "tells what is wrong with it again",
    "fields": [],
}
"""Why an item was refused is not kept: the words may quote a hidden test case."""


class BatchCounts(Schema):
    """Items by what became of the request for each."""

    items = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    refused = fields.Integer(required=True)


class BatchAnswer(Schema):
    """How far a batch is."""

    id = fields.UUID(required=True)
    links = fields.Dict(required=True)
    created_at = fields.DateTime(required=True)
    done = fields.Boolean(required=True, metadata={"description": "Whether everything that was accepted has ended."})
    counts = fields.Nested(BatchCounts, required=True)
    states = fields.Dict(required=True, metadata={"description": "How many executions are in each state."})
    verdicts = fields.Dict(
        required=True, metadata={"description": "How many of those that are done have each verdict."}
    )


def _status() -> fields.Integer:
    told = "What a request of its own would have been answered: 201 or 200 with `submission`, else with `error`."
    return fields.Integer(required=True, metadata={"enum": [200, 201, 409, 422, 429], "description": told})


class BatchItemAnswer(Schema):
    """An item as its sender is told of it at once; results stand behind `links`."""

    index = fields.Integer(required=True)
    status = _status()
    submission = fields.Nested(SubmissionSummary)
    error = fields.Nested(ErrorBody)


class NewBatchAnswer(BatchAnswer):
    """A batch as its sender is told of it, item by item in the order of the request."""

    items = fields.List(fields.Nested(BatchItemAnswer), required=True)


class BatchResultAnswer(Schema):
    """An item with its submission, whole."""

    index = fields.Integer(required=True)
    status = _status()
    submission = fields.Nested(SubmissionAnswer)
    error = fields.Nested(ErrorBody)


class BatchPageAnswer(Schema):
    """Items in the order of the request; a page ends early where its outputs come to 8 MiB."""

    items = fields.List(fields.Nested(BatchResultAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def batch_json(view: BatchView) -> Json:
    """Give how far a batch is."""
    return {
        "id": str(view.id),
        "links": links.batch(view.id),
        "created_at": time_json(view.created_at),
        "done": view.done,
        "counts": {"items": view.accepted + view.refused, "accepted": view.accepted, "refused": view.refused},
        "states": {state.value: view.states.get(state, 0) for state in State},
        "verdicts": {verdict.value: view.verdicts.get(verdict, 0) for verdict in Verdict},
    }


def item_json(item: ItemView, refused: Mapping[str, Json]) -> Json:
    """Give an item in short, and why it was refused where that is known, by its position as text."""
    own: Json = {"index": item.position, "status": item.status}
    if item.summary is not None:
        return own | {"submission": summary_json(item.summary)}
    return own | {"error": refused.get(str(item.position), NOT_TOLD)}


def result_json(place: Place, view: SubmissionView | None) -> Json:
    """Give an item with its submission, whole."""
    own: Json = {"index": place.position, "status": place.status}
    return own | ({"error": NOT_TOLD} if view is None else {"submission": submission_json(view)})


def page_json(page: Page) -> Json:
    """Give a page of items."""
    return {
        "items": [result_json(place, view) for place, view in page.results],
        "next_cursor": None if page.next_start is None else str(page.next_start),
    }


def line_json(place: Place, view: SubmissionView, told: set[int]) -> Json:
    """Give a line of the stream; `told` are the positions of all lines up to this one."""
    return {**result_json(place, view), "after": told_text(told)}

"""What became of a batch's items, whole: page by page, or as they end."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from domain import batch_reading, submissions
from domain.batch_reading import BatchView, Place
from domain.blobs import BlobStore
from domain.db import Database
from domain.endings import endings
from domain.events import Events
from domain.limits import MAX_SHOWN_TOGETHER_BYTES
from domain.views import SubmissionView

RESULT_BYTES = 1024
"""What a test result takes in an answer beside its outputs, about."""

Result = tuple[Place, SubmissionView | None]
Ended = tuple[Place, SubmissionView]


@dataclass(frozen=True)
class Page:
    """Items with their submissions (None: refused), and the position at which the next page begins."""

    results: Sequence[Result]
    next_start: int | None


def page(db: Database, blobs: BlobStore, batch_id: UUID, *, start: int, limit: int) -> Page:
    """Read items from a position on: up to `limit`, and no more than one answer should hold, but always one.

    Raises Unavailable, BlobMissing.
    """
    places = batch_reading.places(db, batch_id, start=start, limit=limit + 1)
    found: list[Result] = []
    size = 0
    for place, view in _read(db, blobs, places[:limit]):
        if found and size > MAX_SHOWN_TOGETHER_BYTES:
            return Page(found, place.position)
        found.append((place, view))
        size += _size(view) if view is not None else RESULT_BYTES
    return Page(found, places[limit].position if len(places) > limit else None)


def results(
    db: Database, blobs: BlobStore, events: Events, batch_id: UUID, *, told: AbstractSet[int], timeout_s: float
) -> Iterator[Ended]:
    """Give every item that has ended and whose position is not in `told`, and those that end within the time.

    It ends when all have ended, or the time is over. Raises Unavailable, BlobMissing.
    """
    by_execution = batch_reading.executions(db, batch_id)
    asked = {own_id: place for own_id, place in by_execution.items() if place.position not in told}
    for ended in endings(events, asked.keys(), partial(batch_reading.ended, db), timeout_s):
        places = sorted((asked[own_id] for own_id in ended), key=lambda place: place.position)
        for place, view in _read(db, blobs, places):
            if view is not None:
                yield place, view


def wait(db: Database, events: Events, view: BatchView, seconds: float) -> BatchView:
    """Wait until all of a batch has ended, or the time is over, and read it again. Raises NotFound, Unavailable."""
    executions = batch_reading.executions(db, view.id)
    for _ in endings(events, executions.keys(), partial(batch_reading.ended, db), seconds):
        pass
    return batch_reading.get(db, view.id, view.owner_id)


def _read(db: Database, blobs: BlobStore, places: Sequence[Place]) -> Iterator[Result]:
    """Read the submissions of items, a few at a time; items whose submissions are gone meanwhile are left out."""
    views = submissions.each(db, blobs, [place.submission_id for place in places if place.submission_id is not None])
    view = next(views, None)
    for place in places:
        if place.submission_id is None:
            yield place, None
        elif view is not None and view.id == place.submission_id:
            yield place, view
            view = next(views, None)


def _size(view: SubmissionView) -> int:
    execution = view.execution
    shown = [execution.compile_output, *(one for r in execution.results for one in (r.stdout, r.stderr))]
    return RESULT_BYTES * (1 + len(execution.results)) + sum(len(one.head) for one in shown if one is not None)

"""Events as `text/event-stream`, for browsers' EventSource and for everybody who can read lines."""

from collections.abc import Iterator

from flask import Response

from domain.backoff import spread
from domain.following import Following
from domain.live import Event

MIMETYPE = "text/event-stream"
RETRY_MS = 4000
"""So long a browser waits before it comes back, at the most: those of a process that ended must not come at once."""
HEADERS = {
    "Cache-Control": "no-store",
    # nginx would keep events until it had enough of them.
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


def answer(following: Following) -> Response:
    """Answer with all that is followed. Whoever was told everything before has nothing to come back for (204)."""
    if following.told_all:
        following.close()
        return Response(status=204)
    found = Response(_frames(following), mimetype=MIMETYPE, headers=HEADERS)
    found.call_on_close(following.close)
    return found


def _frames(following: Following) -> Iterator[bytes]:
    yield b"retry: %d\n\n" % spread(RETRY_MS, 0.75)
    for event in following.events():
        yield b": \n\n" if event is None else frame(event)


def frame(event: Event) -> bytes:
    """Write one event; its data is on one line."""
    head = "" if event.id is None else f"id: {event.id}\n"
    return f"{head}event: {event.name}\ndata: {event.data}\n\n".encode()

"""The stream process's side: answering what the API process gave, instead of any view."""

import socket

from flask import Response, request

from app.live import later, patience, sse, websocket
from app.live.taken import Later, Listen, Wait, taken
from app.wiring import wired
from domain import counted, live


def serve_taken() -> Response | None:
    """Answer a request that was taken over; None for all others, which the views answer."""
    found = taken()
    if found is None:
        return None
    match found.task:
        case Listen() as task:
            return _listen(task)
        case Wait() as task:
            return patience.finish(task)
        case Later() as task:
            return later.finish(task)


def _listen(task: Listen) -> Response:
    client: socket.socket = request.environ["gunicorn.socket"]
    streams = wired().backend.streams
    after = None if task.after is None else live.place(task.after)
    following = streams.follow(task.execution_id, after, lambda: _cut(client))
    answer = websocket.answer(following, client, task, streams) if task.websocket else sse.answer(following)
    way = "websocket" if task.websocket else "sse"
    counted.LISTENERS.change(1, way)
    answer.call_on_close(lambda: counted.LISTENERS.change(-1, way))
    return answer


def _cut(client: socket.socket) -> None:
    """End a connection under whoever is writing to it."""
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself

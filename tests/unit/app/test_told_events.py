"""Events as they are written, and what one process tells the other."""

import json
from uuid import UUID

import orjson
import pytest

from app.live import sse, websocket
from app.live.taken import Later, Listen, Taken, Task, Wait
from domain import live
from domain.rates import Window

OUTPUT = live.event("output", {"data": "a\n\nevent: done\u2028\r\n"}, (7, 1))


def test_an_event_is_written_for_those_who_read_lines() -> None:
    assert sse.frame(live.event("state", {"state": "queued"})) == b'event: state\ndata: {"state":"queued"}\n\n'
    assert sse.frame(OUTPUT).startswith(b"id: 7-1\nevent: output\ndata: {")


def test_nothing_that_a_program_writes_begins_another_event() -> None:
    frame = sse.frame(OUTPUT)

    assert frame.count(b"\n") == len(["id", "event", "data", "end"])
    assert b"\r" not in frame


def test_the_same_is_a_message() -> None:
    said = json.loads(websocket.text(OUTPUT))

    assert said == {"id": "7-1", "event": "output", "data": {"data": "a\n\nevent: done\u2028\r\n"}}
    assert json.loads(websocket.text(live.event("state", {})))["id"] is None


@pytest.mark.parametrize("owner", [UUID(int=3), None])
@pytest.mark.parametrize(
    "task",
    [
        Listen(UUID(int=1), "7-1", websocket=True, no_stdin="not now", subprotocol=True),
        Listen(UUID(int=1), None, websocket=False, no_stdin=None, subprotocol=False),
        Wait(UUID(int=1), UUID(int=2), 12.5, 201, "read", {"fields": {"execution": {"verdict": {}}}}),
        Later("batch", {"id": "x"}, 2.5),
    ],
)
def test_what_one_process_tells_the_other_arrives(task: Task, owner: UUID | None) -> None:
    windows = [Window(10, 60, 9, 60)]
    sent = Taken(task, owner, {"owner_id": "a"}, "abc", "00-1-2-01", windows, 1.25)
    message = orjson.loads(sent.message({"HTTP_HOST": "caf\xe9"}))

    assert Taken.read(message) == sent
    assert message["environ"] == {"HTTP_HOST": "caf\xe9"}

"""Streams that come in any pieces and break off anywhere, without a network."""

import json

import pytest

from client import ApiError, Event, NotFound, Policy, Unreachable
from client.flows import Failure, Reply
from client.streams import Events, Results

POLICY = Policy(attempts=3, chance=lambda: 0.0)
TEXT = (
    b': hello\n\nid: 1-0\nevent: state\ndata: {"state":\ndata:  "running"}\n\n'
    b'id: 2-0\r\nevent: output\r\ndata: {"data": "a\xe2\x80\xa8\xc2\x85b"}\r\n\r\n'
    b'id: 3-0\nevent: done\ndata: {"verdict": "OK"}\n\n'
)
EVENTS = [
    Event("1-0", "state", {"state": "running"}),
    Event("2-0", "output", {"data": "a\u2028\x85b"}),
    Event("3-0", "done", {"verdict": "OK"}),
]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_come_in_any_pieces(size: int) -> None:
    stream = Events("x", POLICY)
    found = [event for n in range(0, len(TEXT), size) for event in stream.feed(TEXT[n : n + size])]
    assert (found, stream.done) == (EVENTS, True)


@pytest.mark.parametrize("cut", range(0, len(TEXT), 5))
def test_events_go_on_where_they_broke_off(cut: int) -> None:
    stream = Events("x", POLICY)
    found = list(stream.feed(TEXT[:cut]))
    last = stream.call().headers.get("Last-Event-ID")
    assert last == (found[-1].id if found else None)
    stream.begin()
    rest = TEXT.index(f"id: {int(last[0]) + 1}-0".encode()) if last and last[0] < "3" else 0 if not last else len(TEXT)
    assert found + list(stream.feed(TEXT[rest:])) == EVENTS


def test_events_begin_after_one_that_is_known() -> None:
    assert Events("x", POLICY, after="9-9").call().headers["Last-Event-ID"] == "9-9"


def test_a_stream_that_brings_nothing_is_given_up() -> None:
    stream = Events("x", POLICY)
    assert [stream.pause_s(None), stream.pause_s(Failure(OSError("gone")))] == [0, 0]
    with pytest.raises(Unreachable, match="the stream ended"):
        stream.pause_s(None)


def test_what_comes_makes_up_for_failures() -> None:
    stream = Events("x", POLICY)
    for _ in range(5):
        stream.begin()
        list(stream.feed(b"id: 1-0\nevent: state\ndata: {}\n\n"))
        assert stream.pause_s(None) == 0


def test_a_stream_that_is_refused_says_why() -> None:
    with pytest.raises(NotFound):
        Events("x", POLICY).pause_s(Reply(404, {}, b"{}"))
    assert Events("x", POLICY).pause_s(Reply(503, {"retry-after": "2"}, b"")) == 2
    with pytest.raises(ApiError):
        Results("x", 1, POLICY).pause_s(Reply(500, {}, b""))


def test_results_come_until_all_are_told() -> None:
    stream = Results("b", 2, POLICY)
    items = [{"index": 1, "status": 201, "after": "AQ"}, {"index": 0, "status": 201, "after": "Aw"}]
    lines = [json.dumps(item).encode() + b"\n" for item in items]
    found = list(stream.feed(lines[0] + lines[1][:9]))
    assert (found, stream.done, stream.call().params) == (items[:1], False, {"after": "AQ"})
    assert stream.pause_s(None) == 0
    stream.begin()
    assert (list(stream.feed(lines[1])), stream.done) == (items[1:], True)


def test_nothing_is_asked_of_a_batch_without_results() -> None:
    assert Results("b", 0, POLICY).done

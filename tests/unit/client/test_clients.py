"""Both clients against a server that answers as told."""

from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest

import client
from client import (
    ApiError,
    AsyncClient,
    Client,
    InvalidRequest,
    NotFound,
    SubmissionRequest,
    TooManyRequests,
    Unreachable,
)
from standalone import ports
from tests.answering import IMPATIENT, Answer, Api

REQUEST: SubmissionRequest = {"language": "python", "source": client.code("print(1)")}
DONE: dict[str, Any] = {"id": "s1", "execution": {"state": "done", "verdict": "AC"}}
RUNNING: dict[str, Any] = {"id": "s1", "execution": {"state": "running", "verdict": None}}
PROBLEM = {"field": "language", "message": "unknown language 'cobol'", "hint": "use one of c, python"}
REFUSED = {"error": {"code": "invalid_request", "message": "language: unknown", "fields": [PROBLEM]}}
Do = Callable[..., Any]


def blocking(api: Api, name: str, *args: object, **kwargs: object) -> Any:
    """Call a method of the blocking client; what it iterates over comes as a list."""
    with Client(api.url, "key", policy=IMPATIENT) as one:
        found = getattr(one, name)(*args, **kwargs)
        return list(found) if name in STREAMS else found


def awaited(api: Api, name: str, *args: object, **kwargs: object) -> Any:
    """The same with the other one."""

    async def call() -> Any:
        async with AsyncClient(api.url, "key", policy=IMPATIENT) as one:
            found = getattr(one, name)(*args, **kwargs)
            return [item async for item in found] if name in STREAMS else await found

    return anyio.run(call)


STREAMS = {"submissions", "events", "results"}


@pytest.fixture(params=[blocking, awaited])
def do(request: pytest.FixtureRequest, api: Api) -> Do:
    return partial(request.param, api)


def test_it_works(api: Api, do: Do) -> None:
    api.answers = [Answer(201, DONE)]
    assert do("submit", REQUEST, wait=30) == DONE
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/submissions?wait=30.000", REQUEST)
    assert (asked.headers["authorization"], asked.headers["content-type"]) == ("Bearer key", "application/json")


def test_a_submission_that_is_sent_again_is_the_same(api: Api, do: Do) -> None:
    busy = Answer(503, {}, {"Retry-After": "0"})
    api.answers = [busy, Answer(201, DONE, breaks=True), Answer(200, DONE), Answer(201, DONE)]
    assert do("submit", REQUEST) == DONE
    do("submit", REQUEST)
    keys = [asked.headers["idempotency-key"] for asked in api.asked]
    assert (len(set(keys[:3])), keys[3] in keys[:3]) == (1, False)


def test_a_key_of_the_callers_own_is_used(api: Api, do: Do) -> None:
    api.answers = [Answer(201, DONE)]
    do("submit", REQUEST, idempotency_key="mine")
    do("submit", {**REQUEST, "id": "00000000-0000-4000-8000-000000000000"})
    assert [asked.headers.get("idempotency-key") for asked in api.asked] == ["mine", None]


def test_what_is_wrong_is_listed(api: Api, do: Do) -> None:
    api.answers = [Answer(422, REFUSED)]
    with pytest.raises(InvalidRequest, match="use one of c, python") as caught:
        do("submit", REQUEST)
    assert (caught.value.code, caught.value.problems[0].field) == ("invalid_request", "language")
    assert len(api.asked) == 1


def test_it_gives_up_at_last(api: Api, do: Do) -> None:
    api.answers = [Answer(429, {}, {"Retry-After": "0"})]
    with pytest.raises(TooManyRequests):
        do("get", "s1")
    assert len(api.asked) == IMPATIENT.attempts


def test_nobody_there_is_said(do: Do, api: Api) -> None:
    api.url = f"http://127.0.0.1:{ports.choose(1)[0]}"
    with pytest.raises(Unreachable, match="no answer after 3 attempts"):
        do("languages")


def test_another_server_is_not_believed(api: Api, do: Do) -> None:
    api.answers = [Answer(200, b"<p>hello")]
    with pytest.raises(Unreachable, match="not this API"):
        do("get", "s1")


def test_a_redirect_is_not_followed_with_the_key(api: Api, do: Do) -> None:
    api.answers = [Answer(302, b"", {"Location": "http://127.0.0.1:1/"})]
    for name in ("get", "download", "events"):
        with pytest.raises(ApiError, match="HTTP 302"):
            do(name, "/s1")
    assert len(api.asked) == 3


def test_it_waits_until_the_end(api: Api, do: Do) -> None:
    api.answers = [Answer(200, RUNNING), Answer(200, RUNNING), Answer(200, DONE)]
    assert do("wait", "s1") == DONE
    assert [asked.path for asked in api.asked] == ["/v1/submissions/s1?wait=60.000"] * 3


def test_it_waits_no_longer_than_it_is_told(api: Api, do: Do) -> None:
    api.answers = [Answer(200, RUNNING)]
    assert do("wait", "s1", timeout=0) == RUNNING
    assert [asked.path for asked in api.asked] == ["/v1/submissions/s1"]


def test_it_cancels(api: Api, do: Do) -> None:
    api.answers = [Answer(200, DONE)]
    assert do("cancel", "s1") == DONE
    assert (api.asked[0].method, api.asked[0].path) == ("DELETE", "/v1/submissions/s1")


def test_it_cancels_a_batch(api: Api, do: Do) -> None:
    api.answers = [Answer(200, {"id": "b1", "done": True})]
    assert do("cancel_batch", "b1") == {"id": "b1", "done": True}
    assert (api.asked[0].method, api.asked[0].path) == ("DELETE", "/v1/batches/b1")


def test_a_list_is_read_to_its_end(api: Api, do: Do) -> None:
    pages = [{"submissions": [{"id": "2"}], "next_cursor": "c"}, {"submissions": [{"id": "1"}], "next_cursor": None}]
    api.answers = [Answer(200, page) for page in pages]
    assert [found["id"] for found in do("submissions", limit=1, language="python")] == ["2", "1"]
    assert [asked.path for asked in api.asked] == [
        "/v1/submissions?limit=1&language=python",
        "/v1/submissions?limit=1&language=python&cursor=c",
    ]


def test_it_reads_languages_and_whole_values(api: Api, do: Do) -> None:
    api.answers = [Answer(200, {"languages": [{"name": "c"}]}), Answer(200, b"\xff\x00")]
    assert do("languages") == [{"name": "c"}]
    assert do("download", "/v1/submissions/s1/results/0/stdout") == b"\xff\x00"


def test_events_are_followed_over_broken_connections(api: Api, do: Do) -> None:
    first = b'id: 1-0\nevent: state\ndata: {"state": "running"}\n\nid: 2-0\nevent: out'
    rest = b'id: 2-0\nevent: output\ndata: {"data": "x"}\n\nid: 3-0\nevent: done\ndata: {"verdict": "OK"}\n\n'
    api.answers = [Answer(503, {}), Answer(200, first, breaks=True), Answer(200, b""), Answer(200, rest)]
    events = do("events", "s1")
    assert [(event.id, event.event) for event in events] == [("1-0", "state"), ("2-0", "output"), ("3-0", "done")]
    assert [asked.headers.get("last-event-id") for asked in api.asked] == [None, None, "1-0", "1-0"]


def test_events_after_the_last_are_none(api: Api, do: Do) -> None:
    api.answers = [Answer(204, b"")]
    assert do("events", "s1", after="9-0") == []
    assert len(api.asked) == 1


def test_events_of_nothing_are_an_error(api: Api, do: Do) -> None:
    api.answers = [Answer(404, {})]
    with pytest.raises(NotFound):
        do("events", "s1")


def line(index: int, after: str) -> bytes:
    return b'{"index": %d, "status": 201, "after": "%s", "submission": {"id": "s"}}\n' % (index, after.encode())


def test_a_batch_is_sent_and_its_results_are_gathered_in_order(api: Api, do: Do) -> None:
    items = [
        {"index": 0, "status": 201},
        {"index": 1, "status": 422, "error": {"code": "x"}},
        {"index": 2, "status": 201},
    ]
    batch = {"id": "b1", "done": False, "counts": {"items": 3, "accepted": 2, "refused": 1}, "items": items}
    api.answers = [
        Answer(201, batch, breaks=True),
        Answer(200, batch),
        Answer(200, batch),
        Answer(200, line(2, "BA"), breaks=True),
        Answer(200, line(0, "BQ")),
    ]
    told: list[int] = []
    found = do("run_batch", [REQUEST] * 3, progress=told.append)
    assert [item["index"] for item in found] == [0, 1, 2]
    assert ["error" in item for item in found] == [False, True, False]
    assert told == [1, 1, 1]
    posts = [asked for asked in api.asked if asked.method == "POST"]
    assert len(posts) == 2
    assert len({asked.headers["idempotency-key"] for asked in posts}) == 1
    assert [asked.path for asked in api.asked[2:]] == [
        "/v1/batches/b1",
        "/v1/batches/b1/results",
        "/v1/batches/b1/results?after=BA",
    ]


def test_more_than_a_batch_holds_is_sent_in_several(api: Api, do: Do) -> None:
    def refused(count: int) -> Answer:
        items = [{"index": n, "status": 422, "error": {}} for n in range(count)]
        return Answer(201, {"id": "b", "counts": {"accepted": 0}, "items": items})

    api.answers = [
        refused(1000),
        Answer(200, {"counts": {"accepted": 0}}),
        refused(2),
        Answer(200, {"counts": {"accepted": 0}}),
    ]
    found = do("run_batch", [REQUEST] * 1002)
    assert [item["index"] for item in found] == list(range(1002))

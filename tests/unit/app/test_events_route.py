"""What is asked of a request for events before its connection is given away; here nobody is there to take it."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.live import giving
from app.live.taken import Listen
from app.wiring import EXTENSION
from domain.keys import Key, Role
from domain.model import File, Submission
from domain.roles import Scope
from domain.views import SubmissionView

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

OPENING = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture
def view(backend: "MemoryBackend") -> SubmissionView:
    return backend.keep(Submission("python", (File("main.py", b""),), "main.py", ()))


@pytest.fixture
def path(view: SubmissionView) -> str:
    return f"/v1/submissions/{view.id}/events"


def status(api: "Api", path: str, headers: Mapping[str, str] = OPENING, **more: str) -> int:
    """Ask, over HTTP/1.1 as gunicorn says it."""
    sent = {"Authorization": f"Bearer {api.key}", **headers} if api.key else dict(headers)
    with api.http.get(path, headers=sent, environ_overrides={"SERVER_PROTOCOL": "HTTP/1.1", **more}) as answer:
        return answer.status_code


def test_where_nobody_serves_streams_it_says_when_to_come_back(api: "Api", path: str) -> None:
    answer = api.get(path)

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "2"


def test_a_head_alone_is_answered_here(api: "Api", path: str) -> None:
    with api.http.head(path, headers={"Authorization": "Bearer service"}) as answer:
        assert answer.status_code == 200
        assert answer.mimetype == "text/event-stream"


def test_others_see_nothing(api: "Api", path: str) -> None:
    api.key = "person"
    assert api.get(path).status == 404
    assert api.get(f"/v1/submissions/{uuid.uuid4()}/events").status == 404
    api.key = None
    assert api.get(path).status == 401


def test_an_administrator_sees_it(api: "Api", path: str) -> None:
    api.key = "admin"
    assert api.get(path).status == 503


@pytest.mark.parametrize("last", ["1", "x", "1-1-1", "-1", "1" * 20 + "-0"])
def test_what_is_no_event_is_not_gone_on_after(api: "Api", path: str, last: str) -> None:
    assert set(api.get(path, Last_Event_ID=last).fields) == {"Last-Event-ID"}
    assert set(api.get(f"{path}?last_event_id={last}").fields) == {"last_event_id"}
    assert api.get(path, Last_Event_ID="1-0").status == 503
    assert api.get(f"{path}?last_event_id=1-0").status == 503
    assert api.get(f"{path}?key=secret").status == 422


READ, WRITE = Scope.SUBMISSIONS_READ, Scope.SUBMISSIONS_WRITE


@pytest.mark.parametrize(
    ("key", "may_type"),
    [
        (Key(uuid.UUID(int=2), "its own", Role.SERVICE), True),
        (Key(uuid.UUID(int=2), "its own, to read", Role.SERVICE, scopes=frozenset({READ})), False),
        (Key(uuid.UUID(int=9), "an operator, who reads everybody's", Role.OPERATOR), False),
        (Key(uuid.UUID(int=9), "an administrator", Role.ADMIN), True),
        (Key(uuid.UUID(int=9), "an administrator, to read", Role.ADMIN, scopes=frozenset({READ})), False),
        (Key(uuid.UUID(int=9), "an administrator, for both", Role.ADMIN, scopes=frozenset({READ, WRITE})), True),
    ],
)
def test_who_may_only_read_does_not_type(
    api: "Api", backend: "MemoryBackend", path: str, key: Key, may_type: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []
    monkeypatch.setattr(giving, "give", given.append)
    backend.keys["one"], api.key = key, "one"

    assert status(api, path) == 503

    (task,) = given
    assert isinstance(task, Listen)
    assert (task.no_stdin is None) == may_type


def test_a_websocket_is_opened_like_any(api: "Api", path: str) -> None:
    assert status(api, path) == 503


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"Connection": "keep-alive"}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": ""}, 400),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "javascript://localhost"}, 403),
        ({"Origin": "http://localhost"}, 503),
        ({"Origin": "https://localhost"}, 503),
    ],
)
def test_an_opening_that_is_none_is_refused(api: "Api", path: str, changed: dict[str, str], expected: int) -> None:
    assert status(api, path, OPENING | changed) == expected


def test_only_the_version_that_is_spoken_is_named(api: "Api", path: str) -> None:
    headers = {**OPENING, "Authorization": "Bearer service", "Sec-WebSocket-Version": "7"}
    with api.http.get(path, headers=headers, environ_overrides={"SERVER_PROTOCOL": "HTTP/1.1"}) as answer:
        assert answer.headers["Sec-WebSocket-Version"] == "13"
        assert answer.get_json()["error"]["code"] == "upgrade_required"


def test_an_old_protocol_is_not_upgraded(api: "Api", path: str) -> None:
    assert status(api, path, SERVER_PROTOCOL="HTTP/1.0") == 400


def test_a_body_is_refused(api: "Api", path: str) -> None:
    headers = {"Authorization": "Bearer service"}
    for body in ({"data": b"GET / HTTP/1.1\r\n\r\n"}, {"headers": {**headers, "Transfer-Encoding": "chunked"}}):
        with api.http.get(path, **{"headers": headers, **body}) as answer:
            assert answer.status_code == 400


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ("shipd, bearer.service", 503),
        ("bearer.service", 503),
        ("shipd", 401),
        ("shipd, bearer.nobody", 401),
        ("bearer.service, bearer.admin", 401),
        ("bearer.", 401),
        ("", 401),
    ],
)
def test_browsers_offer_their_key_as_a_subprotocol(api: "Api", path: str, offered: str, expected: int) -> None:
    api.key = None

    assert status(api, path, OPENING | {"Sec-WebSocket-Protocol": offered}) == expected


def test_a_key_among_subprotocols_opens_nothing_but_websockets(api: "Api", path: str) -> None:
    api.key = None
    headers = {"Sec-WebSocket-Protocol": "shipd, bearer.service"}

    assert status(api, path, headers) == 401


def test_no_header_is_taken_for_what_the_api_process_says(api: "Api", path: str) -> None:
    api.key = None
    forged = {"shipd.taken": "{}", "Shipd-Taken": "{}", "X-Shipd-Taken": "{}"}

    assert status(api, path, forged) == 401


def test_a_wait_without_a_stream_process_is_held_here(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(Submission("python", (File("main.py", b""),), "main.py", ()))
    backend.views[view.id] = replace(view)

    assert api.get(f"/v1/submissions/{view.id}?wait=30").status == 200
    assert backend.waits == [30]


def test_pages_of_origins_that_are_allowed_open_websockets(api: "Api", path: str) -> None:
    here = api.http.application.extensions[EXTENSION]
    settings = replace(here.settings, cors_origins=("https://code.example.org",))
    api.http.application.extensions[EXTENSION] = replace(here, settings=settings)

    assert status(api, path, OPENING | {"Origin": "https://code.example.org"}) == 503
    assert status(api, path, OPENING | {"Origin": "https://code.example.org.evil.example"}) == 403


@pytest.mark.parametrize(
    "offered", ["shipd, bearer.service, bearer.service", "shipd, bearer.", "shipd, bearer.service"]
)
def test_of_several_keys_none_counts(api: "Api", path: str, offered: str) -> None:
    protocols = {"Sec-WebSocket-Protocol": offered}
    assert status(api, path, OPENING | protocols) == 401
    api.key = None
    assert status(api, path, OPENING | protocols) == (503 if offered.endswith("d, bearer.service") else 401)

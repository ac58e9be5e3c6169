"""What stands around answers: ids and traces, what browsers may do with them, and pages of other origins."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from app.wiring import EXTENSION
from domain import tracing
from domain.settings import Settings

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PAGE = "https://code.example.org"
IDENTITY = "00000000-0000-0000-0000-000000000000"
EVERYWHERE = pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/docs", 200),
        ("/openapi.json", 200),
        ("/livez", 200),
        ("/v1/languages", 200),
        ("/v1/submissions?limit=0", 422),
        (f"/v1/submissions/{IDENTITY}", 404),
        ("/nowhere", 404),
    ],
)


@pytest.fixture
def shared(application: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A deployment with a page of another origin, behind TLS."""
    wiring = application.extensions[EXTENSION]
    changed = replace(settings, cors_origins=(PAGE, "http://localhost:3000"), hsts_s=3600)
    monkeypatch.setitem(application.extensions, EXTENSION, replace(wiring, settings=changed))
    return iter(())


def headers(api: "Api", path: str, method: str = "GET", **sent: str) -> tuple[int, dict[str, str]]:
    with api.http.open(path, method=method, headers=api._headers(sent)) as response:
        return response.status_code, dict(response.headers)


@EVERYWHERE
def test_every_answer_is_guarded(api: "Api", path: str, status: int) -> None:
    found, answered = headers(api, path)

    assert found == status
    assert answered["X-Content-Type-Options"] == "nosniff"
    assert answered["Referrer-Policy"] == "no-referrer"
    assert answered["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answered["Content-Security-Policy"]
    assert ("script-src" in answered["Content-Security-Policy"]) is (path == "/docs")
    assert "Strict-Transport-Security" not in answered
    assert "Access-Control-Allow-Origin" not in answered


@EVERYWHERE
def test_every_answer_has_an_id_and_a_trace(api: "Api", path: str, status: int) -> None:
    _, answered = headers(api, path, X_Request_ID="my-id_1.2", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")

    assert answered["X-Request-ID"] == "my-id_1.2"
    assert answered["traceparent"].startswith(f"00-{TRACE}-")
    assert answered["traceparent"].endswith("-01")
    assert "00f067aa0ba902b7" not in answered["traceparent"]


KEY = "shipd_abcdefabcdef_" + "0" * 32


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "é", "a,b", "<script>", "a\tb", KEY])
def test_an_id_that_is_none_is_made(api: "Api", sent: str) -> None:
    _, answered = headers(api, "/livez", X_Request_ID=sent)

    assert len(answered["X-Request-ID"]) == 32


def test_errors_and_log_lines_bear_them(api: "Api", backend: "MemoryBackend", caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        answer = api.get("/nowhere", X_Request_ID="mine", traceparent=f"00-{TRACE}-00f067aa0ba902b7-00")

    assert answer.body["request_id"] == "mine"
    (record,) = [record for record in caplog.records if record.name == "app.access_log"]
    assert "'request_id': 'mine'" in str(record.msg)
    assert f"'trace_id': '{TRACE}'" in str(record.msg)


def test_nothing_of_one_request_is_in_the_next(api: "Api") -> None:
    _, first = headers(api, "/livez", X_Request_ID="mine", traceparent=f"00-{TRACE}-00f067aa0ba902b7-00")
    _, second = headers(api, "/livez")

    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert TRACE not in second["traceparent"]


def test_behind_tls_browsers_are_told_so(api: "Api", shared: None) -> None:
    assert headers(api, "/livez")[1]["Strict-Transport-Security"] == "max-age=3600; includeSubDomains"


def test_answers_are_not_kept_unless_it_is_said(api: "Api") -> None:
    assert headers(api, "/livez")[1]["Cache-Control"] == "no-store"
    assert headers(api, "/nowhere")[1]["Cache-Control"] == "no-store"
    assert headers(api, "/docs/assets/swagger-ui.css")[1]["Cache-Control"] == "public, max-age=86400"


def preflight(api: "Api", origin: str = PAGE, path: str = "/v1/submissions") -> tuple[int, dict[str, str]]:
    api.key = None
    return headers(api, path, "OPTIONS", Origin=origin, Access_Control_Request_Method="POST")


def test_a_preflight_is_answered_without_a_key(api: "Api", shared: None) -> None:
    status, answered = preflight(api)

    assert status == 204
    assert answered["Access-Control-Allow-Origin"] == PAGE
    assert answered["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS, POST"
    assert "Authorization" in answered["Access-Control-Allow-Headers"].split(", ")
    assert answered["Vary"] == "Origin"


def test_of_a_route_that_is_not_there_it_tells_nothing(api: "Api", shared: None) -> None:
    assert preflight(api, path="/nowhere")[0] == 404


def test_what_only_looks_like_a_preflight_needs_a_key(api: "Api", shared: None) -> None:
    api.key = None

    assert headers(api, "/v1/submissions", "OPTIONS", Origin=PAGE)[0] == 401
    assert headers(api, "/v1/submissions", "POST", Origin=PAGE, Access_Control_Request_Method="POST")[0] == 401
    assert headers(api, "/v1/submissions", "OPTIONS", Access_Control_Request_Method="POST")[0] == 401


def test_a_listed_page_may_read_answers_and_errors(api: "Api", shared: None) -> None:
    for path in ("/v1/languages", "/nowhere"):
        _, answered = headers(api, path, Origin=PAGE)
        assert answered["Access-Control-Allow-Origin"] == PAGE
        assert {"ETag", "Retry-After", "X-Request-ID"} <= set(answered["Access-Control-Expose-Headers"].split(", "))
        assert "Access-Control-Allow-Credentials" not in answered
        assert "Origin" in answered["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "*", "", f"{PAGE}/", f"{PAGE}:443", PAGE.upper(), PAGE.replace("https", "http")),
        *(f"{PAGE}.evil.org", "https://evil.org", "https://xcode.example.org", f"{PAGE} {PAGE}", f"{PAGE},{PAGE}"),
        "https://code-example.org",
    ],
)
def test_no_other_page_may(api: "Api", shared: None, origin: str) -> None:
    status, answered = headers(api, "/v1/languages", Origin=origin)
    assert (status, "Access-Control-Allow-Origin" in answered) == (200, False)
    assert "Origin" in answered["Vary"]

    status, answered = preflight(api, origin)
    assert (status, "Access-Control-Allow-Origin" in answered) == (401, False)


def test_where_none_is_listed_none_may(api: "Api") -> None:
    _, answered = headers(api, "/v1/languages", Origin=PAGE)
    assert "Access-Control-Allow-Origin" not in answered
    assert "Origin" not in answered.get("Vary", "")
    assert preflight(api)[0] == 401


def test_no_trace_is_left_in_the_thread(api: "Api") -> None:
    api.get("/livez", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    assert tracing.headers() == {}

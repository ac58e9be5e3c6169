from typing import TYPE_CHECKING

import pytest
from flask import Flask

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

PUBLIC = {"/livez", "/readyz", "/health", "/", "/docs", "/docs/assets/<name>", "/openapi.json"}


def test_it_works(api: "Api") -> None:
    assert api.get("/v1/languages").status == 200
    assert api.get("/v1/languages", Authorization="bEaReR service").status == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer nobody", "Basic service", "service", "Bearer é", "Bearer " + "x" * 300]
)
def test_it_refuses_other_headers(api: "Api", header: str) -> None:
    answer = api.get("/v1/languages", Authorization=header)

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    error = answer.body["error"]
    assert isinstance(error, dict)
    assert error["code"] == "unauthorized"
    assert "nobody" not in str(error)


def test_everything_needs_a_key_but_what_is_listed_here(application: Flask, api: "Api") -> None:
    api.key = None
    routes = {rule.rule: rule for rule in application.url_map.iter_rules()}
    identity = "00000000-0000-0000-0000-000000000000"

    for path, rule in routes.items():
        given = {"submission_id": identity, "ordinal": 0, "stream": "stdout", "path": "x", "name": "x", "prefix": "x"}
        given |= {"token": identity, "language_id": 71, "problem_id": "sum", "number": 1}
        given |= dict.fromkeys(("webhook_id", "delivery_id", "regrade_id", "batch_id"), identity)
        with application.test_request_context():
            _, url = rule.build(given, append_unknown=False) or ("", "")
        for method in rule.methods or set():
            response = api.http.open(url, method=method)
            with response:
                assert (response.status_code == 401) == (path not in PUBLIC), (method, path, response.status_code)


def test_a_key_is_asked_for_before_the_body_is_read(api: "Api") -> None:
    api.key = None

    assert api.send(b"{").status == 401


def test_a_key_in_a_url_is_refused_however_it_is_written(api: "Api") -> None:
    secret = "0" * 64
    for written in (f"shipd_{'a' * 12}_{secret}", f"shipd%5F{'a' * 12}%5f{secret}", f"%73hipd_{'a' * 12}_{secret}"):
        assert api.get(f"/v1/languages?key={written}").fields.keys() == {""}
        assert api.get(f"/v1/languages/{written}").fields.keys() == {""}


def test_it_does_not_ask_the_database_for_what_is_no_key(api: "Api", backend: "MemoryBackend") -> None:
    backend.keys["with space"] = backend.keys["service"]

    assert api.get("/v1/languages", Authorization="Bearer with space").status == 401

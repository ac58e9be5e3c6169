"""API keys over HTTP, on real rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from domain import keys
from domain.db import Database
from domain.settings import Settings
from tests.waiting import eventually


@dataclass
class Api:
    """Sends requests with a key."""

    http: FlaskClient
    key: str

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        with self.http.open(path, method=method, json=body, headers=headers) as response:
            return response.status_code, response.get_json()

    def make(self, **body: object) -> dict[str, Any]:
        status, made = self.ask("POST", "/v1/keys", {"name": "n"} | body)
        assert status == 201, made
        return dict(made)


@pytest.fixture
def api(database_url: str, redis_url: str, db: Database) -> Iterator[Api]:
    with create_app(Settings(database_url, redis_url, redis_url)).test_client() as http:
        yield Api(http, keys.create(db, name="admin", role="admin", network=True))


def test_it_works(api: Api) -> None:
    made = api.make(role="service", scopes=["submissions:read"], expires_at="2999-01-01T00:00:00+01:00")

    status, me = api.ask("GET", "/v1/me", key=made["key"])
    assert status == 200
    assert (me["role"], me["scopes"], me["prefix"]) == ("service", ["submissions:read"], made["prefix"])
    assert me["expires_at"] == made["expires_at"] == "2998-12-31T23:00:00.000Z"
    assert me["owner_id"] == made["owner_id"]


def test_a_key_is_shown_once(api: Api) -> None:
    made = api.make(role="service")

    _, listed = api.ask("GET", "/v1/keys")

    assert made["key"].split("_")[2] not in str(listed)
    assert listed["keys"][0]["prefix"] == made["prefix"]
    with api.http.post("/v1/keys", json={"name": "n"}, headers={"Authorization": f"Bearer {api.key}"}) as response:
        assert response.headers["Cache-Control"] == "no-store"


def test_a_rotated_key_sees_the_same_submissions(api: Api) -> None:
    made = api.make(role="service")
    body = {"language": "python", "source": {"type": "code", "content": "print(1)"}}
    _, sent = api.ask("POST", "/v1/submissions", body, key=made["key"])

    status, rotated = api.ask("POST", f"/v1/keys/{made['prefix']}/rotate", {"grace_s": 3600})

    assert (status, rotated["prefix"]) == (200, made["prefix"])
    for key in (made["key"], rotated["key"]):
        assert api.ask("GET", f"/v1/submissions/{sent['id']}", key=key)[0] == 200
    _, again = api.ask("POST", f"/v1/keys/{made['prefix']}/rotate", {})
    assert [api.ask("GET", "/v1/me", key=key)[0] for key in (made["key"], rotated["key"], again["key"])] == [
        401,
        401,
        200,
    ]


def test_a_second_key_of_an_owner_sees_the_same_submissions(api: Api) -> None:
    first = api.make(role="service")
    body = {"language": "python", "source": {"type": "code", "content": "print(1)"}}
    _, sent = api.ask("POST", "/v1/submissions", body, key=first["key"])

    second = api.make(role="submitter", owner_id=first["owner_id"])

    assert api.ask("GET", f"/v1/submissions/{sent['id']}", key=second["key"]) == (200, sent)


def test_a_revoked_key_ends_at_once(api: Api) -> None:
    made = api.make(role="service")

    status, ended = api.ask("DELETE", f"/v1/keys/{made['prefix']}")

    assert status == 200
    assert ended["revoked_at"]
    assert api.ask("GET", "/v1/me", key=made["key"])[0] == 401
    assert api.ask("DELETE", f"/v1/keys/{made['prefix']}") == (200, ended)
    assert api.ask("POST", f"/v1/keys/{made['prefix']}/rotate", {})[0] == 404


def test_its_last_use_is_shown(api: Api) -> None:
    made = api.make(role="service")
    assert made["last_used_at"] is None
    assert api.ask("GET", "/v1/me", key=made["key"])[0] == 200

    # A thread behind the request writes it.
    eventually(lambda: api.ask("GET", "/v1/keys?limit=1")[1]["keys"][0]["last_used_at"])


def test_whoever_may_makes_keys_for_themselves_and_sees_no_others(api: Api) -> None:
    maker = api.make(role="service", scopes=["keys:write", "keys:read", "submissions:read"])
    stranger = api.make(role="service")

    status, child = api.ask("POST", "/v1/keys", {"name": "child", "role": "service"}, key=maker["key"])

    assert (status, child["owner_id"]) == (201, maker["owner_id"])
    assert child["scopes"] == ["keys:read", "submissions:read"]
    _, listed = api.ask("GET", "/v1/keys", key=maker["key"])
    assert {entry["prefix"] for entry in listed["keys"]} == {maker["prefix"], child["prefix"]}
    for method, path, body in (("DELETE", "", None), ("POST", "/rotate", {})):
        assert api.ask(method, f"/v1/keys/{stranger['prefix']}{path}", body, key=maker["key"])[0] == 404
    status, refused = api.ask("POST", "/v1/keys", {"name": "n", "role": "admin", "network": True}, key=maker["key"])
    assert status == 422
    assert {entry["field"] for entry in refused["error"]["fields"]} == {"role", "network"}
    assert api.ask("POST", "/v1/keys", {"name": "n"}, key=stranger["key"])[0] == 403


WRONG: dict[str, dict[str, object]] = {
    "name": {"name": ""},
    "role": {"role": "king"},
    "scopes[0]": {"scopes": ["everything"]},
    "scopes": {"scopes": "submissions:read"},
    "expires_at": {"expires_at": "2020-01-01T00:00:00Z"},
    "network": {"network": "yes"},
    "static_check": {"static_check": "none"},
    "owner_id": {"owner_id": "me"},
    "secret": {"secret": "mine"},
}


def test_what_is_wrong_is_named(api: Api) -> None:
    for field, body in WRONG.items():
        status, answer = api.ask("POST", "/v1/keys", {"name": "n"} | body)

        assert (status, [entry["field"] for entry in answer["error"]["fields"]]) == (422, [field])


def test_an_end_is_a_moment_with_a_zone(api: Api) -> None:
    for moment in ("tomorrow", "2999-01-01", "2999-01-01T00:00:00", 1, None, "9999-12-31T23:59:59-23:59"):
        assert api.ask("POST", "/v1/keys", {"name": "n", "expires_at": moment})[0] == 422, moment


def test_a_grace_is_a_number_of_seconds(api: Api) -> None:
    made = api.make()

    for grace in (-1, 1.5, "60", 31 * 24 * 3600, True):
        assert api.ask("POST", f"/v1/keys/{made['prefix']}/rotate", {"grace_s": grace})[0] == 422, grace


def test_a_key_that_is_not_there_is_404(api: Api) -> None:
    for prefix in ("nobody", "%00", "0" * 12, "x" * 2000, "%F0%9F%98%80", "'"):
        assert api.ask("DELETE", f"/v1/keys/{prefix}")[0] == 404, prefix
        assert api.ask("POST", f"/v1/keys/{prefix}/rotate", {})[0] == 404, prefix


def test_an_owner_that_is_not_there_is_404(api: Api) -> None:
    assert api.ask("POST", "/v1/keys", {"name": "n", "owner_id": "00000000-0000-7000-8000-000000000000"})[0] == 404


def test_they_are_listed_page_by_page(api: Api) -> None:
    made = [api.make()["prefix"] for _ in range(3)]

    _, first = api.ask("GET", "/v1/keys?limit=2")
    _, second = api.ask("GET", f"/v1/keys?limit=2&cursor={first['next_cursor']}")

    assert [entry["prefix"] for entry in [*first["keys"], *second["keys"]]][:3] == made[::-1]

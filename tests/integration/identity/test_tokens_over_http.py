"""The API with tokens of a provider, by its settings file alone."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from domain import keys
from domain.db import Database
from domain.roles import Role, granted
from domain.settings import Settings

if TYPE_CHECKING:
    from tests.integration.identity.conftest import Provider

HELLO = {"language": "python", "source": {"type": "code", "content": "print(1)"}}


def ask(http: FlaskClient, token: str, method: str = "GET", path: str = "/v1/me", **more: Any) -> tuple[int, Any]:
    with http.open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **more) as response:
        return response.status_code, response.get_json()


def said(body: Mapping[str, Any]) -> str:
    assert set(body) == {"error", "request_id"}
    return str(body["error"]["message"])


def test_it_works(http: FlaskClient, provider: "Provider") -> None:
    status, me = ask(http, provider.token())

    assert status == 200
    assert (me["role"], me["issuer"], me["subject"], me["prefix"]) == ("submitter", provider.url, "alice", None)
    assert me["scopes"] == sorted(granted(Role.SUBMITTER, None))
    assert me["expires_at"]


def test_a_new_token_sees_what_an_old_one_sent_and_nobody_else_does(
    http: FlaskClient, provider: "Provider", db: Database
) -> None:
    status, sent = ask(http, provider.token(), "POST", "/v1/submissions", json=HELLO)
    path = f"/v1/submissions/{sent['id']}"

    assert status == 201
    assert ask(http, provider.token(jti="later"), path=path) == (200, sent)
    assert ask(http, provider.token(sub="bob"), path=path)[0] == 404
    assert ask(http, keys.create(db, name="n", role="service"), path=path)[0] == 404
    staff = provider.token(sub="carol", realm_access={"roles": ["staff"]})
    assert ask(http, staff, path=path)[0] == 200
    assert ask(http, staff, "POST", "/v1/keys", json={"name": "n"})[0] == 403


def test_only_a_service_names_a_user(http: FlaskClient, provider: "Provider") -> None:
    body = HELLO | {"user_id": "pupil 7"}

    status, answer = ask(http, provider.token(), "POST", "/v1/submissions", json=body)
    assert (status, answer["error"]["fields"][0]["field"]) == (422, "user_id")
    service = provider.token(realm_access={"roles": ["graders"]})
    status, answer = ask(http, service, "POST", "/v1/submissions", json=body)
    assert (status, answer["user_id"]) == (201, "pupil 7")


def test_what_is_wrong_with_a_token_is_said_in_the_shape_of_all_errors(http: FlaskClient, provider: "Provider") -> None:
    text = provider.token(exp=1)
    with http.get("/v1/me", headers={"Authorization": f"Bearer {text}"}) as response:
        assert response.status_code == 401
        assert "error=invalid_token" in response.headers["WWW-Authenticate"]
        assert response.json is not None
        assert "has expired: get a new one" in said(response.json)
        assert response.json["error"]["code"] == "unauthorized"
        assert text not in response.get_data(as_text=True)


def test_a_huge_token_is_refused_before_anything_is_read(http: FlaskClient, provider: "Provider") -> None:
    header, claims, signature = provider.token().split(".")

    for length in (9_000, 200_000):
        assert ask(http, f"{header}.{claims}{'A' * length}.{signature}")[0] == 401


def test_a_token_with_other_characters_is_refused(http: FlaskClient, provider: "Provider") -> None:
    text = provider.token()

    for character in ("\0", "%00", " ", ",", "é", "=.", "\t"):
        for changed in (f"{text}{character}x", f"{character}{text}", text.replace(".", f"{character}.", 1)):
            environ = {"HTTP_AUTHORIZATION": f"Bearer {changed}"}
            with http.get("/v1/me", environ_overrides=environ) as response:
                assert response.status_code == 401


def test_several_tokens_are_none(http: FlaskClient, provider: "Provider", db: Database) -> None:
    key, token = keys.create(db, name="n", role="admin"), provider.token()

    for joined in (
        f"Bearer {key},Bearer {token}",
        f"Bearer {key}, Bearer {key}",
        f"Bearer {token},{token}",
        f"Bearer {key} x",
    ):
        with http.get("/v1/me", environ_overrides={"HTTP_AUTHORIZATION": joined}) as response:
            assert response.status_code == 401
            assert response.json is not None
            assert "exactly one" in said(response.json)


def test_keys_and_tokens_in_urls_are_refused(http: FlaskClient, provider: "Provider", db: Database) -> None:
    key = keys.create(db, name="n", role="admin")
    for where in ("/v1/me?access_token={}", "/v1/keys/{}", "/livez?x={}", "/nowhere/{}", "/v1/me?{}=1"):
        for secret in (key, provider.token()):
            with http.get(where.format(secret), headers={"Authorization": f"Bearer {key}"}) as response:
                assert response.status_code == 422
                assert response.json is not None
                assert "no place in a URL" in said(response.json)
                assert secret not in response.get_data(as_text=True)


def test_nothing_that_is_logged_bears_a_key_or_a_token(
    http: FlaskClient, provider: "Provider", db: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    key, token = keys.create(db, name="n", role="admin"), provider.token()
    long = f"{'x' * 150}/{key}"  # which the log cuts
    others = (provider.token(exp=1), token[:-30], key[:-1], key[:-1] + "0", "shipd_" + "0" * 12 + "_" + "1" * 64, long)
    capfd.readouterr()

    with create_app(_settings_of(http)).test_client() as client:  # whose log goes to the stderr that is looked at
        for secret in (key, token, *others):
            ask(client, secret)
            ask(client, secret, path=f"/v1/keys/{secret}")
            ask(client, secret, path=f"/nowhere/{secret}?x={secret}")
        made = ask(client, key, "POST", "/v1/keys", json={"name": "n", "role": "admin"})[1]["key"]

    logged = capfd.readouterr().err
    assert logged.count('"event":"request"') == 25
    for secret in (key, made, *others[2:]):
        assert secret.split("_")[2][:16] not in logged
    for secret in (token, *others[:2]):
        assert not any(part in logged for part in secret.split("."))
    assert "owner_id" in logged


def _settings_of(http: FlaskClient) -> Settings:
    found = http.application.extensions["shipd"].settings
    assert isinstance(found, Settings)
    return found


def test_without_a_provider_ever_it_is_503_with_when_to_try_again(
    database_url: str, redis_url: str, own_provider: "Provider", tmp_path: Path
) -> None:
    file = tmp_path / "oidc.toml"
    file.write_text(f'[[issuer]]\nurl = "{own_provider.url}"\naudience = "https://shipd.example/api"\n')
    text = own_provider.token()
    own_provider.stop()
    settings = Settings(database_url, redis_url, redis_url, blob_dir=tmp_path / "blobs", oidc_file=file)

    with (
        create_app(settings).test_client() as http,
        http.get("/v1/me", headers={"Authorization": f"Bearer {text}"}) as response,
    ):
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert own_provider.url not in response.get_data(as_text=True)


def test_where_no_provider_is_trusted_no_token_is(database_url: str, redis_url: str, provider: "Provider") -> None:
    with create_app(Settings(database_url, redis_url, redis_url)).test_client() as http:
        status, body = ask(http, provider.token())

    assert status == 401
    assert "not trusted here" in said(body)


def test_a_token_whose_issuer_is_a_key_of_ours_leads_nowhere(http: FlaskClient) -> None:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "none"}, {})
    ]

    assert ask(http, ".".join([*parts, "shipd_"]))[0] == 401

"""Packages over HTTP: in as a zip, out as one."""

import io
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.wiring import EXTENSION
from domain.packages import archive
from tests.unit.app.conftest import MemoryBackend
from tests.unit.domain.packages.trees import HELLO, VALIDATOR, Files, zipped

PATH = "/v1/problems/hello/package"
ZIP = "application/zip"


@pytest.fixture
def client(application: Flask) -> FlaskClient:
    return application.test_client()


@pytest.fixture(autouse=True)
def room(backend: MemoryBackend, tmp_path: Path) -> None:
    backend.packages.folder = tmp_path


def put(
    client: FlaskClient, files: Files = HELLO, path: str = PATH, key: str = "admin", kind: str = ZIP
) -> TestResponse:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
    return client.put(path, data=zipped(files).getvalue(), headers=headers)


def test_a_package_becomes_a_problem(client: FlaskClient) -> None:
    answer = put(client)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/v1/problems/hello"
    assert answer.headers["ETag"]
    said = answer.get_json()
    assert (said["id"], said["title"], said["version"], said["state"]) == ("hello", "Hello", 1, "ready")
    assert said["time_limit"] == {"timeout_ms": 10_000, "stated": False}
    assert (said["test_cases"], said["examples"]) == (2, 1)
    assert {finding["stage"] for finding in said["report"]} == {"import"}


def test_one_with_programs_is_checked_first(client: FlaskClient) -> None:
    answer = put(client, {**HELLO, "input_validators/v.py": VALIDATOR})
    assert answer.get_json()["state"] == "checking"


def test_a_time_limit_may_come_with_it(client: FlaskClient) -> None:
    answer = put(client, path=f"{PATH}?timeout_ms=1500")
    assert answer.get_json()["time_limit"] == {"timeout_ms": 1500, "stated": True}


@pytest.mark.parametrize("value", ["0", "-1", "x", "1e3", "99999999999", ""])
def test_a_time_limit_that_is_none_is_refused(client: FlaskClient, value: str) -> None:
    answer = put(client, path=f"{PATH}?timeout_ms={value}")
    assert (answer.status_code, answer.get_json()["error"]["fields"][0]["field"]) == (422, "timeout_ms")


def test_what_is_wrong_is_said_with_its_path(client: FlaskClient) -> None:
    answer = put(client, {**HELLO, "problem.yaml": "validation: custom"})
    assert answer.status_code == 422
    (field,) = answer.get_json()["error"]["fields"]
    assert field["field"] == "package/output_validators"
    assert "validation: default" in field["hint"]


def test_what_is_no_zip_is_refused(client: FlaskClient) -> None:
    headers = {"Authorization": "Bearer admin", "Content-Type": ZIP}
    answer = client.put(PATH, data=b"hello", headers=headers)
    assert (answer.status_code, answer.get_json()["error"]["fields"][0]["field"]) == (422, "package")


def test_another_content_type_is_refused(client: FlaskClient) -> None:
    assert put(client, kind="application/json").status_code == 415


@pytest.fixture
def small(application: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that takes packages of 1 MiB."""
    wiring = application.extensions[EXTENSION]
    settings = replace(wiring.settings, max_package_mb=1)
    monkeypatch.setitem(application.extensions, EXTENSION, replace(wiring, settings=settings))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("chunked", [False, True])
def test_more_than_the_setting_is_refused_however_it_is_sent(client: FlaskClient, chunked: bool) -> None:
    headers = {"Authorization": "Bearer admin", "Content-Type": ZIP}
    data = bytes(1024 * 1024 + 1)
    if chunked:
        environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
        answer = client.put(PATH, input_stream=io.BytesIO(data), headers=headers, environ_overrides=environ)
    else:
        answer = client.put(PATH, data=data, headers=headers)
    assert answer.status_code == 413
    assert str(1024 * 1024) in answer.get_json()["error"]["message"]


def test_it_may_be_larger_than_any_other_body(client: FlaskClient) -> None:
    large = {**HELLO, "attachments/large": bytes(2_000_000), "attachments/random": uuid.uuid4().bytes}
    client.application.config["MAX_CONTENT_LENGTH"] = 1000
    assert put(client, large).status_code == 201


@pytest.mark.parametrize("name", ["-x", "Hello", "a.b", "x" * 200])
def test_a_name_that_is_none_has_no_package(client: FlaskClient, name: str) -> None:
    assert put(client, path=f"/v1/problems/{name}/package").status_code == 404


def test_people_who_submit_bring_no_problems(client: FlaskClient) -> None:
    assert put(client, key="person").status_code == 403


def test_it_comes_back_as_a_package_and_that_is_on_record(client: FlaskClient, backend: MemoryBackend) -> None:
    put(client)
    answer = client.get(PATH, headers={"Authorization": "Bearer admin"})
    assert (answer.status_code, answer.mimetype) == (200, ZIP)
    with archive.opened(io.BytesIO(answer.data)) as tree:
        assert tree.read("data/secret/2.in") == b"2\n"
    assert [read[1:] for read in backend.packages.reads] == [("hello", 1)]
    headers = {"Authorization": "Bearer admin", "If-None-Match": answer.headers["ETag"]}
    assert client.get(PATH, headers=headers).status_code == 304


def test_secret_data_of_others_is_not_there(client: FlaskClient) -> None:
    put(client, key="service")
    assert client.get(PATH, headers={"Authorization": "Bearer person"}).status_code == 404
    assert client.get(PATH, headers={"Authorization": "Bearer service"}).status_code == 200
    assert client.get("/v1/problems/other/package", headers={"Authorization": "Bearer admin"}).status_code == 404

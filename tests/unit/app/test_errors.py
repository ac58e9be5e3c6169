from typing import TYPE_CHECKING

import pytest
from flask import Flask

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend


@pytest.mark.parametrize(
    "path", ["/nope", "/v1", "/v2/submissions", "/v1/submissions/", "/docs/assets/../app", "/%00", "/é"]
)
def test_an_unknown_path_is_404(api: "Api", path: str) -> None:
    api.key = None

    answer = api.get(path)

    assert (answer.status, answer.fields) == (404, {})


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/v1/submissions"), ("POST", "/livez"), ("TRACE", "/execute")])
def test_an_unknown_method_is_405(api: "Api", method: str, path: str) -> None:
    with api.http.open(path, method=method) as response:
        assert response.status_code == 405
        assert response.headers["Allow"]
        assert response.json is not None
        assert response.json["error"]["code"] == "method_not_allowed"


def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    api: "Api", backend: "MemoryBackend", application: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.failure = RuntimeError("the secret of row 7")
    assert not application.testing

    answer = api.submit()

    assert answer.status == 500
    assert answer.body["error"] == {
        "code": "internal",
        "message": "this is a fault of ours; it was logged, try again or tell the operator",
        "fields": [],
    }


def test_requests_are_logged_without_bodies_and_keys(api: "Api", caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        api.submit(source={"type": "code", "content": "print('s3cr3t')"}, user_id="s3cr3t")

    (record,) = [record for record in caplog.records if record.name == "app.access_log"]
    logged = str(record.msg)
    assert "'route': '/v1/submissions'" in logged
    assert "'status': 201" in logged
    assert "s3cr3t" not in logged
    assert "Bearer" not in logged

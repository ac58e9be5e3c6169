"""The document tells the truth: answers match it, and the page needs nothing from elsewhere."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from app import create_app
from domain.limits import Range, Ranges
from domain.model import (
    Artifact,
    ExecutionTelemetry,
    File,
    RunTelemetry,
    Submission,
    TestCase,
    TestResult,
    Usage,
)
from domain.scoring import GroupScore
from domain.settings import Settings
from domain.verdict import State, Verdict
from tests.shown import shown, shown_result

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

Json = dict[str, object]


@pytest.fixture
def document(api: "Api") -> Json:
    api.key = None
    found = api.get("/openapi.json").body
    api.key = "service"
    return found


def check(document: Json, schema: str, body: object) -> None:
    root = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    jsonschema_rs.validator_for(root).validate(body)


def test_it_lists_every_route(document: Json) -> None:
    paths = document["paths"]
    assert isinstance(paths, dict)
    assert set(paths) == {
        "/",
        "/compat/judge0/about",
        "/compat/judge0/config_info",
        "/compat/judge0/languages",
        "/compat/judge0/languages/all",
        "/compat/judge0/languages/{language_id}",
        "/compat/judge0/statuses",
        "/compat/judge0/submissions",
        "/compat/judge0/submissions/batch",
        "/compat/judge0/submissions/{token}",
        "/compat/judge0/system_info",
        "/compat/piston/api/v2/execute",
        "/compat/piston/api/v2/packages",
        "/compat/piston/api/v2/runtimes",
        "/execute",
        "/health",
        "/livez",
        "/readyz",
        "/v1/batches",
        "/v1/batches/{batch_id}",
        "/v1/batches/{batch_id}/items",
        "/v1/batches/{batch_id}/results",
        "/v1/hosts",
        "/v1/keys",
        "/v1/keys/{prefix}",
        "/v1/keys/{prefix}/rotate",
        "/v1/languages",
        "/v1/me",
        "/v1/problems/{problem_id}/package",
        "/v1/regrades",
        "/v1/regrades/{regrade_id}",
        "/v1/regrades/{regrade_id}/apply",
        "/v1/regrades/{regrade_id}/discard",
        "/v1/regrades/{regrade_id}/items",
        "/v1/regrades/{regrade_id}/pause",
        "/v1/regrades/{regrade_id}/resume",
        "/v1/problems",
        "/v1/problems/{problem_id}",
        "/v1/problems/{problem_id}/attachments/{path}",
        "/v1/problems/{problem_id}/samples",
        "/v1/problems/{problem_id}/statement",
        "/v1/problems/{problem_id}/versions",
        "/v1/problems/{problem_id}/versions/{number}",
        "/v1/submissions",
        "/v1/submissions/{submission_id}",
        "/v1/submissions/{submission_id}/artifacts/{ordinal}/{path}",
        "/v1/submissions/{submission_id}/compile_output",
        "/v1/submissions/{submission_id}/deliveries",
        "/v1/submissions/{submission_id}/judge-messages",
        "/v1/submissions/{submission_id}/events",
        "/v1/submissions/{submission_id}/executions",
        "/v1/submissions/{submission_id}/results/{ordinal}/{stream}",
        "/v1/usage",
        "/v1/deliveries/{delivery_id}",
        "/v1/deliveries/{delivery_id}/redeliver",
        "/v1/webhooks",
        "/v1/webhooks/{webhook_id}",
        "/v1/webhooks/{webhook_id}/deliveries",
        "/v1/webhooks/{webhook_id}/ping",
        "/v1/webhooks/{webhook_id}/rotate",
    }
    assert document["openapi"] == "3.1.0"
    assert document["security"] == [{"bearer": []}]
    assert paths["/livez"]["get"]["security"] == []


def test_it_tells_of_403_wherever_somebody_must_be_known(document: Json) -> None:
    paths = document["paths"]
    assert isinstance(paths, dict)
    for path, operations in paths.items():
        for operation in (one for one in operations.values() if isinstance(one, dict) and "responses" in one):
            known = operation.get("security") != []
            assert ("403" in operation["responses"]) == ("401" in operation["responses"]) == known, path


def test_answers_match_it(api: "Api", backend: "MemoryBackend", document: Json) -> None:
    usage = Usage(1, 2, None, "sampled")
    cases = (TestCase(0, "1", points=1), TestCase(1, "2", is_hidden=True), TestCase(2, "3"))
    asked = Submission("c", (File("main.c", b""),), None, cases, metadata={"a": [1]})
    results = (
        TestResult(0, Verdict.AC, None, 0, None, b"x" * 70_000, b"\xff", usage, RunTelemetry(), 1, cached=True),
        TestResult(1, Verdict.RTE, "signal:9", None, 9, usage=usage),
        TestResult(2, None, "skipped"),
    )
    view = backend.keep(asked)
    check(document, "SubmissionAnswer", api.get(f"/v1/submissions/{view.id}").body)
    artifact = Artifact("x", 1, "00" * 32)
    done = replace(
        view.execution,
        state=State.DONE,
        verdict=Verdict.RTE,
        reason="signal:9",
        results=tuple(map(shown_result, (replace(results[0], artifacts=(artifact,)), *results[1:]))),
        telemetry=ExecutionTelemetry(),
        compile_output=shown(b""),
        finished_at=view.created_at,
        points=0.5,
        groups=(GroupScore("a", None, None, None, 1.5), GroupScore("b", "a", Verdict.AC, 1.0, 1.0)),
    )
    backend.views[view.id] = replace(view, execution=done)

    check(document, "SubmissionAnswer", api.get(f"/v1/submissions/{view.id}").body)
    check(document, "PageAnswer", api.get("/v1/submissions?limit=1").body)
    made = api.post("/v1/keys", {"name": "n", "scopes": ["submissions:read"]}, Authorization="Bearer admin").body
    check(document, "NewKeyAnswer", made)
    check(document, "KeyAnswer", {name: value for name, value in made.items() if name != "key"})
    check(document, "KeysAnswer", api.get("/v1/keys", Authorization="Bearer admin").body)
    check(document, "MeAnswer", api.get("/v1/me").body)
    check(document, "LanguagesAnswer", api.get("/v1/languages").body)
    check(document, "HealthAnswer", api.get("/readyz").body)
    check(document, "IndexAnswer", api.get("/").body)
    check(document, "ErrorAnswer", api.submit(language=3).body)


def operations(document: Json) -> Iterator[dict[str, Any]]:
    paths = document["paths"]
    assert isinstance(paths, dict)
    for methods in paths.values():
        yield from (operation for name, operation in methods.items() if name != "parameters")


def test_examples_match_it(document: Json) -> None:
    checked = 0
    for operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in [one for body in bodies for one in body.get("content", {}).values()]:
            if "example" in content and "$ref" in content["schema"]:
                check(document, content["schema"]["$ref"].rpartition("/")[2], content["example"])
                checked += 1
    assert checked > 20


def test_an_error_of_every_status_has_an_example(document: Json) -> None:
    for operation in operations(document):
        for status, response in operation["responses"].items():
            if not status.startswith("4") or "$ref" in response:
                continue
            content = response["content"]["application/json"]
            if content["schema"]["$ref"].endswith("/ErrorAnswer"):  # what Judge0 and Piston answer is theirs
                assert content["example"]["error"]["code"], (status, response)


def test_it_tells_of_every_parameter(document: Json) -> None:
    paths: Any = document["paths"]

    def names(path: str, method: str) -> set[str]:
        return {one["name"] for one in paths[path][method]["parameters"]}

    assert names("/v1/submissions", "post") == {"wait", "Idempotency-Key"}
    assert names("/v1/submissions/{submission_id}", "get") == {"wait", "fields", "reveal", "If-None-Match"}
    listed = {"limit", "cursor", "fields", "If-None-Match", "user_id", "problem_id", "language", "state", "verdict"}
    assert names("/v1/submissions", "get") == listed | {"created_from", "created_to"}
    [fields] = [one for one in paths["/v1/submissions"]["get"]["parameters"] if one["name"] == "fields"]
    assert (fields["style"], fields["explode"]) == ("form", False)
    assert "execution.verdict" in fields["schema"]["items"]["enum"]


def test_batches_match_it(api: "Api", document: Json) -> None:
    submission = {"language": "c", "source": {"type": "code", "content": ""}}
    body: Json = {"submissions": [submission, submission], "atomic": False}

    check(document, "BatchRequest", body)
    sent = api.post("/v1/batches", {"submissions": [submission, {"language": 3}]}).body
    check(document, "NewBatchAnswer", sent)
    check(document, "BatchAnswer", api.get(f"/v1/batches/{sent['id']}").body)
    check(document, "BatchPageAnswer", api.get(f"/v1/batches/{sent['id']}/items").body)
    wrongs: list[Json] = [{}, {"submissions": []}, {"submissions": [3]}, {"submissions": [submission], "atomic": 1}]
    for wrong in wrongs:
        with pytest.raises(jsonschema_rs.ValidationError):
            check(document, "BatchRequest", wrong)


def test_what_was_chosen_of_an_answer_matches_it(api: "Api", backend: "MemoryBackend", document: Json) -> None:
    view = backend.keep(Submission("c", (File("main.c", b""),), None, (TestCase(0, "1"),)))
    for fields in ("id", "execution.verdict,links.self", "execution"):
        body = api.get(f"/v1/submissions/{view.id}?fields={fields}").body
        check(document, "SubmissionSelection", body)
        with pytest.raises(jsonschema_rs.ValidationError):
            check(document, "SubmissionAnswer", body)
    check(document, "PageSelection", api.get("/v1/submissions?fields=execution.state").body)
    with pytest.raises(jsonschema_rs.ValidationError):
        check(document, "SubmissionSelection", {"execution": {"verdict": "PERHAPS"}})


def test_requests_match_it(api: "Api", document: Json) -> None:
    body: Json = {
        "language": "c",
        "source": {"type": "files", "files": [{"path": "main.c", "content": {"base64": ""}, "mode": "0644"}]},
        "test_cases": [
            {"input": "1", "expected_output": {"base64": "AA=="}},
            {"input": {"stdin": "1"}, "expected_output": {"stdout": "x", "exit_code": 1}, "is_hidden": True},
        ],
        "checker": {"type": "exact"},
        "constraints": {"timeout_ms": 100},
        "cache": "execution",
        "metadata": {},
    }

    check(document, "SubmissionRequest", body)
    assert api.post("/v1/submissions", body).status == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "c"},
        {"language": "c", "source": {"type": "code", "content": "x"}, "callback": {}},
        {"language": "c", "source": {"type": "code", "content": "x"}, "cache": "compile"},
        {"language": "c", "source": {"type": "git", "url": "x"}},
        {"language": "c", "source": {"type": "code", "content": "x"}, "constraints": {"memory_mb": 3}},
    ],
)
def test_what_is_refused_does_not_match_it(document: Json, wrong: Json) -> None:
    with pytest.raises(jsonschema_rs.ValidationError):
        check(document, "SubmissionRequest", wrong)


def test_the_page_fetches_nothing_from_elsewhere(api: "Api") -> None:
    with api.http.get("/docs") as page:
        html = page.get_data(as_text=True)
        assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert '"validatorUrl": null' in html
    for address in re.findall(r'(?:src|href)="([^"]+)"', html):
        assert address.startswith("/docs/assets/")
        with api.http.get(address) as asset:
            assert asset.status_code == 200
            assert asset.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["swagger-initializer.js", "..%2Fcore.py", "%2Fetc%2Fpasswd"])
def test_no_other_file_is_served(api: "Api", name: str) -> None:
    assert api.get(f"/docs/assets/{name}").status == 404


def test_it_tells_what_this_deployment_offers(settings: Settings, backend: "MemoryBackend") -> None:
    lowered = replace(settings, ranges=replace(Ranges(), memory_mb=Range(64, 4, 128)))
    with create_app(lowered, backend).test_client() as http, http.get("/openapi.json") as response:
        document = response.get_json()

    properties = document["components"]["schemas"]["ConstraintsPart"]["properties"]
    assert properties["memory_mb"] == {"type": "integer", "minimum": 4, "maximum": 128, "default": 64}
    assert "cpp@20" in document["components"]["schemas"]["SubmissionRequest"]["properties"]["language"]["enum"]

"""`/v1/problems`: what is taken, what is refused, and what is shown to whom."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from domain.keys import Key, Role
from domain.limits import Constraints
from tests.unit.app.conftest import SERVICE, MemoryBackend

SECRET = "what nobody may know"
PROBLEM: dict[str, Any] = {
    "id": "sum",
    "title": "Sum",
    "statement": "# Sum\n\nAdd *two* numbers.",
    "constraints": {"timeout_ms": 2000, "memory_mb": 128},
    "language_constraints": {"java": {"timeout_ms": 4000}},
    "languages": ["python", "java"],
    "attachments": [{"path": "starter/main.py", "content": {"base64": "AP8="}}],
    "test_cases": [
        {"name": "sample", "input": "1 2", "expected_output": "3", "is_hidden": False, "description": "easy"},
        {"input": SECRET, "expected_output": SECRET, "points": 2, "group": "all"},
    ],
}
AUTHOR = Key(SERVICE.id, "author", Role.AUTHOR)
Send = Callable[..., TestResponse]


@pytest.fixture
def send(application: Flask, backend: MemoryBackend) -> Send:
    backend.keys["author"] = AUTHOR
    client = application.test_client()

    def ask(method: str, path: str, key: str = "author", **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
        return client.open(path, method=method, headers=headers, **more)

    return ask


@pytest.fixture
def public(send: Send) -> None:
    assert send("POST", "/v1/problems", json=PROBLEM | {"visibility": "public"}).status_code == 201


def test_it_works(send: Send, backend: MemoryBackend) -> None:
    answer = send("POST", "/v1/problems", json=PROBLEM)

    assert answer.status_code == 201
    assert answer.headers["Location"] == "/v1/problems/sum"
    assert answer.get_json() == {
        "id": "sum",
        "links": {
            "self": "/v1/problems/sum",
            "versions": "/v1/problems/sum/versions",
            "statement": "/v1/problems/sum/statement",
            "samples": "/v1/problems/sum/samples",
        },
        "version": 1,
        "state": "ready",
    }
    kept = backend.problems.contents["sum"]
    assert kept.constraints == Constraints(timeout_ms=2000, memory_mb=128)
    assert [(case.name, case.is_hidden) for case in kept.test_cases] == [("sample", False), ("2", True)]


def test_a_program_is_to_be_checked_first(send: Send) -> None:
    checker = {"type": "program", "language": "python", "source": {"type": "code", "content": "print()"}}

    assert send("POST", "/v1/problems", json=PROBLEM | {"checker": checker}).get_json()["state"] == "checking"


def test_the_same_id_makes_another_version(send: Send) -> None:
    send("POST", "/v1/problems", json=PROBLEM)

    assert send("POST", "/v1/problems", json=PROBLEM).get_json()["version"] == 2
    assert send("POST", "/v1/problems", "admin", json=PROBLEM).get_json()["version"] == 3


def test_an_id_of_somebody_else_is_a_conflict(send: Send, backend: MemoryBackend) -> None:
    send("POST", "/v1/problems", "admin", json=PROBLEM)

    assert send("POST", "/v1/problems", json=PROBLEM).status_code == 409


def test_everybody_sees_a_public_one_without_its_secrets(send: Send, public: None) -> None:
    answer = send("GET", "/v1/problems/sum", "person")

    found = answer.get_json()
    assert (found["samples"], found["secret_cases"], found["points"]) == (1, 1, 2)
    assert found["version"]["number"] == 1
    assert "report" not in found["version"]
    assert found["statements"] == [{"language": "en", "title": "Sum", "url": "/v1/problems/sum/statement?language=en"}]
    assert SECRET not in answer.get_data(as_text=True)
    assert send("GET", "/v1/problems", "person").get_json()["problems"][0]["id"] == "sum"


def test_samples_are_shown_and_nothing_else(send: Send, public: None) -> None:
    answer = send("GET", "/v1/problems/sum/samples", "person")

    sample = {"name": "sample", "description": "easy", "input": "1 2", "expected_output": "3"}
    assert answer.get_json() == {"samples": [sample]}


def test_the_statement_is_markdown(send: Send, public: None) -> None:
    answer = send("GET", "/v1/problems/sum/statement", "person")

    assert answer.mimetype == "text/markdown"
    assert answer.get_data(as_text=True) == PROBLEM["statement"]
    assert send("GET", "/v1/problems/sum/statement?language=de", "person").status_code == 404


def test_an_attachment_is_to_be_saved(send: Send, public: None) -> None:
    answer = send("GET", "/v1/problems/sum/attachments/starter/main.py", "person")

    assert answer.data == b"\x00\xff"
    assert "attachment" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    "path",
    ["", "/samples", "/statement", "/versions", "/versions/1", "/attachments/starter/main.py"],
)
def test_what_is_private_is_not_there_for_others(send: Send, path: str) -> None:
    send("POST", "/v1/problems", json=PROBLEM)

    assert send("GET", f"/v1/problems/sum{path}", "person").status_code == 404
    assert send("GET", f"/v1/problems/sum{path}").status_code == 200
    assert send("GET", f"/v1/problems/sum{path}", "admin").status_code == 200


@pytest.mark.parametrize("path", ["/versions", "/versions/1", "/versions/1?reveal=true"])
def test_versions_are_for_the_author(send: Send, public: None, backend: MemoryBackend, path: str) -> None:
    assert send("GET", f"/v1/problems/sum{path}", "person").status_code == 404
    assert backend.problems.revealed == []


def test_secrets_are_shown_to_the_author_who_asks_for_them(send: Send, public: None, backend: MemoryBackend) -> None:
    plain = send("GET", "/v1/problems/sum/versions/1")
    assert SECRET not in plain.get_data(as_text=True)
    assert backend.problems.revealed == []

    case = send("GET", "/v1/problems/sum/versions/1?reveal=true").get_json()["test_cases"][1]

    assert (case["input"], case["expected_output"]) == (SECRET, SECRET)
    assert backend.problems.revealed == ["sum"]


def test_long_data_is_cut(send: Send) -> None:
    long = PROBLEM | {"test_cases": [{"input": "é" * 40_000, "is_hidden": False}]}
    send("POST", "/v1/problems", json=long)

    (sample,) = send("GET", "/v1/problems/sum/samples").get_json()["samples"]

    assert sample["input"] == "é" * 32_768
    assert sample["truncated"] == ["input"]


def test_who_sees_it_can_be_changed(send: Send) -> None:
    send("POST", "/v1/problems", json=PROBLEM)

    assert send("PATCH", "/v1/problems/sum", json={"visibility": "public"}).get_json()["visibility"] == "public"
    assert send("GET", "/v1/problems/sum", "person").status_code == 200
    assert send("PATCH", "/v1/problems/sum", "service", json={"visibility": "all"}).status_code == 422


def test_it_is_deleted_by_its_author(send: Send, public: None) -> None:
    assert send("DELETE", "/v1/problems/sum", "person").status_code == 403
    assert send("DELETE", "/v1/problems/sum").status_code == 204
    assert send("DELETE", "/v1/problems/sum").status_code == 404


def test_nobody_makes_problems_who_only_submits(send: Send) -> None:
    assert send("POST", "/v1/problems", "person", json=PROBLEM).status_code == 403


def test_what_is_known_is_not_sent_again(send: Send, public: None) -> None:
    for path in ("/v1/problems", "/v1/problems/sum", "/v1/problems/sum/samples"):
        tag = send("GET", path).headers["ETag"]
        assert send("GET", path, headers={"If-None-Match": tag}).status_code == 304


def test_pages_follow_each_other(send: Send) -> None:
    for name in ("a", "b", "c"):
        send("POST", "/v1/problems", json=PROBLEM | {"id": name})

    first = send("GET", "/v1/problems?limit=2").get_json()
    rest = send("GET", f"/v1/problems?limit=2&cursor={first['next_cursor']}").get_json()

    assert [one["id"] for one in (*first["problems"], *rest["problems"])] == ["a", "b", "c"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "A sum"}, "id"),
        ({"title": ""}, "title"),
        ({"statements": []}, "statement"),
        ({"test_cases": [{}] * 2001}, "test_cases"),
        ({"visibility": "all"}, "visibility"),
        ({"constraints": {"network_enabled": True}}, "constraints.network_enabled"),
        ({"constraints": {"memory_mb": 10**6}}, "constraints.memory_mb"),
        ({"language_constraints": {"cobol": {}}}, "language_constraints.cobol"),
        ({"language_constraints": {"java": {"timeout_ms": 1}}}, "language_constraints.java.timeout_ms"),
        ({"languages": ["cobol"]}, "languages[0]"),
        ({"attachments": [{"path": "../x", "content": ""}]}, "attachments[0].path"),
        ({"attachments": [{"path": "x", "content": {"base64": "?"}}]}, "attachments[0].content.base64"),
        ({"input_validators": [{"language": "python"}]}, "input_validators[0].source"),
        ({"checker": {"type": "tokens", "arguments": ["x"]}}, "checker.arguments"),
        ({"metadata": []}, "metadata"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_it_says_what_is_wrong(send: Send, change: dict[str, object], field: str) -> None:
    answer = send("POST", "/v1/problems", json=PROBLEM | change)

    assert answer.status_code == 422
    (fault,) = answer.get_json()["error"]["fields"]
    assert fault["field"] == field
    assert fault["hint"]


def test_bytes_survive(send: Send) -> None:
    data = {"base64": base64.b64encode(b"\xff\x00").decode()}
    send("POST", "/v1/problems", json=PROBLEM | {"test_cases": [{"input": data, "is_hidden": False}]})

    assert send("GET", "/v1/problems/sum/samples").get_json()["samples"][0]["input"] == data


FUNCTION = {"name": "add", "parameters": [{"name": "a", "type": "int"}], "returns": "int"}
SUITE = {"framework": "pytest", "files": [{"path": "test_it.py", "content": "def test_a():\n    assert True\n"}]}


@pytest.mark.parametrize(
    ("more", "stdin"),
    [
        ({"function": FUNCTION, "test_cases": [{"call": [1], "returns": 2}]}, b"[1]\n"),
        ({"suite": SUITE, "test_cases": [{"test": "test_it.py::test_a"}]}, b"test_it.py::test_a"),
    ],
)
def test_it_may_ask_for_a_function_or_bring_unit_tests(
    send: Send, backend: MemoryBackend, more: dict[str, Any], stdin: bytes
) -> None:
    assert send("POST", "/v1/problems", json=PROBLEM | more).status_code == 201
    kept = backend.problems.contents["sum"]
    assert (kept.judging.function is not None, kept.judging.suite is not None) == ("function" in more, "suite" in more)
    assert kept.test_cases[0].stdin.inline == stdin


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"function": FUNCTION, "test_cases": [{"call": ["x"]}]}, "test_cases[0].call[0]"),
        ({"function": FUNCTION}, "test_cases[0].call"),
        ({"suite": SUITE, "test_cases": [{"test": "nowhere"}]}, "test_cases[0].test"),
        ({"test_cases": [{"call": [1]}]}, "test_cases[0].call"),
    ],
)
def test_its_calls_must_fit_its_function(send: Send, more: dict[str, Any], field: str) -> None:
    answer = send("POST", "/v1/problems", json=PROBLEM | more)
    assert answer.status_code == 422
    assert field in {one["field"] for one in answer.get_json()["error"]["fields"]}

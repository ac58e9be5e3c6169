"""A submission that names a stored problem: what may stand beside it, and whose problems are meant."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.schemas.rules import NOBODY, Rules
from domain.keys import Key, Role
from domain.languages import Languages
from domain.model import File, Submission, TestCase
from domain.model import TestResult as ResultOf
from domain.roles import Scope
from domain.settings import Settings
from domain.verdict import Verdict
from tests.shown import shown_result
from tests.unit.app.conftest import PERSON, MemoryBackend

ASKED: dict[str, Any] = {
    "language": "python",
    "source": {"type": "code", "content": "print(1)"},
    "problem_id": "sum",
}


def _post(application: Flask, body: dict[str, Any], key: str = "person") -> Any:
    return application.test_client().post("/v1/submissions", json=body, headers={"Authorization": f"Bearer {key}"})


def test_it_works(application: Flask, backend: MemoryBackend) -> None:
    answer = _post(application, ASKED)

    assert answer.status_code == 201
    (asked,) = backend.asked.values()
    assert asked.by_problem is not None
    assert (asked.by_problem.viewer, asked.test_cases) == (PERSON.id, ())
    assert asked.by_problem.ranges is not None


def test_administrators_may_name_anybodys(application: Flask, backend: MemoryBackend) -> None:
    _post(application, ASKED, "admin")

    (asked,) = backend.asked.values()
    assert asked.by_problem is not None
    assert asked.by_problem.viewer is None


def test_beside_test_cases_it_is_a_label(application: Flask, backend: MemoryBackend) -> None:
    _post(application, ASKED | {"test_cases": [], "constraints": {"memory_mb": 64}})

    (asked,) = backend.asked.values()
    assert asked.by_problem is None
    assert asked.problem_id == "sum"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("constraints", {"timeout_ms": 10_000}),
        ("checker", {"type": "exact"}),
        ("outputs", ["*.txt"]),
        ("stop_on_first_failure", True),
        ("interactive", True),
        ("passes", 2),
    ],
)
def test_what_the_problem_says_cannot_stand_beside_it(application: Flask, name: str, value: object) -> None:
    answer = _post(application, ASKED | {name: value})

    assert answer.status_code == 422
    (fault,) = answer.get_json()["error"]["fields"]
    assert (fault["field"], fault["message"]) == (name, "cannot stand beside problem_id")


def test_wrong_test_cases_are_all_that_is_wrong(application: Flask) -> None:
    answer = _post(application, ASKED | {"test_cases": 1, "constraints": {"memory_mb": 64}})

    assert [fault["field"] for fault in answer.get_json()["error"]["fields"]] == ["test_cases"]


@pytest.mark.parametrize(
    ("key", "status"), [("person", 404), ("service", 404), ("admin", 200), ("author", 200), ("narrow", 404)]
)
def test_what_is_hidden_is_for_the_problems_author_and_operators(
    application: Flask, backend: MemoryBackend, key: str, status: int
) -> None:
    author = Key(UUID(int=77), "author", Role.AUTHOR)
    backend.keys |= {"author": author, "narrow": replace(author, scopes=frozenset({Scope.SUBMISSIONS_READ}))}
    case = {"name": "secret", "input": "", "expected_output": "1"}
    client = application.test_client()
    client.post("/v1/problems", json={"id": "sum", "title": "S", "test_cases": [case]}, headers=_bearer("author"))
    view = backend.keep(
        Submission("c", (File("main.c", b""),), None, (TestCase(0, "secret", is_hidden=True),), problem_id="sum"),
        owner_id=PERSON.id,
    )
    result = shown_result(ResultOf(0, Verdict.WA, "stdout", exit_code=0, stdout=b"what it said"))
    backend.views[view.id] = replace(view, execution=replace(view.execution, results=(result,)))

    answer = client.get(f"/v1/submissions/{view.id}?reveal=true", headers=_bearer(key))

    assert answer.status_code == status
    if status == 200:
        (found,) = answer.get_json()["execution"]["test_results"]
        assert (found["is_hidden"], found["stdout"], found["reason"]) == (True, "what it said", "stdout")
    assert b"what it said" not in client.get(f"/v1/submissions/{view.id}", headers=_bearer("admin")).data


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_nothing_is_meant_by_default() -> None:
    settings = Settings("postgresql://nowhere", "redis://nowhere", "redis://nowhere")
    assert Rules(settings.ranges, Languages({}), 1).problems_of == NOBODY

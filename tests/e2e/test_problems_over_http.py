"""A stored problem through the whole platform: kept by its author, solved by others, its secrets kept."""

import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from domain import keys
from domain.db import Database
from standalone.client import Client
from standalone.stack import Stack

SECRET = "7 3 5 1 "
LONG = SECRET * 20_000
"""Longer than a row holds."""
TOTAL = "print(sum(map(int, input().split())))"
TRICK = "print(len(input()))"


@pytest.fixture(scope="module")
def database(stack: Stack) -> Iterator[Database]:
    with closing(Database(stack.settings.database_url, max_size=1)) as db:
        yield db


@pytest.fixture(scope="module")
def author(stack: Stack, database: Database) -> Client:
    return Client(stack.url, keys.create(database, name="author", role="author"))


@pytest.fixture(scope="module")
def person(stack: Stack, database: Database) -> Client:
    return Client(stack.url, keys.create(database, name="person", role="submitter"))


@pytest.fixture(scope="module")
def problem(author: Client) -> str:
    name = f"total-{secrets.token_hex(4)}"
    body = {
        "id": name,
        "title": "Total",
        "statement": "Add them all.",
        "visibility": "public",
        "constraints": {"timeout_ms": 3000, "memory_mb": 64},
        "language_constraints": {"c": {"timeout_ms": 1000}},
        "languages": ["python", "c"],
        "test_cases": [
            {"name": "sample", "input": "1 2", "expected_output": "3", "is_hidden": False, "points": 1},
            {"name": "long", "input": LONG, "expected_output": str(16 * 20_000), "points": 3},
            {
                "name": "files",
                "input": {"stdin": SECRET, "files": [{"path": "data.txt", "content": "kept"}]},
                "expected_output": {"stdout": "16", "exit_code": 0},
            },
        ],
    }
    answer = author.post("/v1/problems", body)
    assert answer.status == 201, answer.body
    assert answer.body["state"] == "ready"
    return name


def solve(client: Client, problem: str, program: str, **more: object) -> Any:
    body = {"language": "python", "source": {"type": "code", "content": program}, "problem_id": problem, **more}
    answer = client.post("/v1/submissions?wait=60", body)
    assert answer.status == 201, answer.body
    return answer.body


def test_it_is_solved(person: Client, problem: str) -> None:
    done = solve(person, problem, TOTAL)

    execution = done["execution"]
    assert (execution["verdict"], execution["points"]) == ("AC", 4)
    assert (done["problem_id"], done["problem_version"]) == (problem, 1)
    assert done["constraints"]["timeout_ms"] == 3000
    assert [(one["name"], one["verdict"]) for one in execution["test_results"]] == [
        ("sample", "AC"),
        ("long", "AC"),
        ("files", "AC"),
    ]


def test_what_is_secret_stays_so(person: Client, problem: str) -> None:
    done = solve(person, problem, TRICK)

    sample, long, _ = done["execution"]["test_results"]
    assert (sample["stdout"], sample["verdict"]) == ("3\n", "AC")
    assert set(long) == {"name", "is_hidden", "verdict", "reason", "usage", "points"}
    assert (done["execution"]["verdict"], done["execution"]["reason"]) == ("WA", None)
    told = json.dumps([done, person.get(f"/v1/problems/{problem}").body, person.get("/v1/submissions").body])
    assert SECRET not in told
    assert str(len(LONG)) not in told
    for path in ("versions/1?reveal=true", "versions"):
        assert person.get(f"/v1/problems/{problem}/{path}").status == 404


def test_many_are_judged_in_a_batch(person: Client, problem: str) -> None:
    source = {"type": "code", "content": TOTAL}
    item = {"language": "python", "source": source, "problem_id": problem}
    wrong = [item | {"language": "java"}, item | {"problem_id": "nowhere"}, item | {"outputs": ["*"]}]

    made: Any = person.post("/v1/batches?wait=60", {"submissions": [item, item, *wrong]})

    assert [one["status"] for one in made.body["items"]] == [201, 201, 422, 422, 422]
    assert made.body["verdicts"]["AC"] == 2


def test_a_new_version_is_taken_by_what_comes_later(author: Client, person: Client) -> None:
    name = f"word-{secrets.token_hex(4)}"
    body = {"id": name, "title": "Word", "visibility": "public", "test_cases": [{"expected_output": "old"}]}
    author.post("/v1/problems", body)
    first = solve(person, name, "print('old')")
    author.post("/v1/problems", body | {"test_cases": [{"expected_output": "new"}, {}]})

    second = solve(person, name, "print('new')")

    assert (first["execution"]["verdict"], first["problem_version"]) == ("AC", 1)
    assert (second["execution"]["verdict"], second["problem_version"]) == ("AC", 2)
    again: Any = person.get(f"/v1/submissions/{first['id']}").body
    assert (again["problem_version"], len(again["execution"]["test_results"])) == (1, 1)

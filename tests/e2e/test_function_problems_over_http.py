"""Stored problems that ask for a function, or bring unit tests, through the whole platform."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from domain import keys
from domain.db import Database
from standalone.client import Client
from standalone.stack import Stack

FUNCTION = {
    "function": {"name": "double", "parameters": [{"name": "number", "type": "int"}], "returns": "int"},
    "test_cases": [
        {"call": [4], "returns": 8, "is_hidden": False, "name": "sample"},
        {"call": [10**30], "returns": 2 * 10**30, "name": "huge"},
    ],
}
SUITE = {
    "suite": {
        "framework": "unittest",
        "files": [
            {
                "path": "test_double.py",
                "content": "import unittest\nimport solution\n\nclass Double(unittest.TestCase):\n"
                "    def test_four(self):\n        self.assertEqual(solution.double(4), 8)\n"
                "    def test_words(self):\n        with self.assertRaises(TypeError):\n"
                "            solution.double(None)\n",
            }
        ],
    },
    "test_cases": [
        {"test": "test_double.py::Double::test_four", "name": "four"},
        {"test": "test_double.py::Double::test_words", "name": "words"},
    ],
}
RIGHT, WRONG = "def double(number):\n    return number * 2", "def double(number):\n    return 8"


@pytest.fixture(scope="module")
def clients(stack: Stack) -> Iterator[tuple[Client, Client]]:
    with closing(Database(stack.settings.database_url, max_size=1)) as db:
        roles = ("author", "submitter")
        author, person = (Client(stack.url, keys.create(db, name=role, role=role)) for role in roles)
        yield author, person


@pytest.mark.parametrize(
    ("problem", "source", "verdicts"),
    [
        (FUNCTION, RIGHT, ["AC", "AC"]),
        (FUNCTION, WRONG, ["AC", "WA"]),
        (SUITE, RIGHT, ["AC", "AC"]),
        (SUITE, WRONG, ["AC", "WA"]),
    ],
    ids=["function", "wrong function", "tests", "failing tests"],
)
def test_it_is_solved(
    clients: tuple[Client, Client], problem: dict[str, Any], source: str, verdicts: list[str]
) -> None:
    author, person = clients
    name = f"double-{secrets.token_hex(4)}"
    body = {"id": name, "title": "Double", "visibility": "public", **problem}
    assert author.post("/v1/problems", body).status == 201
    asked = {"language": "python", "source": {"type": "code", "content": source}, "problem_id": name}
    answer = person.post("/v1/submissions?wait=60", asked)
    assert answer.status == 201, answer.body
    done: Any = answer.body
    assert [one["verdict"] for one in done["execution"]["test_results"]] == verdicts

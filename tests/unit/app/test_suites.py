"""Suites of unit tests over HTTP: what becomes of their test functions, and what is refused."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from domain.file import File
from domain.model import Submission, TestCase
from domain.suite import MAX_BYTES, Framework, Suite

if TYPE_CHECKING:
    from tests.unit.app.conftest import Answer, Api

Sent = Callable[[], Submission]
SOURCE = """
from solution import f

def test_a():
    assert f()

class TestB:
    def test_c(self):
        assert f()
"""
FILE = {"path": "test_it.py", "content": SOURCE}
SUITE: dict[str, object] = {"framework": "pytest", "files": [FILE]}


def submit(api: "Api", **fields: object) -> "Answer":
    whole: dict[str, object] = {"suite": SUITE, **fields}
    return api.submit(**whole)


def complaints(answer: "Answer") -> dict[str, str]:
    assert answer.status == 422, answer.body
    found: dict[str, Any] = answer.body
    return {one["field"]: one["message"] for one in found["error"]["fields"]}


def test_every_test_function_is_a_test_case(api: "Api", sent: Sent) -> None:
    assert submit(api).status == 201
    assert sent().suite == Suite(Framework.PYTEST, (File("test_it.py", SOURCE.encode()),))
    assert sent().judging.suite == sent().suite
    names = ("test_it.py::TestB::test_c", "test_it.py::test_a")
    assert sent().test_cases == tuple(TestCase(n, name, name.encode()) for n, name in enumerate(names))


def test_test_cases_name_hide_and_weigh_them(api: "Api", sent: Sent) -> None:
    cases = [
        {"test": "test_it.py::test_a", "name": "a", "points": 3, "timeout_ms": 500},
        {"test": "test_it.py::TestB::test_c", "is_hidden": True},
    ]
    assert submit(api, test_cases=cases).status == 201
    first, second = sent().test_cases
    assert (first.name, first.stdin, first.points, first.timeout_ms) == ("a", b"test_it.py::test_a", 3, 500)
    assert (second.name, second.is_hidden) == ("test_it.py::TestB::test_c", True)


def test_an_empty_list_is_all_of_them(api: "Api", sent: Sent) -> None:
    assert submit(api, test_cases=[]).status == 201
    assert len(sent().test_cases) == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"framework": "nose"}, "framework"),
        ({"framework": "jest"}, "files"),
        ({"framework": "node"}, "files"),
        ({"framework": "go"}, "files"),
        ({"framework": "cargo"}, "files"),
        ({"framework": "junit"}, "files"),
        ({"files": []}, "files"),
        ({"files": [{"path": "test_it.py", "content": "x = 1"}]}, "files"),
        ({"files": [FILE, {"path": "test_x.py", "content": "def test_a(:"}]}, "files[1].content"),
        ({"files": [FILE, FILE]}, "files[1].path"),
        ({"files": [{**FILE, "path": "../test_it.py"}]}, "files[0].path"),
        ({"files": [FILE, {"path": "data", "content": "x" * (MAX_BYTES + 1)}]}, "files"),
        ({"more": 1}, "more"),
    ],
)
def test_it_refuses_a_suite(api: "Api", change: dict[str, object], field: str) -> None:
    assert set(complaints(submit(api, suite=SUITE | change))) == {f"suite.{field}"}


@pytest.mark.parametrize(
    ("case", "field"),
    [
        ({"test": "test_it.py::test_z"}, "test"),
        ({"test": ""}, "test"),
        ({"name": "a"}, "test"),
        ({"test": "test_it.py::test_a", "input": "x"}, "input"),
        ({"test": "test_it.py::test_a", "expected_output": "x"}, "expected_output"),
    ],
)
def test_it_names_what_of_a_test_case_is_wrong(api: "Api", case: dict[str, object], field: str) -> None:
    found = complaints(submit(api, test_cases=[{"test": "test_it.py::test_a"}, case]))
    assert f"test_cases[1].{field}" in found


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"language": "go"}, "suite.framework"),
        ({"language": "javascript"}, "suite.framework"),
        ({"checker": {"type": "lines"}}, "checker"),
        ({"interactive": True}, "interactive"),
        ({"function": {"name": "f", "parameters": [], "returns": "int"}}, "function"),
        ({"suite": None, "test_cases": [{"test": "test_it.py::test_a"}]}, "test_cases[0].test"),
    ],
)
def test_it_refuses_what_does_not_go_with_a_suite(api: "Api", fields: dict[str, object], field: str) -> None:
    assert field in complaints(submit(api, **fields))

"""Function problems over HTTP: what is understood, and what is refused, by the name of the argument."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from domain.function import Comparison, Function, Order, Parameter
from domain.model import Expectation, Submission, TestCase

if TYPE_CHECKING:
    from tests.unit.app.conftest import Answer, Api

Sent = Callable[[], Submission]
SIGNATURE: dict[str, object] = {
    "name": "two_sum",
    "parameters": [{"name": "nums", "type": "list[int]"}, {"name": "target", "type": "int"}],
    "returns": "optional[list[int]]",
}
CALL: dict[str, object] = {"call": [[2, 7], 9], "returns": [0, 1]}


def submit(api: "Api", *cases: dict[str, object], **fields: object) -> "Answer":
    whole: dict[str, object] = {"function": SIGNATURE, "test_cases": list(cases), **fields}
    return api.submit(**whole)


def complaints(answer: "Answer") -> dict[str, tuple[str, str]]:
    assert answer.status == 422, answer.body
    found: dict[str, Any] = answer.body
    return {one["field"]: (one["message"], one["hint"]) for one in found["error"]["fields"]}


def test_it_works(api: "Api", sent: Sent) -> None:
    more: dict[str, object] = {"name": "none", "call": [[], 1], "returns": None, "is_hidden": True, "points": 3}
    assert submit(api, CALL, more).status == 201
    function = sent().function
    assert function == Function(
        "two_sum", (Parameter("nums", "list[int]"), Parameter("target", "int")), "optional[list[int]]"
    )
    assert sent().judging.function == function
    assert sent().test_cases == (
        TestCase(0, "1", b"[[2,7],9]\n", expected=Expectation(b"[0,1]\n")),
        TestCase(1, "none", b"[[],1]\n", expected=Expectation(b"null\n"), is_hidden=True, points=3),
    )


@pytest.mark.parametrize(
    ("asked", "order"), [(True, Order.OUTER), ("deep", Order.NONE), (False, Order.KEPT), (None, Order.KEPT)]
)
def test_it_understands_how_to_compare(api: "Api", sent: Sent, asked: object, order: Order) -> None:
    compare = {"tolerance": 0.25} | ({} if asked is None else {"unordered": asked})
    submit(api, CALL, function={**SIGNATURE, "class_name": "Solution", "compare": compare})
    function = sent().function
    assert function is not None
    assert (function.class_name, function.compare) == ("Solution", Comparison(order, 0.25))


def test_files_of_a_test_case_are_its_own(api: "Api", sent: Sent) -> None:
    submit(api, {**CALL, "input": {"files": [{"path": "words.txt", "content": "a"}]}})
    assert sent().test_cases[0].files[0].path == "words.txt"


def test_without_an_expectation_any_value_will_do(api: "Api", sent: Sent) -> None:
    submit(api, {"call": [[], 1]})
    assert sent().test_cases[0].expected == Expectation()


def test_what_is_no_number_may_be_returned(api: "Api", sent: Sent) -> None:
    function = {**SIGNATURE, "returns": "list[float]"}
    assert submit(api, {"call": [[], 1], "returns": ["NaN", 1, 0.5]}, function=function).status == 201
    assert json.loads(sent().test_cases[0].expected.stdout or b"") == ["NaN", 1, 0.5]


@pytest.mark.parametrize(
    ("case", "field", "message"),
    [
        ({"call": [[1, "x"], 9]}, "call[0]", "[1] must be a whole number"),
        ({"call": [[1], 9.5]}, "call[1]", "must be a whole number"),
        ({"call": [[1], True]}, "call[1]", "must be a whole number"),
        ({"call": [[1]]}, "call", "has 1 arguments where two_sum takes 2"),
        ({"call": {"nums": [], "target": 1}}, "call", "must be a list"),
        ({"call": None}, "call", "must not be null"),
        ({"returns": 3}, "call", "is missing"),
        ({"input": "[[1], 2]", "expected_output": "null"}, "call", "is missing"),
        ({"call": [[], 1], "returns": 3}, "returns", "must be a list"),
        ({"call": [[], 1], "returns": [0, None]}, "returns", "[1] must be a whole number"),
        ({"call": [[], 1], "returns": ["NaN"]}, "returns", "[0] must be a whole number"),
        ({"call": [[], 1], "expected_output": "null"}, "expected_output", "cannot be with function"),
        ({"call": [[], 1], "input": {"stdin": "x"}}, "input.stdin", "cannot be with call"),
        ({"call": [[], 1], "input": {"arguments": ["x"]}}, "input.arguments", "cannot be with call"),
    ],
)
def test_it_names_what_of_a_call_is_wrong(api: "Api", case: dict[str, object], field: str, message: str) -> None:
    found = complaints(submit(api, CALL, case))
    assert {name: said for name, (said, _) in found.items()} == {f"test_cases[1].{field}": message}


def test_it_names_the_parameter(api: "Api") -> None:
    found = complaints(submit(api, {"call": [["x"], 9]}))
    assert found["test_cases[0].call[0]"] == ("[0] must be a whole number", "it is nums: list[int]")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "two sum"}, "name"),
        ({"name": "x); import os; ("}, "name"),
        ({"name": None}, "name"),
        ({"class_name": "1A"}, "class_name"),
        ({"returns": "List[int]"}, "returns"),
        ({"returns": "dict[int,int]"}, "returns"),
        ({"parameters": [{"name": "a", "type": "int[]"}]}, "parameters[0].type"),
        ({"parameters": [{"name": "a"}]}, "parameters[0].type"),
        ({"parameters": [{"name": "a", "type": "int", "default": 1}]}, "parameters[0].default"),
        ({"parameters": [{"name": "a", "type": "int"}] * 33}, "parameters"),
        ({"compare": {"unordered": "yes"}}, "compare.unordered"),
        ({"compare": {"tolerance": -1}}, "compare.tolerance"),
        ({"compare": {"rounded": True}}, "compare.rounded"),
        ({"language": "python"}, "language"),
    ],
)
def test_it_refuses_a_signature(api: "Api", change: dict[str, object], field: str) -> None:
    assert set(complaints(submit(api, CALL, function=SIGNATURE | change))) == {f"function.{field}"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"language": "go"}, "function"),
        ({"checker": {"type": "lines"}}, "checker"),
        ({"interactive": True}, "interactive"),
        ({"test_cases": []}, "test_cases"),
        ({"test_cases": None}, "test_cases"),
        ({"function": None}, "test_cases[0].call"),
    ],
)
def test_it_refuses_what_does_not_go_with_a_function(api: "Api", fields: dict[str, object], field: str) -> None:
    assert field in complaints(submit(api, CALL, **fields))


def test_it_says_which_languages_there_are(api: "Api") -> None:
    assert complaints(submit(api, CALL, language="go"))["function"] == (
        "cannot be with go",
        "use one of javascript, python",
    )

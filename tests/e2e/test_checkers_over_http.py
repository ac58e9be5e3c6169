"""Checkers through the whole platform: of a submission, and of a stored problem that workers check first."""

import secrets
from collections.abc import Mapping

from standalone.client import Client
from standalone.stack import Stack
from tests.e2e.executing import answered, execution_of
from tests.waiting import eventually

# Right is any number that divides the input; it says why not.
DIVIDES = """
import sys
number, said = int(open(sys.argv[1]).read()), int(sys.stdin.read())
open(sys.argv[3] + "judgemessage.txt", "w").write("for the jury alone")
if number % said:
    open(sys.argv[3] + "teammessage.txt", "w").write(f"{said} does not divide {number}")
    exit(43)
exit(42)
"""
# A number of two digits at the most; more is refused with a word about it.
VALID = """
#include <stdio.h>
int main(void) {
    int number;
    if (scanf("%d", &number) == 1 && number < 100) return 42;
    fprintf(stderr, "too large");
    return 43;
}
"""


def code(text: str) -> dict[str, object]:
    return {"type": "code", "content": text}


def executed(client: Client, body: Mapping[str, object]) -> dict[str, object]:
    answer = answered(client, body)
    assert "jury" not in str(answer)
    return execution_of(answer)


def test_outputs_of_a_submission_are_judged_by_its_checker(stack: Stack) -> None:
    checker = {"type": "program", "language": "python", "source": code(DIVIDES)}
    cases = [{"input": "12"}, {"input": "13"}, {"input": "26", "is_hidden": True}, {"input": "x"}]
    body = {"language": "python", "source": code("print(4)"), "checker": checker, "test_cases": cases}
    execution = executed(stack.client, body)

    results = execution["test_results"]
    assert isinstance(results, list)
    assert [(one["verdict"], one["reason"]) for one in results] == [
        ("AC", None),
        ("WA", "stdout"),
        ("WA", None),
        ("JE", "checker"),
    ]
    assert results[1]["message"] == "4 does not divide 13"
    assert set(results[2]) == {"name", "is_hidden", "verdict", "reason", "points", "usage"}
    assert (execution["verdict"], execution["reason"]) == ("WA", "stdout")


def version(client: Client, problem: Mapping[str, object]) -> Mapping[str, object]:
    """Store a version, and give it when it was checked."""
    made = client.post("/v1/problems", problem)
    assert made.status == 201, made.body
    assert made.body["state"] == "checking"
    path = f"/v1/problems/{made.body['id']}/versions/{made.body['version']}"

    def checked() -> Mapping[str, object] | None:
        found = client.get(path).body["version"]
        assert isinstance(found, dict)
        return found if found["state"] != "checking" else None

    return eventually(checked)


def test_a_problem_is_checked_and_then_judges(stack: Stack) -> None:
    name = f"divides-{secrets.token_hex(4)}"
    problem = {
        "id": name,
        "title": "Divides",
        "test_cases": [{"input": "12", "is_hidden": False}, {"input": "15"}],
        "checker": {"type": "program", "language": "python", "source": code(DIVIDES)},
        "input_validators": [{"language": "c", "source": code(VALID)}],
    }
    ready = version(stack.client, problem)
    assert ready["state"] == "ready", ready

    refused = version(
        stack.client, problem | {"test_cases": [{"input": "7"}, {"input": "700", "name": "seven hundred"}]}
    )
    assert refused["state"] == "refused"
    report = refused["report"]
    assert isinstance(report, list)
    assert [one for one in report if not one["ok"]] == [
        {
            "stage": "input_validator",
            "name": "seven hundred",
            "ok": False,
            "message": "input_validator 1 refused it (exit code 43): too large",
        }
    ]

    right = executed(stack.client, {"language": "python", "source": code("print(3)"), "problem_id": name})
    wrong = executed(stack.client, {"language": "python", "source": code("print(4)"), "problem_id": name})
    assert (right["verdict"], wrong["verdict"], wrong["reason"]) == ("AC", "WA", None)

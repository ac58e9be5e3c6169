"""Interactive problems through the whole platform."""

import secrets

from standalone.client import Client
from standalone.stack import Stack
from tests.e2e.test_checkers_over_http import code, executed, version

GUESSES = """
low, high = 1, 1000
while True:
    middle = (low + high) // 2
    print(middle, flush=True)
    said = input()
    if said == "equal": break
    low, high = (middle + 1, high) if said == "more" else (low, middle - 1)
"""
KNOWS = """
import sys
secret = int(open(sys.argv[1]).read())
for line in sys.stdin:
    print("more" if int(line) < secret else "less" if int(line) > secret else "equal", flush=True)
    if int(line) == secret: exit(42)
exit(43)
"""


def said(execution: dict[str, object]) -> str:
    """Everything that is told but numbers that happen: ids, times and what was spent."""
    found = execution["test_results"]
    assert isinstance(found, list)
    told = [{name: value for name, value in one.items() if name not in {"usage", "telemetry"}} for one in found]
    return str([told, *(execution[name] for name in ("message", "compile_output", "stdout", "stderr"))])


def results(client: Client, **body: object) -> list[dict[str, object]]:
    execution = executed(client, {"language": "python", **body})
    assert "777" not in said(execution)
    found = execution["test_results"]
    assert isinstance(found, list)
    return found


def test_a_program_talks_to_an_interactor(stack: Stack) -> None:
    interactor = {"language": "python", "source": code(KNOWS)}
    cases = [{"input": "500"}, {"input": "250"}, {"input": "777", "is_hidden": True}]
    right = results(stack.client, source=code(GUESSES), interactor=interactor, test_cases=cases)
    assert [one["verdict"] for one in right] == ["AC", "AC", "AC"]
    assert right[0]["interaction"] == [
        {"from": "program", "data": "500\n"},
        {"from": "interactor", "data": "equal\n"},
    ]
    assert right[0]["stdout"] == "500\n"
    assert right[1]["interaction"][:2] == [  # type: ignore[index]
        {"from": "program", "data": "500\n"},
        {"from": "interactor", "data": "less\n"},
    ]
    assert set(right[2]) == {"name", "is_hidden", "verdict", "reason", "points", "usage"}
    [early] = results(stack.client, source=code("print(1)"), interactor=interactor, test_cases=cases[:1])
    assert (early["verdict"], early["reason"]) == ("WA", "stdout")


def test_a_stored_problem_may_have_one(stack: Stack) -> None:
    problem = {
        "id": f"guess-{secrets.token_hex(4)}",
        "title": "Guess",
        "interactor": {"language": "python", "source": code(KNOWS)},
        "test_cases": [{"input": "500", "is_hidden": False}, {"input": "777"}],
    }
    assert version(stack.client, problem)["state"] == "ready"
    execution = executed(stack.client, {"language": "python", "source": code(GUESSES), "problem_id": problem["id"]})
    assert "777" not in said(execution)
    results = execution["test_results"]
    assert isinstance(results, list)
    assert [one["verdict"] for one in results] == ["AC", "AC"]
    assert results[0]["interaction"][0] == {"from": "program", "data": "500\n"}
    assert "interaction" not in results[1]

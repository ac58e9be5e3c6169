"""Interactive problems through the whole platform."""

from standalone.client import Client
from standalone.stack import Stack

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


def code(text: str) -> dict[str, object]:
    return {"type": "code", "content": text}


def results(client: Client, **body: object) -> list[dict[str, object]]:
    answer = client.post("/v1/submissions?wait=60", {"language": "python", **body})
    assert answer.status == 201, answer.body
    assert "777" not in str(answer.body)
    execution = answer.body["execution"]
    assert isinstance(execution, dict)
    assert execution["state"] == "done", execution
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

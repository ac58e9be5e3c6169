"""A key with a static check, over HTTP: what breaks its rules is CE `policy`, found in a real jail."""

import json
from contextlib import closing

import pytest

from domain import keys
from domain.db import Database
from standalone.client import Client
from standalone.stack import Stack
from tests.e2e.executing import executed

FINE = "import sys\nfrom collections import Counter\nprint(Counter(sys.stdin.read().split()).most_common(1)[0][0])\n"


@pytest.fixture(scope="module")
def course(stack: Stack) -> Client:
    """Whoever has a key for checked sources."""
    with closing(Database(stack.settings.database_url, min_size=0)) as db:
        return Client(stack.url, keys.create(db, name="course", role="service", static_check="basic"))


def sent(client: Client, *, language: str = "python", **more: object) -> dict[str, object]:
    """Send a submission, and give the execution that it came to."""
    return executed(client, {"language": language, **more})


def code(text: str) -> dict[str, object]:
    return {"type": "code", "content": text}


def test_what_keeps_to_the_rules_is_run(course: Client) -> None:
    cases = [{"input": "b a b", "expected_output": "b"}]
    execution = sent(course, source=code(FINE), test_cases=cases)
    assert (execution["verdict"], execution["compile_output"]) == ("AC", None)
    telemetry = execution["telemetry"]
    assert isinstance(telemetry, dict)
    assert telemetry["compile"]["denied_syscalls"] == {}, telemetry["compile"]
    assert telemetry["language_metrics"] is None


def test_what_breaks_one_is_told_which_and_where(course: Client) -> None:
    execution = sent(course, source=code("import sys\n\nimport os\nprint(eval('1'))\n"))
    assert (execution["verdict"], execution["reason"], execution["test_results"]) == ("CE", "policy", [])
    assert execution["compile_output"] == (
        "main.py:3: import of 'os' is not allowed (rule imports)\n"
        "main.py:4: the name 'eval' is not allowed: runs text as a program (rule names)\n"
    )
    assert execution["message"] == "main.py:3: import of 'os' is not allowed (rule imports) (and 1 more)"
    assert isinstance(execution["telemetry"], dict)
    assert execution["telemetry"]["compile"] is not None


def test_all_files_are_looked_at(course: Client) -> None:
    files = [
        {"path": "main.py", "content": "import pack.part\n"},
        {"path": "pack/part.py", "content": "().__class__.__base__.__subclasses__()\n"},
    ]
    execution = sent(course, source={"type": "files", "files": files})
    assert "pack/part.py:1: the attribute '__base__' is not allowed" in str(execution["compile_output"])


def test_a_hidden_test_case_does_not_show_its_files(course: Client) -> None:
    hidden = {"is_hidden": True, "input": {"files": [{"path": "secret_name.py", "content": "import os"}]}}
    execution = sent(course, source=code(FINE), test_cases=[hidden])
    assert execution["message"] == "a file of a hidden test case is not allowed (rule imports)"
    assert "secret_name" not in json.dumps(execution)


@pytest.mark.parametrize("text", ["x" + ".a" * 4000, "1" + "+1" * 200_000, "[" + "[]," * 1_500_000 + "]"])
def test_what_is_too_complex_does_not_pass(course: Client, text: str) -> None:
    execution = sent(course, source=code(text))
    assert (execution["verdict"], execution["reason"]) == ("CE", "policy")
    assert "too complex to be checked" in str(execution["message"])


def test_what_is_no_program_is_left_to_the_interpreter(course: Client) -> None:
    execution = sent(course, source=code("def f(:"))
    assert (execution["verdict"], execution["reason"]) == ("RTE", "exit:1")


def test_other_languages_are_not_checked(course: Client) -> None:
    execution = sent(course, language="javascript", source=code("console.log(require('os').EOL.length)"))
    assert execution["verdict"] == "OK"


def test_other_keys_are_not_checked(stack: Stack) -> None:
    assert sent(stack.client, source=code("import os\nprint(eval('1'))"))["verdict"] == "OK"

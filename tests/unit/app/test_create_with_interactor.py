"""Interactors of a submission as they are sent, and what answers tell of what was said."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from app.schemas.response import result_json
from domain.interaction import Said, Speaker, encode
from domain.judging import Interactor, Program, Protocol
from domain.model import File, Submission, TestResult
from domain.verdict import Verdict
from domain.views import CaseView
from tests.shown import shown_result

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

CODE = {"type": "code", "content": "exit(42)"}
INTERACTOR = {"language": "python", "source": CODE}
CHECKER = {"type": "program", "language": "python", "source": CODE}


def test_it_works(api: "Api", sent: Callable[[], Submission]) -> None:
    asked = {**INTERACTOR, "protocol": "testlib", "arguments": ["--hard"]}
    cases = [{"input": "700", "expected_output": "20", "checker_arguments": ["one"]}]
    answer = api.submit(interactor=asked, checker=CHECKER, test_cases=cases, passes=2)

    assert answer.status == 201, answer.body
    program = Program("python", (File("main.py", b"exit(42)"),), "main.py")
    assert sent().interactor == Interactor(program, Protocol.TESTLIB, ("--hard",))
    [case] = sent().test_cases
    assert (case.stdin, case.expected.stdout, case.checker_arguments) == (b"700", b"20", ("one",))


def test_it_speaks_kattis_unless_it_says_otherwise(api: "Api", sent: Callable[[], Submission]) -> None:
    assert api.submit(interactor=INTERACTOR).status == 201
    interactor = sent().interactor
    assert interactor is not None
    assert (interactor.protocol, interactor.arguments) == (Protocol.KATTIS, ())


FILES = [{"expected_output": {"files": [{"path": "a", "content": "x"}]}}]
REFUSED: list[tuple[str, dict[str, object], list[str]]] = [
    ("a name", {"interactor": "guess"}, ["interactor"]),
    ("no program", {"interactor": {}}, ["interactor.language", "interactor.source"]),
    ("unknown language", {"interactor": INTERACTOR | {"language": "cobol"}}, ["interactor.language"]),
    ("unknown protocol", {"interactor": INTERACTOR | {"protocol": "x"}}, ["interactor.protocol"]),
    ("a checker's type", {"interactor": INTERACTOR | {"type": "program"}}, ["interactor.type"]),
    ("somebody types", {"interactor": INTERACTOR, "interactive": True}, ["interactor"]),
    ("a checker beside it", {"interactor": INTERACTOR, "checker": CHECKER}, ["checker"]),
    ("a comparison beside it", {"interactor": INTERACTOR | {"protocol": "testlib"}, "checker": {}}, ["checker"]),
    ("files", {"interactor": INTERACTOR, "test_cases": FILES}, ["test_cases[0].expected_output.files"]),
]


@pytest.mark.parametrize(("fields", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(api: "Api", backend: "MemoryBackend", fields: dict[str, object], named: list[str]) -> None:
    answer = api.submit(**fields)
    assert (answer.status, sorted(answer.fields)) == (422, named)
    assert backend.views == {}


SAID = (Said(Speaker.PROGRAM, b"? 1\n"), Said(Speaker.INTERACTOR, b"\xff"))


def told(*, truncated: bool = False, is_hidden: bool = False, limit: int = 1000) -> dict[str, object]:
    result = TestResult(0, Verdict.WA, "stdout", interaction=encode(SAID, truncated=truncated))
    view = shown_result(result, is_hidden=is_hidden, limit=limit)
    return result_json(UUID(int=1), CaseView("only", is_hidden=is_hidden), view)


def test_what_was_said_is_told_in_order() -> None:
    answer = told()
    assert answer["interaction"] == [
        {"from": "program", "data": "? 1\n"},
        {"from": "interactor", "data": {"base64": "/w=="}},
    ]
    assert "truncated" not in answer


@pytest.mark.parametrize("more", [{"truncated": True}, {"limit": 7}])
def test_that_there_was_more_is_told(more: dict[str, object]) -> None:
    answer = told(**more)  # type: ignore[arg-type]
    said = answer["interaction"]
    assert isinstance(said, list)
    assert said[0]["from"] == "program"
    assert answer["truncated"] == ["interaction"]


def test_nothing_is_told_of_a_hidden_one() -> None:
    assert set(told(is_hidden=True)) == {"name", "is_hidden", "verdict", "reason", "usage", "points"}


def test_without_an_interactor_nothing_was_said() -> None:
    view = shown_result(TestResult(0, Verdict.OK))
    assert "interaction" not in result_json(UUID(int=1), CaseView("only"), view)

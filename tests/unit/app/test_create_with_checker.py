"""Checkers of a submission as they are sent: programs, and the flags of the default validator."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from domain.judging import Checker, CheckerType, Program, Protocol
from domain.model import File, Submission

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

CODE = {"type": "code", "content": "exit(42)"}
PROGRAM = {"type": "program", "language": "python", "source": CODE}


def files(*paths: str) -> dict[str, object]:
    return {"type": "files", "files": [{"path": path, "content": "x"} for path in paths]}


def test_a_program_is_understood(api: "Api", sent: Callable[[], Submission]) -> None:
    checker = {
        "type": "program",
        "language": "cpp@20",
        "source": files("check.cpp", "testlib.h"),
        "protocol": "testlib",
        "arguments": ["--strict", "ü"],
    }
    answer = api.submit(checker=checker, test_cases=[{"checker_arguments": ["one"]}], passes=3)

    assert answer.status == 201, answer.body
    program = Program("cpp@20", (File("check.cpp", b"x"), File("testlib.h", b"x")), None)
    assert sent().checker == Checker(
        CheckerType.PROGRAM, program=program, protocol=Protocol.TESTLIB, arguments=("--strict", "ü")
    )
    assert sent().test_cases[0].checker_arguments == ("one",)
    assert sent().passes == 3


def test_its_only_source_is_named_as_its_language_would(api: "Api", sent: Callable[[], Submission]) -> None:
    assert api.submit(checker=PROGRAM).status == 201

    assert sent().checker.program == Program("python", (File("main.py", b"exit(42)"),), "main.py")
    assert sent().checker.protocol is Protocol.KATTIS


def test_its_size_is_not_that_of_a_persons_submission(api: "Api", sent: Callable[[], Submission]) -> None:
    api.key = "person"
    source = {"type": "code", "content": "#" * 300_000}

    assert api.submit(source=source).status == 422
    assert api.submit(checker=PROGRAM | {"source": source}).status == 201
    program = sent().checker.program
    assert program is not None
    assert len(program.sources[0].content) == 300_000


def test_flags_of_the_default_validator_are_kept(api: "Api", sent: Callable[[], Submission]) -> None:
    checker = {"type": "kattis", "arguments": ["case_sensitive", "float_tolerance", "1e-6"]}

    assert api.submit(checker=checker, test_cases=[{"checker_arguments": ["space_change_sensitive"]}]).status == 201
    assert sent().checker == Checker(CheckerType.KATTIS, arguments=("case_sensitive", "float_tolerance", "1e-6"))


REFUSED: list[tuple[str, dict[str, object], list[str]]] = [
    ("no program", {"checker": {"type": "program"}}, ["checker.language", "checker.source"]),
    ("no sources", {"checker": {"type": "program", "language": "c"}}, ["checker.source"]),
    ("unknown language", {"checker": PROGRAM | {"language": "cobol"}}, ["checker.language"]),
    ("unknown protocol", {"checker": PROGRAM | {"protocol": "polygon"}}, ["checker.protocol"]),
    ("not its source", {"checker": PROGRAM | {"entry_point": "x.py"}}, ["checker.entry_point"]),
    ("no main file", {"checker": PROGRAM | {"source": files("a.py", "b.py")}}, ["checker.entry_point"]),
    ("climbing", {"checker": PROGRAM | {"source": files("../a.py")}}, ["checker.source.files[0].path"]),
    ("git", {"checker": PROGRAM | {"source": {"type": "git", "url": "x"}}}, ["checker.source.type"]),
    ("a language for tokens", {"checker": {"language": "c"}}, ["checker.language"]),
    ("a protocol for tokens", {"checker": {"type": "lines", "protocol": "kattis"}}, ["checker.protocol"]),
    ("arguments for tokens", {"checker": {"arguments": ["x"]}}, ["checker.arguments"]),
    ("an unknown flag", {"checker": {"type": "kattis", "arguments": ["strict"]}}, ["checker.arguments"]),
    ("no tolerance", {"checker": {"type": "kattis", "arguments": ["float_tolerance"]}}, ["checker.arguments"]),
    ("NaN", {"checker": {"type": "kattis", "arguments": ["float_tolerance", "nan"]}}, ["checker.arguments"]),
    (
        "an unknown flag of a case",
        {"checker": {"type": "kattis"}, "test_cases": [{}, {"checker_arguments": ["x"]}]},
        ["test_cases[1].checker_arguments"],
    ),
    (
        "arguments of a case for tokens",
        {"test_cases": [{"checker_arguments": ["x"]}]},
        ["test_cases[0].checker_arguments"],
    ),
    ("NUL in arguments", {"checker": PROGRAM | {"arguments": ["\0"]}}, ["checker.arguments[0]"]),
    ("no pass", {"checker": PROGRAM, "passes": 0}, ["passes"]),
    ("many passes", {"checker": PROGRAM, "passes": 101}, ["passes"]),
    ("passes without a program", {"passes": 2}, ["passes"]),
    ("passes of what is typed", {"checker": PROGRAM, "passes": 2, "interactive": True}, ["passes"]),
]


@pytest.mark.parametrize(("fields", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(api: "Api", backend: "MemoryBackend", fields: dict[str, object], named: list[str]) -> None:
    answer = api.submit(**fields)

    assert answer.status == 422, answer.body
    assert list(answer.fields) == named
    assert all(answer.fields.values())
    assert backend.views == {}


def test_it_refuses_a_large_one(api: "Api", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.schemas.program.MAX_PROGRAM_BYTES", 7)
    answer = api.submit(checker=PROGRAM)

    assert (answer.status, list(answer.fields)) == (422, ["checker.source.content"])
    assert "8 bytes, more than the 7 for such a program" in answer.fields["checker.source.content"]

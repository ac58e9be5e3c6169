"""What is put into the box of a function problem, and how what it leaves there is judged."""

import json
from pathlib import Path

import pytest

from domain.function import Function, Parameter
from domain.model import Expectation, File, TestCase
from domain.verdict import Verdict
from sandbox import RunResult
from sandbox.fake import SPENT, FakeJail, FakeSandbox, ended
from tests.unit.workers.making import bench, planned
from workers.calling import CALL, RETURNED
from workers.run import run_test_case

DOUBLE = Function("double", (Parameter("number", "int"),), "int", "Solution")
CASE = TestCase(0, "1", b"[4]\n", expected=Expectation(b"8\n"))


def leaving(content: bytes | None, ending: RunResult = SPENT) -> FakeSandbox:
    def leave(jail: FakeJail) -> RunResult:
        if content is not None:
            jail.box.write(RETURNED, content)
        return ending

    return FakeSandbox(leave)


@pytest.mark.parametrize(
    ("language", "source", "harness"),
    [("python", "main.py", ".shipd/call.py"), ("javascript", "main.js", ".shipd/call.cjs")],
)
def test_a_harness_is_run_in_the_programs_place(tmp_path: Path, language: str, source: str, harness: str) -> None:
    sandbox = leaving(b'{"returned": 8}')
    made = planned(language, (File(source, b"x"), File(".shipd/call.json", b"mine")), function=DOUBLE)
    assert run_test_case(bench(sandbox, tmp_path, made), CASE).verdict is Verdict.AC
    [jail] = sandbox.jails
    assert jail.command.line[-1] == f"./{harness}"
    assert jail.command.stdin == b"[4]\n"
    assert set(jail.box.files) == {source, harness, CALL, RETURNED}
    assert json.loads(jail.box.files[CALL]) == {"entry": source, "name": "double", "class_name": "Solution"}
    assert made.held_at(CASE, None, made.files(made.submission.sources, CASE)) in {None, harness}


def test_nothing_that_is_expected_is_in_the_jail(tmp_path: Path) -> None:
    sandbox = leaving(b'{"returned": 8}')
    case = TestCase(0, "1", b"[4]\n", expected=Expectation(b'"SECRET"\n'))
    run_test_case(bench(sandbox, tmp_path, planned(function=DOUBLE)), case)
    [jail] = sandbox.jails
    given = (*jail.box.files.values(), *map(str.encode, jail.command.line), repr(jail.command.env).encode())
    assert not any(b"SECRET" in content for content in (*given, jail.command.stdin))


@pytest.mark.parametrize(
    ("content", "verdict", "reason"),
    [
        (b'{"returned": 8}', Verdict.AC, None),
        (b'{"returned": 9}', Verdict.WA, "returned"),
        (b'{"unfit": "a set"}', Verdict.WA, "returned"),
        (b"AC", Verdict.WA, "returned"),
        (None, Verdict.WA, "returned"),
    ],
)
def test_what_is_left_in_the_box_is_judged(
    tmp_path: Path, content: bytes | None, verdict: Verdict, reason: str | None
) -> None:
    result = run_test_case(bench(leaving(content), tmp_path, planned(function=DOUBLE)), CASE)
    assert (result.verdict, result.reason) == (verdict, reason)


def test_an_exit_code_comes_before_a_value(tmp_path: Path) -> None:
    sandbox = leaving(b'{"returned": 8}', ended(1))
    result = run_test_case(bench(sandbox, tmp_path, planned(function=DOUBLE)), CASE)
    assert (result.verdict, result.reason) == (Verdict.RTE, "exit:1")


def test_without_an_expectation_it_has_only_to_return(tmp_path: Path) -> None:
    case = TestCase(0, "1", b"[4]\n")
    for content, verdict in ((b'{"returned": null}', Verdict.OK), (None, Verdict.WA)):
        result = run_test_case(bench(leaving(content), tmp_path, planned(function=DOUBLE)), case)
        assert result.verdict is verdict

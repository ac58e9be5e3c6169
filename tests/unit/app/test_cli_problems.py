"""`shipd problem`, against a server that answers as told."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.golden import Golden
from app.verifying import time_limit_ms, verify, verify_golden
from domain.file import File
from domain.judging import Program
from domain.packages.limits import Inference
from domain.problem import Example
from domain.verdict import Verdict
from tests.answering import Answer, Api, answering
from tests.unit.domain.packages.trees import HELLO

Run = Callable[..., Result]
SENT: dict[str, Any] = {
    "id": "hello",
    "title": "Hello",
    "version": 1,
    "state": "ready",
    "time_limit": {"timeout_ms": 1000, "stated": True},
    "test_cases": 2,
    "examples": 1,
    "report": [{"stage": "import", "name": "graders", "ok": False, "message": "left out"}],
}
CHECKED = {"stage": "compile", "name": "checker", "ok": False, "message": "exit:1"}


@pytest.fixture
def platform() -> Iterator[Api]:
    with answering() as made:
        yield made


@pytest.fixture
def run(platform: Api) -> Run:
    environ = {"SHIPD_URL": platform.url, "SHIPD_API_KEY": "key", "COLUMNS": "160"}

    def execute(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["problem", *arguments], env=environ, catch_exceptions=False)

    return execute


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, data in HELLO.items():
        path = tmp_path / "hello" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(data))
    return tmp_path / "hello"


def test_a_folder_is_packed_and_sent(run: Run, platform: Api, package: Path) -> None:
    platform.answers = [Answer(201, SENT)]
    result = run("import", str(package))
    assert result.exit_code == 0
    assert "hello  version 1  ready  2 test cases" in result.stdout
    assert "graders" in result.stdout
    asked = platform.asked[-1]
    assert (asked.method, asked.path) == ("PUT", "/v1/problems/hello/package")
    assert asked.headers["content-type"] == "application/zip"


def test_it_waits_until_it_is_checked_and_says_what_was_found(run: Run, platform: Api, package: Path) -> None:
    version = {"id": "hello", "title": "Hello", "version": {"number": 1, "state": "checking", "report": []}}
    refused = {**version, "version": {"number": 1, "state": "refused", "report": [CHECKED]}}
    platform.answers = [Answer(201, {**SENT, "state": "checking"}), Answer(200, version), Answer(200, refused)]
    result = run("import", str(package), "--id", "other", "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert (said["state"], said["report"]) == ("refused", [*SENT["report"], CHECKED])


def test_what_is_no_package_is_refused_here(run: Run, platform: Api, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    result = run("import", str(tmp_path / "nothing"))
    assert (result.exit_code, platform.asked) == (1, [])
    assert "problem.yaml" in result.stderr


@pytest.mark.parametrize("arguments", [("show",), ("export",), ("verify",)])
@pytest.mark.parametrize("name", ["a/../../keys", "\x1b[2J", "..", "a?b"])
def test_what_is_no_id_becomes_no_url(
    run: Run, platform: Api, tmp_path: Path, arguments: tuple[str], name: str
) -> None:
    more = (str(tmp_path / "out.zip"),) if arguments == ("export",) else ()
    result = run(*arguments, name, *more)
    assert (result.exit_code != 0, platform.asked) == (True, [])
    assert "\x1b" not in result.stderr


def test_the_name_of_a_package_must_be_an_id_too(run: Run, platform: Api, package: Path) -> None:
    strange = package.rename(package.with_name("Hällo"))
    result = run("import", str(strange))
    assert (result.exit_code, platform.asked) == (2, [])
    assert "no name of a problem" in result.stderr


def test_problems_are_listed_page_by_page(run: Run, platform: Api) -> None:
    pages = [{"problems": [{"id": name}], "next_cursor": after} for name, after in (("a", "a"), ("b", None))]
    platform.answers = [Answer(200, page) for page in pages]
    result = run("list", "--json")
    assert [one["id"] for one in json.loads(result.stdout)["problems"]] == ["a", "b"]


def test_a_refused_package_is_not_graded_and_is_removed(run: Run, platform: Api, package: Path) -> None:
    version = {"id": "v", "title": "Hello", "version": {"number": 1, "state": "refused", "report": [CHECKED]}}
    platform.answers = [Answer(201, {**SENT, "state": "checking"}), Answer(200, version), Answer(204, None)]
    result = run("verify", str(package), "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, said["ok"], said["state"], said["submissions"]) == (1, False, "refused", [])
    assert platform.asked[-1].method == "DELETE"
    assert platform.asked[-1].path.startswith("/v1/problems/verify-")


class Graded:
    """A platform where every submission comes to what its source says."""

    def __init__(self, *available: str) -> None:
        self.available = available
        self.sent: list[Any] = []

    def languages(self) -> list[Any]:
        return [{"name": name, "available": True} for name in self.available]

    def run_batch(self, requests: Sequence[Any], *, progress: Callable[[int], None] | None = None) -> list[Any]:
        self.sent.extend(requests)
        assert progress is not None
        progress(len(requests))
        return [self._item(request["source"]["content"]) for request in requests]

    def _item(self, said: str) -> dict[str, Any]:
        verdict, _, points = said.partition(" ")
        if verdict == "refused":
            return {"index": 0, "status": 422, "error": {"message": "no room"}}
        result = {"name": "secret/1", "verdict": verdict, "reason": "why", "usage": {"cpu_time_ms": 120}}
        execution = {
            "state": "done",
            "verdict": verdict,
            "reason": None,
            "message": None,
            "compile_output": None,
            "points": float(points) if points else None,
            "test_results": [result],
        }
        return {"index": 0, "status": 201, "submission": {"execution": execution}}


def example(
    said: str, *expected: Verdict, points: tuple[float, float] | None = None, language: str = "python"
) -> Example:
    program = Program(language, (File("x.py", said.encode()),), "x.py")
    return Example(f"accepted/{said}", program, expected, points)


@pytest.mark.parametrize(
    ("found", "ok"),
    [
        (example("AC", Verdict.AC), True),
        (example("WA", Verdict.AC), False),
        (example("MLE", Verdict.RTE, Verdict.MLE), True),
        (example("WA"), True),
        (example("JE"), False),
        (example("refused", Verdict.AC), False),
        (example("AC 100", Verdict.AC, points=(100, 100)), True),
        (example("WA 30.0000001", Verdict.WA, points=(30, 30)), True),
        (example("WA 35", points=(30, 30)), False),
        (example("WA", points=(0, 30)), False),
        (example("WA 30", points=(0, 99.9999)), True),
        (example("AC 100", points=(0, 99.9999)), False),
        (example("AC", Verdict.AC, language="kotlin"), None),
    ],
    ids=lambda value: f"{value.path} {value.points}" if isinstance(value, Example) else "",
)
def test_expected_is_compared_with_got(found: Example, ok: bool | None) -> None:
    api = Graded("python")
    (outcome,) = verify(api, "hello", [found], lambda _: None)
    assert outcome.ok is ok
    assert len(api.sent) == (ok is not None)


def test_a_submission_names_the_problem_and_where_it_starts() -> None:
    api = Graded("python")
    verify(api, "hello", [example("AC", Verdict.AC)], lambda _: None)
    assert api.sent == [
        {
            "language": "python",
            "source": {"type": "code", "content": "AC", "filename": "x.py"},
            "problem_id": "hello",
            "entry_point": "x.py",
        }
    ]


def test_a_time_limit_follows_from_those_that_were_accepted() -> None:
    outcomes = verify(Graded("python"), "hello", [example("AC", Verdict.AC), example("WA", Verdict.AC)], lambda _: None)
    assert time_limit_ms(outcomes, Inference(multiplier=10, resolution_s=1)) == 2000
    assert time_limit_ms(outcomes[1:], Inference(10, 1)) is None


def test_golden_packages_are_compared_as_their_tests_are() -> None:
    body = {"language": "python", "source": {"content": "WA"}}
    right = Golden("a/wrong", body, "WA", None, tests=("WA why",), shows={"points": "null"})
    wrong = Golden("a/right", body, "AC", None, says="hello")
    outcomes = verify_golden(Graded(), [right, wrong], lambda _: None)
    assert [one.ok for one in outcomes] == [True, False]
    assert "verdict is not AC" in outcomes[1].message
    assert "hello" in outcomes[1].message

"""The commands that talk HTTP, against a server that answers as told."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from tests.answering import Answer, Api, answering

Run = Callable[..., Result]
LANGUAGES = {"languages": [{"name": "python", "main_file": "main.py"}, {"name": "cpp", "main_file": "main.cpp"}]}


def graded(verdict: str, stdout: str = "hello\n") -> dict[str, Any]:
    usage = {"cpu_time_ms": 12, "wall_time_ms": 34, "memory_bytes": 3_000_000}
    result = {"name": "run", "verdict": verdict, "reason": None, "usage": usage, "points": 2.5}
    execution: dict[str, Any] = {
        "state": "done",
        "verdict": verdict,
        "reason": None,
        "usage": usage,
        "test_results": [result],
    }
    group: dict[str, Any] = {"name": "everything", "parent": None, "verdict": verdict, "points": 2.5, "max_points": 10}
    execution["test_groups"] = [group]
    return {"id": "s1", "language": "python", "execution": {**execution, "stdout": stdout, "stderr": None}}


@pytest.fixture
def platform() -> Iterator[Api]:
    with answering() as made:
        yield made


@pytest.fixture
def run(platform: Api) -> Run:
    environ = {"SHIPD_URL": platform.url, "SHIPD_API_KEY": "key", "COLUMNS": "120"}

    def execute(*arguments: str, **more: str) -> Result:
        return CliRunner().invoke(main, list(arguments), env=environ | more, catch_exceptions=False)

    return execute


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "hello.py"
    path.write_text("print(input())")
    return path


def test_a_file_is_sent_in_the_language_that_it_ends_like(run: Run, platform: Api, program: Path) -> None:
    platform.answers = [Answer(200, LANGUAGES), Answer(201, graded("OK"))]
    result = run("submit", str(program))
    assert (result.exit_code, result.stdout) == (0, "s1\n")
    assert platform.asked[-1].body == {
        "language": "python",
        "source": {"type": "code", "content": "print(input())", "filename": "hello.py"},
    }
    assert platform.asked[-1].headers["authorization"] == "Bearer key"


def test_it_waits_and_shows_the_result(run: Run, platform: Api, program: Path) -> None:
    platform.answers = [Answer(201, graded("OK"))]
    result = run("submit", str(program), "--language", "python@3", "--stdin", str(program), "--wait")
    assert result.exit_code == 0
    assert all(text in result.stdout for text in ("s1", "OK", "12", "34", "hello", "everything", "2.5"))
    posted = platform.asked[0].body
    assert isinstance(posted, dict)
    assert (posted["language"], posted["test_cases"]) == ("python@3", [{"input": {"stdin": "print(input())"}}])


def test_it_exits_with_1_where_it_did_not_pass(run: Run, platform: Api, program: Path) -> None:
    platform.answers = [Answer(201, graded("TLE"))]
    result = run("submit", str(program), "--language", "python", "--wait", "--json")
    assert (result.exit_code, json.loads(result.stdout)["execution"]["verdict"]) == (1, "TLE")


def test_a_folder_is_sent_whole(run: Run, platform: Api, program: Path) -> None:
    platform.answers = [Answer(201, graded("OK"))]
    assert run("submit", str(program.parent), "--language", "python").exit_code == 0
    posted = platform.asked[0].body
    assert isinstance(posted, dict)
    assert [file["path"] for file in posted["source"]["files"]] == ["hello.py"]


def test_an_ending_that_nobody_knows_is_said(run: Run, platform: Api, tmp_path: Path) -> None:
    (tmp_path / "x.cob").write_text("")
    platform.answers = [Answer(200, LANGUAGES)]
    result = run("submit", str(tmp_path / "x.cob"))
    assert (result.exit_code, "known are files in .cpp, .py" in result.stderr) == (1, True)


def test_what_is_refused_is_told_without_a_traceback(run: Run, platform: Api, program: Path) -> None:
    field = {"field": "language", "message": "unknown \x1b[31m", "hint": "use c"}
    platform.answers = [Answer(422, {"error": {"code": "x", "message": "language: unknown", "fields": [field]}})]
    result = run("submit", str(program), "--language", "cobol")
    assert (result.exit_code, "use c" in result.stderr, "\x1b" in result.stderr) == (1, True, False)


@pytest.mark.parametrize("environ", [{"SHIPD_URL": ""}, {"SHIPD_URL": "ftp://x"}, {"SHIPD_API_KEY_FILE": "/none"}])
def test_a_setting_that_is_missing_or_wrong_is_said(run: Run, program: Path, environ: dict[str, str]) -> None:
    result = run("submit", str(program), **environ)
    assert (result.exit_code, next(iter(environ)) in result.stderr, "shipd.env" in result.stderr) == (1, True, True)


def test_a_batch_is_sent_and_shown(run: Run, platform: Api, tmp_path: Path) -> None:
    file = tmp_path / "many.ndjson"
    file.write_text('{"language": "python"}\n\n{"language": "cobol"}\n')
    items = [{"index": 0, "status": 201}, {"index": 1, "status": 422, "error": {"message": "no such [language]"}}]
    batch = {"id": "b1", "counts": {"accepted": 1}, "items": items}
    line = json.dumps({"index": 0, "status": 201, "submission": graded("AC"), "after": "AQ"}).encode() + b"\n"
    platform.answers = [Answer(201, batch), Answer(200, batch), Answer(200, line)]
    result = run("batch", "submit", str(file))
    assert result.exit_code == 1
    assert all(text in result.stdout for text in ("s1", "AC", "HTTP 422", "no such [language]"))
    platform.answers = [Answer(201, batch), Answer(200, batch), Answer(200, line)]
    told = [json.loads(each) for each in run("batch", "submit", str(file), "--json").stdout.splitlines()]
    assert [each["index"] for each in told] == [0, 1]


@pytest.mark.parametrize(("text", "words"), [("{}\n{", "line 2: "), ("[1]\n", "line 1: it is no JSON object")])
def test_a_line_that_is_no_request_is_named(run: Run, platform: Api, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x").write_text(text)
    result = run("batch", "submit", str(tmp_path / "x"))
    assert (result.exit_code, words in result.stderr, platform.asked) == (1, True, [])


def test_events_are_shown_as_they_come(run: Run, platform: Api) -> None:
    events = [
        {"state": "running"},
        {"ordinal": 0, "stream": "stdout", "data": "a\x1b]0;owned\x07"},
        {"ordinal": 0, "stream": "stderr", "data": {"base64": "/w=="}},
        {"state": "done", "verdict": "AC", "reason": None},
    ]
    names = ["state", "output", "output", "done"]
    text = "".join(
        f"id: {n}-0\nevent: {name}\ndata: {json.dumps(data)}\n\n"
        for n, (name, data) in enumerate(zip(names, events, strict=True))
    )
    platform.answers = [Answer(200, text.encode())]
    result = run("watch", "00000000-0000-4000-8000-000000000000")
    assert (result.exit_code, result.stdout) == (0, "a\\x1b]0;owned\\x07")
    assert result.stderr == "state running\n�done AC\n"
    told = run("watch", "00000000-0000-4000-8000-000000000000", "--json").stdout.splitlines()
    assert [json.loads(line)["event"] for line in told] == names

"""What POST /v1/submissions refuses, and how it says so."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from domain.limits import Ranges
from domain.model import Submission

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

DEEP = 100_000
NUL, SURROGATE = "\0", "\ud800"


def code(**fields: object) -> dict[str, object]:
    return {"type": "code", "content": "x"} | fields


def files(*paths: object) -> dict[str, object]:
    return {"type": "files", "files": [{"path": path, "content": ""} for path in paths]}


def case(**fields: object) -> list[object]:
    return [{}, fields]


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"x": value}
    return value


Row = tuple[str, dict[str, object], str]


def modes() -> Iterator[Row]:
    wrong = ("", "0", "9", "0o644", "04755", "2755", "1777", "-644", "rwx", "٠٦٤٤", 0o4755, 4096, -1, True, 1.5)
    for mode in wrong:
        source = {"type": "files", "files": [{"path": "main.py", "content": "", "mode": mode}]}
        yield f"mode {mode!r}", {"source": source}, "source.files[0].mode"


def limits() -> Iterator[Row]:
    for name, allowed in Ranges().items():
        floor, ceiling = allowed.floor, allowed.ceiling
        wrong: list[object] = [floor - 1, ceiling + 1, float(floor), str(floor), True, [], -(10**25)]
        for value in wrong:
            yield f"{name} {value!r}", {"constraints": {name: value}}, f"constraints.{name}"


def not_offered() -> Iterator[Row]:
    for form in ("zip", "tar", "tar.gz", "tar.zst"):
        yield f"archive {form}", {"source": {"type": "archive", "format": form, "data": {"base64": ""}}}, "source.type"
    for url in ("https://example.org/x.git", "file:///etc", "ext::sh -c id", "ssh://git@10.0.0.1/x", "git://x/y"):
        yield f"git {url}", {"source": {"type": "git", "url": url, "branch": "main"}}, "source.type"


def callbacks() -> Iterator[Row]:
    inside = ("https://127.0.0.1/", "https://169.254.169.254/", "https://[fd00::1]/", "https://2130706433/")
    for url in (*inside, "http://example.org/", "https://a@example.org/", "file:///etc/passwd", ""):
        yield f"callback {url}", {"callback": {"url": url, "secret": "long enough"}}, "callback.url"


REFUSED: list[Row] = [
    # what was sent instead of hello world; the field that is named
    ("no language", {"language": None}, "language"),
    ("language of another type", {"language": 3}, "language"),
    ("empty language", {"language": ""}, "language"),
    ("unknown language", {"language": "cobol"}, "language"),
    ("unknown version", {"language": "cpp@98"}, "language"),
    ("version left out", {"language": "cpp@"}, "language"),
    ("NUL in the language", {"language": "c\0"}, "language"),
    ("no source", {"source": None}, "source"),
    ("source is a string", {"source": "print()"}, "source"),
    ("source without type", {"source": {"content": "x"}}, "source.type"),
    ("unknown source type", {"source": {"type": "ftp"}}, "source.type"),
    ("code without content", {"source": {"type": "code"}}, "source.content"),
    ("number as content", {"source": code(content=3)}, "source.content"),
    ("bad base64", {"source": code(content={"base64": "?"})}, "source.content.base64"),
    ("base64 without padding", {"source": code(content={"base64": "AAA"})}, "source.content.base64"),
    ("base64 with a line break", {"source": code(content={"base64": "AAAA\nAAAA"})}, "source.content.base64"),
    ("base64 that is no string", {"source": code(content={"base64": 1})}, "source.content.base64"),
    ("base64 beside more", {"source": code(content={"base64": "", "x": 1})}, "source.content"),
    ("surrogate in a byte field", {"source": code(content=SURROGATE)}, "source.content"),
    ("unknown field of the source", {"source": code(files=[])}, "source.files"),
    ("no file", {"source": files()}, "source.files"),
    ("files is no list", {"source": {"type": "files", "files": {}}}, "source.files"),
    ("file is no object", {"source": {"type": "files", "files": [1]}}, "source.files[0]"),
    ("absolute filename", {"source": code(filename="/etc/passwd")}, "source.filename"),
    ("filename that climbs", {"source": code(filename="../x")}, "source.filename"),
    ("path that climbs", {"source": files("a", "x/../../y")}, "source.files[1].path"),
    ("path ..", {"source": files("..")}, "source.files[0].path"),
    ("path .", {"source": files(".")}, "source.files[0].path"),
    ("path with .", {"source": files("./main.py")}, "source.files[0].path"),
    ("empty path", {"source": files("")}, "source.files[0].path"),
    ("empty component", {"source": files("a//b")}, "source.files[0].path"),
    ("folder", {"source": files("a/")}, "source.files[0].path"),
    ("NUL in a path", {"source": files("a\0b")}, "source.files[0].path"),
    ("surrogate in a path", {"source": files(SURROGATE)}, "source.files[0].path"),
    ("path is a number", {"source": files(7)}, "source.files[0].path"),
    ("long component", {"source": files("x" * 256)}, "source.files[0].path"),
    ("long component in bytes", {"source": files("ü" * 128)}, "source.files[0].path"),
    ("long path", {"source": files("/".join(["x" * 200] * 21))}, "source.files[0].path"),
    ("path twice", {"source": files("main.py", "a", "main.py")}, "source.files[2].path"),
    ("file under a file", {"source": files("main.py", "a", "a/b/c")}, "source.files[2].path"),
    ("file where a folder is", {"source": files("a/b/c", "a/b")}, "source.files[0].path"),
    ("too many files", {"source": files(*map(str, range(1001)))}, "source.files"),
    ("command as entry point", {"entry_point": "npm start"}, "entry_point"),
    ("entry point that is not there", {"entry_point": "other.py"}, "entry_point"),
    ("empty entry point", {"entry_point": ""}, "entry_point"),
    ("no entry point to choose", {"source": files("a.py", "b.py")}, "entry_point"),
    ("arguments as a string", {"arguments": "-v"}, "arguments"),
    ("NUL in an argument", {"arguments": ["ok", NUL]}, "arguments[1]"),
    ("surrogate in an argument", {"arguments": [SURROGATE]}, "arguments[0]"),
    ("number as argument", {"arguments": [1]}, "arguments[0]"),
    ("long arguments", {"arguments": ["x" * 60_000, "x" * 60_000]}, "arguments"),
    ("too many arguments", {"arguments": [""] * 1001}, "arguments"),
    ("test cases as an object", {"test_cases": {}}, "test_cases"),
    ("test case as a string", {"test_cases": ["x"]}, "test_cases[0]"),
    ("too many test cases", {"test_cases": [{}] * 1001}, "test_cases"),
    ("unknown field of a test case", {"test_cases": case(stdin="x")}, "test_cases[1].stdin"),
    ("number as input", {"test_cases": case(input=1)}, "test_cases[1].input"),
    ("list as input", {"test_cases": case(input=[])}, "test_cases[1].input"),
    ("bad base64 as input", {"test_cases": case(input={"base64": "x"})}, "test_cases[1].input.base64"),
    ("unknown field of input", {"test_cases": case(input={"x": 1})}, "test_cases[1].input.x"),
    ("stdin as a number", {"test_cases": case(input={"stdin": 1})}, "test_cases[1].input.stdin"),
    ("surrogate in stdin", {"test_cases": case(input=SURROGATE)}, "test_cases[1].input"),
    (
        "input file that climbs",
        {"test_cases": case(input={"files": [{"path": "../x", "content": ""}]})},
        "test_cases[1].input.files[0].path",
    ),
    (
        "input file in place of a source",
        {"test_cases": case(input={"files": [{"path": "main.py", "content": ""}]})},
        "test_cases[1].input.files[0].path",
    ),
    (
        "input file under a source",
        {"test_cases": case(input={"files": [{"path": "main.py/x", "content": ""}]})},
        "test_cases[1].input.files[0].path",
    ),
    ("NUL in a test's argument", {"test_cases": case(input={"arguments": [NUL]})}, "test_cases[1].input.arguments[0]"),
    (
        "exit code above 255",
        {"test_cases": case(expected_output={"exit_code": 256})},
        "test_cases[1].expected_output.exit_code",
    ),
    (
        "negative exit code",
        {"test_cases": case(expected_output={"exit_code": -1})},
        "test_cases[1].expected_output.exit_code",
    ),
    (
        "mode of an expected file",
        {"test_cases": case(expected_output={"files": [{"path": "x", "content": "", "mode": 420}]})},
        "test_cases[1].expected_output.files[0].mode",
    ),
    (
        "absolute expected file",
        {"test_cases": case(expected_output={"files": [{"path": "/x", "content": ""}]})},
        "test_cases[1].expected_output.files[0].path",
    ),
    ("short timeout", {"test_cases": case(timeout_ms=9)}, "test_cases[1].timeout_ms"),
    ("long timeout", {"test_cases": case(timeout_ms=300_001)}, "test_cases[1].timeout_ms"),
    ("timeout as a fraction", {"test_cases": case(timeout_ms=10.5)}, "test_cases[1].timeout_ms"),
    ("timeout as text", {"test_cases": case(timeout_ms="100")}, "test_cases[1].timeout_ms"),
    ("timeout as a flag", {"test_cases": case(timeout_ms=True)}, "test_cases[1].timeout_ms"),
    ("hidden as a number", {"test_cases": case(is_hidden=1)}, "test_cases[1].is_hidden"),
    ("hidden as text", {"test_cases": case(is_hidden="true")}, "test_cases[1].is_hidden"),
    ("negative points", {"test_cases": case(points=-1)}, "test_cases[1].points"),
    ("points as text", {"test_cases": case(points="1")}, "test_cases[1].points"),
    ("true points", {"test_cases": case(points=True)}, "test_cases[1].points"),
    ("huge points", {"test_cases": case(points=10**30)}, "test_cases[1].points"),
    ("empty test name", {"test_cases": case(name="")}, "test_cases[1].name"),
    ("NUL in a test name", {"test_cases": case(name=NUL)}, "test_cases[1].name"),
    ("long test name", {"test_cases": case(name="x" * 256)}, "test_cases[1].name"),
    ("NUL in a group", {"test_cases": case(group=NUL)}, "test_cases[1].group"),
    ("constraints of a problem", {"problem_id": "aplusb", "constraints": {"memory_mb": 64}}, "constraints"),
    ("checker as a string", {"checker": "exact"}, "checker"),
    ("unknown checker", {"checker": {"type": "fuzzy"}}, "checker.type"),
    ("negative tolerance", {"checker": {"type": "float", "tolerance": -1}}, "checker.tolerance"),
    ("tolerance as text", {"checker": {"type": "float", "tolerance": "1"}}, "checker.tolerance"),
    ("interactor without a source", {"interactor": {"language": "python"}}, "interactor.source"),
    ("region as a number", {"region": 7}, "region"),
    ("empty region", {"region": ""}, "region"),
    ("cache as a number", {"cache": 0}, "cache"),
    ("cache as a word", {"cache": "no"}, "cache"),
    ("cache as a flag's word", {"cache": "compile"}, "cache"),
    ("cache in capitals", {"cache": "EXECUTION"}, "cache"),
    ("cache as an object", {"cache": {"execution": True}}, "cache"),
    ("constraints as a list", {"constraints": []}, "constraints"),
    ("unknown constraint", {"constraints": {"gpus": 1}}, "constraints.gpus"),
    ("network", {"constraints": {"network_enabled": True}}, "constraints.network_enabled"),
    ("network as a number", {"constraints": {"network_enabled": 0}}, "constraints.network_enabled"),
    ("network rules", {"constraints": {"network_rules": []}}, "constraints.network_rules"),
    ("outputs as text", {"outputs": "*.png"}, "outputs"),
    ("output that climbs", {"outputs": ["*.png", "../*"]}, "outputs[1]"),
    ("absolute output", {"outputs": ["/etc/*"]}, "outputs[0]"),
    ("NUL in an output", {"outputs": [NUL]}, "outputs[0]"),
    ("stop as text", {"stop_on_first_failure": "yes"}, "stop_on_first_failure"),
    ("unknown priority", {"priority": "urgent"}, "priority"),
    ("priority as a list", {"priority": []}, "priority"),
    ("NUL in the user", {"user_id": NUL}, "user_id"),
    ("surrogate in the user", {"user_id": SURROGATE}, "user_id"),
    ("user as a number", {"user_id": 1}, "user_id"),
    ("metadata as a list", {"metadata": []}, "metadata"),
    ("large metadata", {"metadata": {"x": "y" * 16_384}}, "metadata"),
    ("deep metadata", {"metadata": nested(9)}, "metadata"),
    ("NUL in metadata", {"metadata": {"a": [{"b": NUL}]}}, "metadata.a[0].b"),
    ("surrogate in metadata", {"metadata": {"a": SURROGATE}}, "metadata.a"),
    ("surrogate as a name in metadata", {"metadata": {SURROGATE: 1}}, "metadata.?"),
    ("id that is no UUID", {"id": "7"}, "id"),
    ("id that is a number", {"id": 7}, "id"),
    ("unknown field", {"souce": 1}, "souce"),
    *not_offered(),
    *callbacks(),
    *modes(),
    *limits(),
]


@pytest.mark.parametrize(("fields", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(api: "Api", backend: "MemoryBackend", fields: dict[str, object], named: str) -> None:
    answer = api.submit(**fields)

    assert answer.status == 422, answer.body
    assert list(answer.fields) == [named]
    assert answer.fields[named]
    assert backend.views == {}


@pytest.mark.parametrize(
    "name",
    [
        *("id", "language", "source", "entry_point", "arguments", "test_cases", "problem_id", "checker", "interactor"),
        *("constraints", "outputs", "stop_on_first_failure", "priority", "region", "cache", "callback", "user_id"),
        *("metadata", "test_groups"),
    ],
)
def test_it_refuses_null(api: "Api", name: str) -> None:
    answer = api.post("/v1/submissions", {"language": "c", "source": code()} | {name: None})

    assert (answer.status, list(answer.fields)) == (422, [name])


def test_it_says_what_to_do(api: "Api") -> None:
    answer = api.submit(constraints={"memory_mb": 9000})

    assert answer.body == {
        "error": {
            "code": "invalid_request",
            "message": "constraints.memory_mb: 9000 is above the ceiling of 8192",
            "fields": [
                {
                    "field": "constraints.memory_mb",
                    "message": "9000 is above the ceiling of 8192",
                    "hint": "use a whole number from 4 to 8192",
                }
            ],
        },
        "request_id": answer.headers["X-Request-ID"],
    }


def test_it_lists_every_bad_field_at_once(api: "Api") -> None:
    answer = api.submit(
        language="cobol",
        source=files("../x", "a", "a/b"),
        test_cases=[{"timeout_ms": 1}, {}, {"input": {"files": [{"path": "/x"}]}, "points": -1}],
        constraints={"memory_mb": 1, "disk_mb": "x"},
        metadata={"a": float("nan")},
        priority=[float("inf")],
        x=1,
    )

    assert answer.status == 422
    assert set(answer.fields) == {
        "language",
        "source.files[0].path",
        "source.files[2].path",
        "test_cases[0].timeout_ms",
        "test_cases[2].input.files[0].path",
        "test_cases[2].input.files[0].content",
        "test_cases[2].points",
        "constraints.memory_mb",
        "constraints.disk_mb",
        "metadata.a",
        "priority",
        "priority[0]",
        "x",
    }


def test_it_names_two_faults_of_one_file(api: "Api") -> None:
    source = {"type": "files", "files": [{"path": "a", "content": ""}, {"path": "a", "content": 3}]}

    assert set(api.submit(source=source).fields) == {"source.files[1].path", "source.files[1].content"}


def test_it_checks_the_whole_as_far_as_parts_are_right(api: "Api") -> None:
    answer = api.submit(entry_point="nowhere.py", problem_id="x", passes=2, priority="urgent")

    assert set(answer.fields) == {"entry_point", "passes", "priority"}


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "1e40", "9" * 5000, "9" * 41, "-" + "9" * 41]
)
def test_it_refuses_numbers_that_are_none(api: "Api", number: str) -> None:
    body = json.dumps({"language": "c", "source": code(), "metadata": {"a": [1, "HERE"]}})

    answer = api.send(body.replace('"HERE"', number).encode())

    assert (answer.status, list(answer.fields)) == (422, ["metadata.a[1]"])


@pytest.mark.parametrize("data", [b"[" * DEEP, b'{"a":' * DEEP, b"[" * 200 + b"]" * 200, b'{"metadata":' + b"[" * DEEP])
def test_it_refuses_what_is_nested_too_deep(api: "Api", data: bytes) -> None:
    answer = api.send(data)

    assert answer.status in (400, 422)


@pytest.mark.parametrize("value", [[[]] * 200_000, {str(n): 1 for n in range(10_001)}], ids=["lists", "names"])
def test_it_does_not_look_at_what_is_too_much(application: Flask, api: "Api", value: object) -> None:
    application.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024

    answer = api.submit(metadata={"x": value})

    assert (answer.status, answer.fields) == (422, {"": "the body has too many parts"})


def test_it_refuses_a_large_body_of_unknown_length(api: "Api") -> None:
    endless = io.BytesIO(b" " * (1024 * 1024 + 1))
    environ = {"wsgi.input_terminated": True, "CONTENT_TYPE": "application/json", "HTTP_AUTHORIZATION": "Bearer admin"}

    with api.http.post("/v1/submissions", input_stream=endless, environ_overrides=environ) as response:
        assert response.status_code == 413


@pytest.mark.parametrize(
    "data", [b"", b"{", b"nul", b"{'a': 1}", b'{"a": 1,}', b"\xff\xfe", b'{"a": "\xff"}', b"\xef\xbb\xbf{}"]
)
def test_it_refuses_what_is_no_json(api: "Api", data: bytes) -> None:
    answer = api.send(data)

    assert answer.status == 400
    assert answer.fields == {}


@pytest.mark.parametrize("data", [b"null", b"[]", b'"x"', b"3", b"true", b"NaN"])
def test_it_refuses_what_is_no_object(api: "Api", data: bytes) -> None:
    answer = api.send(data)

    assert (answer.status, list(answer.fields)) == (422, [""])


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_it_refuses_other_content_types(api: "Api", content_type: str) -> None:
    assert api.send(b"{}", content_type).status == 415


def test_it_refuses_a_large_body(api: "Api") -> None:
    answer = api.send(b" " * (1024 * 1024 + 1))

    assert answer.status == 413
    assert answer.body["error"] == {
        "code": "too_large",
        "message": "the body is larger than the 1048576 bytes that this key may send; send less at once",
        "fields": [],
    }


def test_it_lets_people_send_little_source(api: "Api") -> None:
    api.key = "person"

    assert api.submit(source=code(content="#" * 10_240)).status == 201
    assert list(api.submit(source=code(content="#" * 10_241)).fields) == ["source.content"]
    halves = [{"path": path, "content": "#" * 6000} for path in ("main.py", "b.py")]
    assert list(api.submit(source={"type": "files", "files": halves}).fields) == ["source.files"]


def test_it_counts_decoded_bytes(api: "Api") -> None:
    api.key = "person"

    assert api.submit(source=code(content={"base64": base64.b64encode(b"#" * 10_240).decode()})).status == 201


@pytest.mark.parametrize(
    "wait", ["61", "60.1", "-1", "x", "", "true", "nan", "inf", "1e2", "1e999", "-1e-9", "٣", "0x1", "1" * 400]
)
@pytest.mark.parametrize("path", ["/v1/submissions", "/v1/submissions/00000000-0000-0000-0000-000000000000"])
def test_it_refuses_a_wait_that_is_none(api: "Api", path: str, wait: str) -> None:
    asked = f"{path}?wait={wait}"
    answer = api.post(asked, {}) if path == "/v1/submissions" else api.get(asked)

    assert (answer.status, list(answer.fields)) == (422, ["wait"])


def test_it_refuses_an_unknown_query(api: "Api") -> None:
    assert list(api.post("/v1/submissions?wiat=3", {}).fields) == ["wiat"]
    assert list(api.post("/execute?wait=3", {}).fields) == ["wait"]


def test_it_lists_no_more_than_can_be_read(api: "Api") -> None:
    answer = api.submit(**{f"x{n}": 1 for n in range(3000)})

    assert answer.status == 422
    assert len(answer.fields) == 1000
    assert "3000 fields" in str(answer.body["error"])


def test_it_takes_limits_at_both_ends(api: "Api", sent: Callable[[], Submission]) -> None:
    least = {"timeout_ms": 10, "wall_timeout_ms": 10, "memory_mb": 4, "output_kb": 1, "processes": 1, "disk_mb": 1}

    assert api.submit(constraints=least | {"cpu_millicores": 50}, test_cases=[{"timeout_ms": 10}]).status == 201
    assert sent().constraints.memory_mb == 4

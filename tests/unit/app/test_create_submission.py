import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidRequest, Problem, Unavailable
from domain.limits import Constraints
from domain.model import Cache, Checker, CheckerType, Expectation, File, Priority, Submission, TestCase
from domain.verdict import State, Verdict

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

Sent = Callable[[], Submission]


def test_it_works(api: "Api", sent: Sent) -> None:
    answer = api.submit()

    assert answer.status == 201
    assert answer.headers["Location"] == f"/v1/submissions/{answer.body['id']}"
    assert sent() == Submission(
        language="python",
        sources=(File("main.py", b"print('hello')"),),
        entry_point="main.py",
        test_cases=(TestCase(0, "run"),),
    )


def test_it_understands_every_field(api: "Api", sent: Sent) -> None:
    answer = api.submit(
        language="cpp@20",
        source={
            "type": "files",
            "files": [
                {"path": "src/a.cpp", "content": "int main(){}", "mode": "0755"},
                {"path": "data", "content": {"base64": "AP8="}, "mode": 420},
            ],
        },
        entry_point="src/a.cpp",
        arguments=["-v", "ünï $(x)"],
        test_cases=[
            {"input": "1\n", "expected_output": "2\n"},
            {
                "name": "long form",
                "input": {
                    "stdin": {"base64": "//4="},
                    "files": [{"path": "in.txt", "content": "x"}],
                    "arguments": ["a"],
                },
                "expected_output": {"stdout": "", "files": [{"path": "out.txt", "content": "y"}], "exit_code": 3},
                "timeout_ms": 500,
                "is_hidden": True,
                "points": 7,
                "group": "small",
            },
            {"input": {"base64": "AA=="}, "expected_output": {}},
        ],
        problem_id="aplusb",
        checker={"type": "float", "tolerance": 0.5},
        constraints={
            "timeout_ms": 1000,
            "wall_timeout_ms": 3000,
            "memory_mb": 512,
            "cpu_millicores": 2000,
            "disk_mb": 32,
            "output_kb": 10,
            "processes": 5,
            "network_enabled": False,
        },
        outputs=["out/*.png"],
        stop_on_first_failure=True,
        priority="bulk",
        user_id="someone",
        metadata={"course": ["a", 1, None]},
        cache=False,
    )

    assert answer.status == 201, answer.body
    assert sent() == Submission(
        language="cpp@20",
        sources=(File("src/a.cpp", b"int main(){}", 0o755), File("data", b"\0\xff")),
        entry_point="src/a.cpp",
        arguments=("-v", "ünï $(x)"),
        test_cases=(
            TestCase(0, "1", stdin=b"1\n", expected=Expectation(stdout=b"2\n")),
            TestCase(
                1,
                "long form",
                stdin=b"\xff\xfe",
                files=(File("in.txt", b"x"),),
                arguments=("a",),
                expected=Expectation(b"", (File("out.txt", b"y"),), 3),
                timeout_ms=500,
                is_hidden=True,
                points=7,
                group="small",
            ),
            TestCase(2, "3", stdin=b"\0"),
        ),
        constraints=Constraints(1000, 3000, 512, 2000, 32, 10, 5, file_kb=10),
        checker=Checker(CheckerType.FLOAT, 0.5),
        outputs=("out/*.png",),
        stop_on_first_failure=True,
        priority=Priority.BULK,
        problem_id="aplusb",
        user_id="someone",
        metadata={"course": ["a", 1, None]},
        cache=Cache.NONE,
    )


@pytest.mark.parametrize("more", [{}, {"cache": True}])
def test_what_was_compiled_before_may_be_used_again(api: "Api", sent: Sent, more: dict[str, object]) -> None:
    assert api.submit(**more).status == 201
    assert sent().cache is Cache.COMPILE


def test_earlier_runs_may_be_told_again_where_the_request_says_so(api: "Api", sent: Sent) -> None:
    assert api.submit(cache="execution").status == 201
    assert sent().cache is Cache.EXECUTION


def test_it_answers_what_was_kept(api: "Api") -> None:
    body = api.submit(metadata={"a": 1}, user_id="me", priority="interactive", constraints={"timeout_ms": 2000}).body

    assert body["metadata"] == {"a": 1}
    assert body["user_id"] == "me"
    assert body["priority"] == "interactive"
    assert body["links"] == {"self": f"/v1/submissions/{body['id']}"}
    assert body["constraints"] == {
        "timeout_ms": 2000,
        "wall_timeout_ms": 5000,
        "memory_mb": 256,
        "cpu_millicores": 1000,
        "disk_mb": 64,
        "output_kb": 1024,
        "processes": 64,
        "network_enabled": False,
    }
    execution = body["execution"]
    assert isinstance(execution, dict)
    assert (execution["state"], execution["verdict"], execution["test_results"]) == ("queued", None, [])


@pytest.mark.parametrize(("filename", "path"), [(None, "main.py"), ("other.py", "other.py"), ("pkg/x.py", "pkg/x.py")])
def test_it_names_the_only_source(api: "Api", sent: Sent, filename: str | None, path: str) -> None:
    source = {"type": "code", "content": ""} | ({"filename": filename} if filename else {})

    assert api.submit(source=source).status == 201
    assert (sent().sources[0].path, sent().entry_point) == (path, path)


def test_it_takes_a_path_with_spaces_as_entry_point(api: "Api", sent: Sent) -> None:
    source = {"type": "files", "files": [{"path": "my main.py", "content": ""}, {"path": "x.py", "content": ""}]}

    assert api.submit(source=source, entry_point="my main.py").status == 201
    assert sent().entry_point == "my main.py"


def test_it_takes_test_cases_of_the_same_name(api: "Api", sent: Sent) -> None:
    assert api.submit(test_cases=[{"name": "x"}, {"name": "x"}, {}]).status == 201
    assert [case.name for case in sent().test_cases] == ["x", "x", "3"]


def test_it_takes_an_empty_list_of_test_cases_beside_a_problem(api: "Api", sent: Sent) -> None:
    assert api.submit(test_cases=[], problem_id="label").status == 201
    assert [case.name for case in sent().test_cases] == ["run"]


def test_it_replays_an_id_with_the_same_body(api: "Api", backend: "MemoryBackend") -> None:
    given = str(uuid.uuid4())

    assert api.submit(id=given).status == 201
    again = api.submit(id=given)

    assert (again.status, again.body["id"]) == (200, given)
    assert len(backend.views) == 1


def test_it_replays_the_same_json_written_otherwise(api: "Api") -> None:
    given = uuid.uuid4()
    first = f'{{"id": "{given}", "language": "c", "source": {{"type": "code", "content": "\\u00e9"}}}}'
    other = f'{{"source":{{"content":"é","type":"code"}},"language":"c","id":"{given}"}}'

    assert api.send(first.encode()).status == 201
    assert api.send(other.encode()).status == 200


def test_it_refuses_an_id_with_another_body(api: "Api") -> None:
    given = str(uuid.uuid4())
    api.submit(id=given)

    answer = api.submit(id=given, priority="bulk")

    assert answer.status == 409
    assert answer.body["error"] == {
        "code": "conflict",
        "message": "the id was used before with another body",
        "fields": [],
    }


def test_it_honours_an_idempotency_key(api: "Api", backend: "MemoryBackend") -> None:
    first = api.post("/v1/submissions", _hello(), Idempotency_Key="x")
    again = api.post("/v1/submissions", _hello(), Idempotency_Key="x")
    other = api.post("/v1/submissions", _hello() | {"priority": "bulk"}, Idempotency_Key="x")
    api.key = "person"
    someone_else = api.post("/v1/submissions", _hello(), Idempotency_Key="x")

    assert [answer.status for answer in (first, again, other, someone_else)] == [201, 200, 422, 201]
    assert first.body["id"] == again.body["id"] != someone_else.body["id"]
    assert other.fields == {"Idempotency-Key": "this key was used before with another body"}
    assert len(backend.views) == 2


def test_the_same_json_written_otherwise_is_the_same_body(api: "Api") -> None:
    headers = {"Authorization": "Bearer service", "Idempotency-Key": "x"}
    bodies = (
        b'{"language": "c", "source": {"type": "code", "content": "\\u00e9"}}',
        '{"source":{"content":"é","type":"code"},\n "language":"c"}'.encode(),
    )

    statuses = []
    for data in bodies:
        with api.http.post("/v1/submissions", data=data, content_type="application/json", headers=headers) as response:
            statuses.append(response.status_code)

    assert statuses == [201, 200]


def test_execute_and_submissions_have_their_keys_in_common(api: "Api") -> None:
    first = api.post("/v1/submissions", _hello(), Idempotency_Key="x")
    again = api.post("/execute", _hello(), Idempotency_Key="x")

    assert (again.status, again.body["id"]) == (202, first.body["id"])


def test_a_key_that_was_refused_is_free(api: "Api") -> None:
    refused = api.post("/v1/submissions", _hello() | {"language": 3}, Idempotency_Key="x")

    assert (refused.status, api.post("/v1/submissions", _hello(), Idempotency_Key="x").status) == (422, 201)


def test_it_refuses_an_id_beside_an_idempotency_key(api: "Api") -> None:
    answer = api.post("/v1/submissions", _hello() | {"id": str(uuid.uuid4())}, Idempotency_Key="x")

    assert (answer.status, set(answer.fields)) == (422, {"id"})


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "caf\xe9"])
def test_it_refuses_an_idempotency_key_that_is_none(api: "Api", key: str) -> None:
    answer = api.post("/v1/submissions", _hello(), Idempotency_Key=key)

    assert (answer.status, set(answer.fields)) == (422, {"Idempotency-Key"})


def test_it_waits_when_asked(api: "Api", backend: "MemoryBackend") -> None:
    backend.while_waiting = lambda: _finish(backend)

    answer = api.post("/v1/submissions?wait=2.5", _hello())

    assert backend.waits == [2.5]
    assert answer.status == 201
    execution = answer.body["execution"]
    assert isinstance(execution, dict)
    assert (execution["state"], execution["verdict"]) == ("done", "OK")


def test_it_does_not_wait_otherwise(api: "Api", backend: "MemoryBackend") -> None:
    assert api.submit().status == 201
    assert api.post("/v1/submissions?wait=0", _hello()).status == 201
    assert backend.waits == []


def test_execute_answers_when_done(api: "Api", backend: "MemoryBackend") -> None:
    backend.while_waiting = lambda: _finish(backend)

    assert api.post("/execute", _hello()).status == 200
    assert backend.waits == [60]


def test_execute_answers_the_state_after_a_minute(api: "Api") -> None:
    answer = api.post("/execute", _hello())

    assert answer.status == 202
    execution = answer.body["execution"]
    assert isinstance(execution, dict)
    assert execution["state"] == "queued"


def test_it_tells_what_no_host_can_hold(api: "Api", backend: "MemoryBackend") -> None:
    backend.failure = InvalidRequest(Problem("constraints.memory_mb", "more than any host has", "ask for less"))

    answer = api.submit()

    assert (answer.status, answer.fields) == (422, {"constraints.memory_mb": "more than any host has"})


def test_it_answers_503_while_a_server_is_away(api: "Api", backend: "MemoryBackend") -> None:
    backend.failure = Unavailable("connection to 10.1.2.3 refused")

    answer = api.submit()

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert "10.1.2.3" not in str(answer.body)


def _hello() -> dict[str, object]:
    return {"language": "python", "source": {"type": "code", "content": ""}}


def _finish(backend: "MemoryBackend") -> None:
    for submission_id, view in backend.views.items():
        done = replace(view.execution, state=State.DONE, verdict=Verdict.OK)
        backend.views[submission_id] = replace(view, execution=done)

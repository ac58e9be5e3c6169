"""Judge0's protocol against a backend in memory: what becomes of a request, and of an answer."""

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from app import compat
from app.schemas import judge0
from domain.errors import Unavailable
from domain.limits import Ranges
from domain.model import CheckerType, File, Submission, TestCase, TestResult, Usage
from domain.settings import TREE
from domain.verdict import State, Verdict
from tests.shown import shown
from tests.unit.app.conftest import done, queued

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.app.conftest import Answer, Api, MemoryBackend

HELLO = {"source_code": "print('hello')", "language_id": 71}
TOKEN = "00000000-0000-4000-8000-000000000007"  # nothing secret: it names a submission
SUBMISSIONS = "/compat/judge0/submissions"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def token(api: "Api") -> str:
    """Of a submission that was sent and waits."""
    return str(api.post(SUBMISSIONS, HELLO).body["token"])


def end(backend: "MemoryBackend", token: str, result: TestResult, **fields: object) -> None:
    view = backend.views[uuid.UUID(token)]
    verdict = fields.pop("verdict", result.verdict)
    ended = done(result, verdict=verdict, reason=result.reason, **fields)  # type: ignore[arg-type]
    backend.views[view.id] = replace(view, execution=ended)


def told(api: "Api", token: str, query: str = "?fields=*") -> "dict[str, object]":
    return api.get(f"{SUBMISSIONS}/{token}{query}").body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X_Auth_Token": "service"}, 201),
        ({"X_Auth_Token": "Bearer service"}, 201),
        ({"Authorization": "service"}, 201),
        ({"Authorization": "Bearer service", "X_Auth_Token": "service"}, 201),
        ({"Authorization": "Basic c2VydmljZQ==", "X_RapidAPI_Key": "service"}, 201),
        ({"Authorization": "Bearer service", "X_Auth_Token": ""}, 401),
        ({"Authorization": "Bearer person", "X_Auth_Token": "service"}, 401),
        ({"Authorization": "person", "X_ApiHub_Key": "service"}, 401),
        ({"X_Auth_Token": "service", "X_RapidAPI_Key": "person"}, 401),
        ({"Authorization": "Basic c2VydmljZQ=="}, 401),
        ({"X_Auth_Token": "service,person"}, 401),
        ({}, 401),
    ],
)
def test_exactly_one_key_is_taken(api: "Api", headers: dict[str, str], status: int) -> None:
    api.key = None
    assert api.post(SUBMISSIONS, HELLO, **headers).status == status


def test_it_works(api: "Api", sent: "Callable[[], Submission]") -> None:
    answer = api.post(SUBMISSIONS, HELLO | {"stdin": "1", "expected_output": "hello"})

    assert answer.status == 201
    assert uuid.UUID(str(answer.body["token"])).version == 4
    new = sent()
    assert (new.language, new.sources) == ("python", (File("main.py", b"print('hello')"),))
    assert (new.test_cases[0].stdin, new.test_cases[0].expected.stdout) == (b"1", b"hello")
    assert (new.checker.type, new.metadata) == (CheckerType.LINES, {"judge0": {"language_id": 71}})


def test_limits_come_in_their_units(api: "Api", sent: "Callable[[], Submission]") -> None:
    limits = {
        "cpu_time_limit": 1.5,
        "wall_time_limit": "4",
        "memory_limit": 128000,
        "max_processes_and_or_threads": 8,
        "max_file_size": 64,
        "cpu_extra_time": 0.5,
        "stack_limit": 64000,
    }
    assert api.post(SUBMISSIONS, HELLO | limits).status == 201
    own = sent().constraints
    assert (own.timeout_ms, own.wall_timeout_ms, own.memory_mb) == (1500, 4000, 125)
    assert (own.processes, own.output_kb, own.file_kb) == (8, 64, 64)


def test_null_and_what_is_unknown_are_passed_over(api: "Api", sent: "Callable[[], Submission]") -> None:
    nulls = dict.fromkeys(["stdin", "expected_output", "cpu_time_limit", "callback_url", "additional_files"])
    assert api.post(SUBMISSIONS, HELLO | nulls | {"input": "x", "number_of_runs": 1}).status == 201
    assert sent().test_cases[0].name == "run"


@pytest.mark.parametrize("path", ["", "/"])
def test_base64_with_line_breaks_and_without_its_end_is_read(
    api: "Api", sent: "Callable[[], Submission]", path: str
) -> None:
    body = {"source_code": coded("x = 'é'")[:4] + "\n" + coded("x = 'é'")[4:], "stdin": coded("a").rstrip("=")}
    assert api.post(f"{SUBMISSIONS}{path}?base64_encoded=true", body | {"language_id": "71"}).status == 201
    assert (sent().sources[0].content, sent().test_cases[0].stdin) == ("x = 'é'".encode(), b"a")


def test_arguments_are_split_and_given_to_no_shell(api: "Api", sent: "Callable[[], Submission]") -> None:
    api.post(SUBMISSIONS, HELLO | {"command_line_arguments": "-n 'a b' $(id)"})
    assert sent().arguments == ("-n", "a b", "$(id)")


WRONG: "list[tuple[dict[str, object], str, str]]" = [
    ({"language_id": None}, "language_id", "is missing"),
    ({"language_id": 150000}, "language_id", "there is no language 150000"),
    ({"language_id": 71.5}, "language_id", "whole number"),
    ({"language_id": True}, "language_id", "not a number"),
    ({"source_code": 3}, "source_code", "must be a string"),
    ({"source_code": "\ud800"}, "source_code", "lone surrogate"),
    ({"stdin": "\ud800"}, "stdin", "lone surrogate"),
    ({"expected_output": "\ud800"}, "expected_output", "lone surrogate"),
    ({"cpu_time_limit": 1000}, "cpu_time_limit", "must be from 0.01 to 300"),
    ({"cpu_time_limit": -1}, "cpu_time_limit", "must be from 0.01 to 300"),
    ({"cpu_time_limit": "nan"}, "cpu_time_limit", "not a number"),
    ({"memory_limit": 2048}, "memory_limit", "must be from 4096 to 8388608"),
    ({"max_file_size": 1e30}, "max_file_size", "must be from 1 to 65536"),
    ({"max_processes_and_or_threads": 0}, "max_processes_and_or_threads", "must be from 1 to 512"),
    ({"command_line_arguments": "'a"}, "command_line_arguments", "No closing quotation"),
    ({"command_line_arguments": "a" * 129}, "command_line_arguments", "129 characters"),
    ({"command_line_arguments": "\0"}, "command_line_arguments", "NUL"),
    ({"callback_url": "http://127.0.0.1/"}, "callback_url", "not offered"),
    ({"additional_files": "UEsDBA=="}, "additional_files", "not offered"),
    ({"compiler_options": "-O3"}, "compiler_options", "not offered"),
    ({"redirect_stderr_to_stdout": True}, "redirect_stderr_to_stdout", "not offered"),
    ({"number_of_runs": 3}, "number_of_runs", "not offered"),
    ({"enable_network": True}, "enable_network", "may not use the network"),
]


@pytest.mark.parametrize(("fields", "name", "words"), WRONG)
def test_what_is_wrong_is_told_by_their_names(api: "Api", fields: "dict[str, object]", name: str, words: str) -> None:
    answer = api.post(SUBMISSIONS, HELLO | fields)
    assert (answer.status, list(answer.body)) == (422, [name])
    assert words in str(answer.body[name])


def test_wrong_base64_is_named(api: "Api") -> None:
    answer = api.post(f"{SUBMISSIONS}?base64_encoded=true", HELLO)
    assert (answer.status, list(answer.body)) == (422, ["source_code"])


def test_source_that_is_too_large_for_a_person_is_refused(api: "Api") -> None:
    api.key = "person"
    answer = api.post(SUBMISSIONS, HELLO | {"source_code": "#" * 11_000})
    assert (answer.status, list(answer.body)) == (422, ["source_code"])


@pytest.mark.parametrize(
    ("state", "verdict", "reason", "number"),
    [
        (State.QUEUED, None, None, 1),
        (State.PREPARING, None, None, 2),
        (State.COMPILING, None, None, 2),
        (State.RUNNING, None, None, 2),
        (State.CANCELLED, None, None, 13),
        (State.DONE, Verdict.AC, None, 3),
        (State.DONE, Verdict.OK, None, 3),
        (State.DONE, Verdict.WA, "stdout", 4),
        (State.DONE, Verdict.TLE, "cpu", 5),
        (State.DONE, Verdict.TLE, "wall", 5),
        (State.DONE, Verdict.CE, "exit:1", 6),
        (State.DONE, Verdict.CE, "policy", 6),
        (State.DONE, Verdict.OLE, "stdout", 8),
        (State.DONE, Verdict.MLE, "memory", 12),
        (State.DONE, Verdict.JE, "sandbox", 13),
        (State.DONE, Verdict.RTE, "signal:11", 7),
        (State.DONE, Verdict.RTE, "signal:25", 8),
        (State.DONE, Verdict.RTE, "signal:8", 9),
        (State.DONE, Verdict.RTE, "signal:6", 10),
        (State.DONE, Verdict.RTE, "exit:1", 11),
        (State.DONE, Verdict.RTE, "exit:11", 11),
        (State.DONE, Verdict.RTE, "signal:9", 12),
        (State.DONE, Verdict.RTE, "syscall:ptrace", 12),
        (State.DONE, Verdict.RTE, "processes", 12),
        (State.DONE, Verdict.RTE, "runtime", 12),
        (State.DONE, Verdict.RTE, None, 12),
    ],
)
def test_every_verdict_has_its_status(state: State, verdict: Verdict | None, reason: str | None, number: int) -> None:
    assert judge0.status_id(state, verdict, reason) == number
    assert number in judge0.STATUSES


def test_no_verdict_is_without_a_status() -> None:
    assert {judge0.status_id(State.DONE, verdict, None) for verdict in Verdict} <= set(judge0.STATUSES)


def test_an_answer_has_what_theirs_has(api: "Api", backend: "MemoryBackend", token: str) -> None:
    assert told(api, token, "")["status"] == {"id": 1, "description": "In Queue"}
    end(backend, token, TestResult(0, Verdict.AC, None, 0, None, b"hello\n", b"", Usage(12, 34, 3_000_000)))

    assert told(api, token, "") == {
        "stdout": "hello\n",
        "time": "0.012",
        "memory": 2929,
        "stderr": None,
        "token": token,
        "compile_output": None,
        "message": None,
        "status": {"id": 3, "description": "Accepted"},
    }
    whole = told(api, token)
    assert (whole["exit_code"], whole["exit_signal"], whole["wall_time"]) == (0, None, "0.034")
    assert (whole["language"], whole["language_id"]) == ({"id": 71, "name": "Python"}, 71)
    assert (whole["cpu_time_limit"], whole["memory_limit"]) == ("10.000", 256 * 1024)
    assert str(whole["created_at"]).endswith("Z")


def test_fields_are_those_that_were_asked_for(api: "Api", token: str) -> None:
    assert told(api, token, "?fields=status_id,token") == {"status_id": 1, "token": token}
    answer = api.get(f"{SUBMISSIONS}/{token}?fields=token,secret")
    assert answer.status == 400
    assert "secret' is no such list" in str(answer.body["error"])


def test_texts_are_base64_where_that_was_asked_for(api: "Api", backend: "MemoryBackend", token: str) -> None:
    end(backend, token, TestResult(0, Verdict.RTE, "exit:1", 1, None, "é".encode(), b"\xff", Usage(1, 1, 1)))
    whole = told(api, token, "?base64_encoded=true")
    assert (whole["stdout"], whole["stderr"]) == (coded("é"), base64.b64encode(b"\xff").decode())
    assert (whole["message"], whole["status"]) == (coded("exit:1"), {"id": 11, "description": judge0.STATUSES[11]})


def test_what_is_no_text_is_refused_without_base64(api: "Api", backend: "MemoryBackend", token: str) -> None:
    end(backend, token, TestResult(0, Verdict.OK, None, 0, None, b"\xff"))
    answer = api.get(f"{SUBMISSIONS}/{token}")
    assert (answer.status, "base64_encoded=true" in str(answer.body["error"])) == (400, True)
    assert told(api, token, "?fields=token") == {"token": token}


def test_a_sender_who_waited_for_what_is_no_text_has_the_token(api: "Api", backend: "MemoryBackend") -> None:
    def run() -> None:
        (token,) = map(str, backend.views)
        end(backend, token, TestResult(0, Verdict.OK, None, 0, None, b"\xff"))

    backend.while_waiting = run
    answer = api.post(f"{SUBMISSIONS}?wait=true", HELLO)
    assert (answer.status, set(answer.body)) == (201, {"token", "error"})
    assert backend.waits == [60]


def test_a_long_output_is_told_whole(api: "Api", backend: "MemoryBackend", token: str) -> None:
    whole = ("é" * 100_001).encode()
    end(backend, token, TestResult(0, Verdict.OK, None, 0, None, whole))
    backend.wholes[uuid.UUID(token), 0, "stdout"] = whole
    assert told(api, token, "")["stdout"] == whole.decode()


def test_a_compile_error_has_its_output(api: "Api", backend: "MemoryBackend", token: str) -> None:
    view = backend.views[uuid.UUID(token)]
    ended = done(verdict=Verdict.CE, reason="exit:1", compile_output=shown(b"main.c:1: error"))
    backend.views[view.id] = replace(view, execution=ended)
    whole = told(api, token)
    assert (whole["status_id"], whole["compile_output"], whole["stdout"], whole["time"]) == (
        6,
        "main.c:1: error",
        None,
        None,
    )


def test_hidden_test_cases_stay_hidden(api: "Api", backend: "MemoryBackend") -> None:
    new = Submission("python", (), "main.py", (TestCase(0, "1", is_hidden=True),))
    result = TestResult(
        0, Verdict.RTE, "exit:77", 77, None, b"secret", b"secret", Usage(12, 34, 3_000_000), message="secret"
    )
    view = backend.keep(new, done(result, verdict=Verdict.RTE, reason="exit:77", message="secret"))
    whole = told(api, str(view.id))
    assert "secret" not in json.dumps(whole)
    assert "77" not in json.dumps({name: value for name, value in whole.items() if name != "token"})
    assert (whole["status_id"], whole["message"], whole["exit_code"], whole["time"]) == (12, "runtime", None, "0.010")


def test_another_s_submission_is_none(api: "Api", token: str) -> None:
    api.key = "person"
    answers = [api.get(f"{SUBMISSIONS}/{one}") for one in (token, TOKEN, "x", "%00")]
    assert [answer.status for answer in answers] == [404] * 4
    assert {str(answer.body) for answer in answers} == {str(answers[0].body)}
    assert api.get(f"{SUBMISSIONS}/batch?tokens={token},{TOKEN},x").body == {"submissions": [None, None, None]}


def test_a_batch_answers_for_each(api: "Api", backend: "MemoryBackend") -> None:
    items: list[object] = [HELLO, {"source_code": "x"}, HELLO | {"language_id": 50}, 3]
    answer = api.post(f"{SUBMISSIONS}/batch", {"submissions": items})
    body: list[dict[str, object]] = answer.body  # type: ignore[assignment]
    assert (answer.status, [list(each) for each in body]) == (201, [["token"], ["language_id"], ["token"], ["base"]])
    assert [new.language for new in backend.asked.values()] == ["python", "c"]
    tokens = ",".join(str(each["token"]) for each in body if "token" in each)
    read = api.get(f"{SUBMISSIONS}/batch?tokens={tokens},{TOKEN}&fields=language_id").body["submissions"]
    assert read == [{"language_id": 71}, {"language_id": 50}, None]


def test_too_many_at_once_are_refused(api: "Api", backend: "MemoryBackend") -> None:
    answer = api.post(f"{SUBMISSIONS}/batch", {"submissions": [HELLO] * 21})
    assert (answer.status, list(answer.body), backend.views) == (422, ["submissions"], {})
    answer = api.get(f"{SUBMISSIONS}/batch?tokens={','.join([TOKEN] * 21)}")
    assert (answer.status, list(answer.body)) == (400, ["error"])


def test_one_key_makes_one_submission(api: "Api", backend: "MemoryBackend") -> None:
    tokens = {str(api.post(SUBMISSIONS, HELLO, Idempotency_Key="x").body["token"]) for _ in range(2)}
    assert (len(tokens), len(backend.views)) == (1, 1)
    answer = api.post(f"{SUBMISSIONS}/batch", {"submissions": [HELLO]}, Idempotency_Key="x")
    assert (answer.status, list(answer.body)) == (422, ["Idempotency-Key"])


def test_a_batch_that_breaks_off_keeps_its_tokens(api: "Api", backend: "MemoryBackend") -> None:
    first = backend.create

    def create(*arguments: object, **more: object) -> object:
        backend.failure = Unavailable("the database at 10.0.0.1 is away") if backend.views else None
        return first(*arguments, **more)  # type: ignore[arg-type]

    backend.create = create  # type: ignore[method-assign, assignment]
    body: list[dict[str, object]] = api.post(f"{SUBMISSIONS}/batch", {"submissions": [HELLO] * 3}).body  # type: ignore[assignment]
    assert [list(each) for each in body] == [["token"], ["error"], ["error"]]
    assert "10.0.0.1" not in str(body)
    answer = api.post(f"{SUBMISSIONS}/batch", {"submissions": [HELLO] * 3})
    assert (answer.status, answer.headers["Retry-After"], list(answer.body)) == (503, "5", ["error"])


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Auth_Token": "service"},
        {"X_RapidAPI_Key": "service"},
        {"x_apihub_key": "service"},
        {"Authorization": "Bearer service"},
        {"Authorization": "service"},
    ],
)
def test_the_key_comes_as_their_clients_send_it(api: "Api", headers: "dict[str, str]") -> None:
    api.key = None
    assert api.get("/compat/judge0/statuses", **headers).status == 200


def test_without_a_key_nothing_is_told(api: "Api") -> None:
    api.key = None
    answer = api.get("/compat/judge0/statuses", X_Auth_Token="nobody")
    assert (answer.status, list(answer.body)) == (401, ["error"])
    assert api.get("/v1/submissions", X_Auth_Token="service").status == 401
    for wrong in ("nobody", "a b", ""):
        headers = {"X_Auth_Token": wrong, "Authorization": "Bearer service"}
        assert api.get("/compat/judge0/statuses", **headers).status == 401


@pytest.mark.parametrize(("data", "kind", "status"), [(b"{", "application/json", 400), (b"a=1", "text/plain", 415)])
def test_what_is_no_json_is_an_error_of_theirs(api: "Api", data: bytes, kind: str, status: int) -> None:
    answer = api.send(data, kind, SUBMISSIONS)
    assert (answer.status, list(answer.body)) == (status, ["error"])


def test_languages_are_those_that_a_worker_has(api: "Api", backend: "MemoryBackend") -> None:
    backend.versions = {"python": "3.11.2"}
    listed = listing(api.get("/compat/judge0/languages"))
    assert listed[0] == {"id": 71, "name": "Python (3.11.2)"}
    assert {each["id"] for each in listed} == {71, 92, 100, 109, 113}
    archived = [each for each in listing(api.get("/compat/judge0/languages/all")) if each["is_archived"]]
    assert {"id": 50, "name": "C", "is_archived": True} in archived
    assert api.get("/compat/judge0/languages/71").body["name"] == "Python (3.11.2)"
    assert api.get("/compat/judge0/languages/1").status == 404


def listing(answer: "Answer") -> list[Mapping[str, object]]:
    found: object = answer.body
    assert isinstance(found, list)
    return found


def test_the_configuration_is_in_their_units(api: "Api") -> None:
    config = api.get("/compat/judge0/config_info").body
    assert (config["cpu_time_limit"], config["max_cpu_time_limit"]) == (10.0, 300.0)
    assert (config["memory_limit"], config["max_memory_limit"]) == (256 * 1024, 8192 * 1024)
    assert (config["allow_enable_network"], config["enable_wait_result"]) == (False, True)
    assert judge0.config_json(Ranges(), network=True)["allow_enable_network"] is True


def test_answers_match_the_document(api: "Api", backend: "MemoryBackend", token: str) -> None:
    end(backend, token, TestResult(0, Verdict.AC, None, 0, None, b"x", b"", Usage(12, 34, None)))
    document = api.get("/openapi.json").body["components"]
    assert isinstance(document, dict)
    answer = document["schemas"]["Judge0SubmissionAnswer"]["properties"]
    whole = told(api, token)
    limits = {name for name in whole if name.endswith("_limit") or name.startswith(("max_", "enable_", "number_"))}
    assert set(whole) - limits == set(answer) - {"error"}
    for name in set(whole) - limits - {"status", "language"}:
        plain = {key: value for key, value in answer[name].items() if key == "type"}
        nullable = {"anyOf": [plain, {"type": "null"}]} if answer[name].get("nullable") else plain
        jsonschema_rs.validator_for(nullable).validate(whole[name])


def test_the_names_file_is_whole() -> None:
    names = compat.read_names(TREE / "jail-configs" / "compat.toml")
    assert set(names.judge0) == set(names.piston) == {"c", "cpp", "go", "java", "javascript", "python", "rust"}


@pytest.mark.parametrize(
    "text", ["", "[judge0]\nc = [1]\nd = [1]\n[piston]\n", "[judge0]\n[piston]\nc = []\n", "x", "x=1"]
)
def test_a_names_file_that_is_wrong_is_named(text: str, tmp_path: "object") -> None:
    path = type(TREE)(str(tmp_path)) / "compat.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"compat\.toml: "):
        compat.read_names(path)


def test_what_is_cancelled_is_an_internal_error(api: "Api", backend: "MemoryBackend", token: str) -> None:
    view = backend.views[uuid.UUID(token)]
    backend.views[view.id] = replace(view, execution=replace(queued(), state=State.CANCELLED))
    whole = told(api, token)
    assert (whole["status_id"], whole["message"]) == (13, "cancelled")

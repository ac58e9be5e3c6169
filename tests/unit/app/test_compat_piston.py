"""Piston's protocol against a backend in memory: what becomes of a request, and of an answer."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from app.schemas import piston
from app.schemas.piston import Runtime
from domain.errors import Unavailable
from domain.languages import Languages
from domain.model import File, Submission, TestResult, Usage
from domain.settings import TREE
from domain.verdict import State, Verdict
from domain.views import ExecutionView
from tests.shown import shown
from tests.unit.app.conftest import done, queued

if TYPE_CHECKING:
    from tests.unit.app.conftest import Answer, Api, MemoryBackend

EXECUTE = "/compat/piston/api/v2/execute"
HELLO: "dict[str, object]" = {"language": "python", "version": "*", "files": [{"content": "print('hello')"}]}
FINE = TestResult(0, Verdict.OK, None, 0, None, b"hello\n", b"oh", Usage(12, 34, 3_000_000))
Ends = Callable[[ExecutionView], None]


@pytest.fixture(autouse=True)
def versions(backend: "MemoryBackend") -> None:
    backend.versions = {"python": "3.11.2", "c": "12.2.0, 13.1.0", "go": "1.19"}


@pytest.fixture
def ends(backend: "MemoryBackend") -> Ends:
    """Have the next submission end so while it is waited for."""

    def with_(execution: ExecutionView) -> None:
        def run() -> None:
            (own_id,) = backend.views
            backend.views[own_id] = replace(backend.views[own_id], execution=execution)

        backend.while_waiting = run

    return with_


def test_it_works(api: "Api", ends: Ends, sent: Callable[[], Submission]) -> None:
    ends(done(FINE, verdict=Verdict.OK))
    answer = api.post(EXECUTE, HELLO | {"stdin": "é", "args": ["a b"]})
    assert (answer.status, answer.body) == (
        200,
        {
            "language": "python",
            "version": "3.11.2",
            "run": {
                "stdout": "hello\n",
                "stderr": "oh",
                "output": "hello\noh",
                "code": 0,
                "signal": None,
                "status": None,
                "message": None,
                "cpu_time": 12,
                "wall_time": 34,
                "memory": 3_000_000,
            },
        },
    )
    new = sent()
    assert (new.language, new.sources, new.entry_point) == ("python", (File("main.py", b"print('hello')"),), "main.py")
    assert (new.test_cases[0].stdin, new.arguments) == ("é".encode(), ("a b",))


def test_limits_come_in_their_units(api: "Api", ends: Ends, sent: Callable[[], Submission]) -> None:
    ends(done(FINE))
    limits = {"run_timeout": 3000, "run_memory_limit": 100_000_000, "compile_timeout": 10, "compile_memory_limit": -1}
    assert api.post(EXECUTE, HELLO | limits).status == 200
    own = sent().constraints
    assert (own.wall_timeout_ms, own.timeout_ms, own.memory_mb) == (3000, 3000, 96)


def test_no_limit_is_the_default(api: "Api", ends: Ends, sent: Callable[[], Submission]) -> None:
    ends(done(FINE))
    assert api.post(EXECUTE, HELLO | {"run_timeout": -1, "run_memory_limit": -1, "args": None}).status == 200
    own = sent().constraints
    assert (own.wall_timeout_ms, own.timeout_ms, own.memory_mb) == (None, 10_000, 256)


def test_files_are_decoded_and_the_first_is_run(api: "Api", ends: Ends, sent: Callable[[], Submission]) -> None:
    ends(done(FINE))
    files = [
        {"name": "prog", "content": "cHJpbnQ=\n", "encoding": "base64"},
        {"name": "lib/data.bin", "content": "00 ff", "encoding": "hex"},
        {"content": "x"},
    ]
    assert api.post(EXECUTE, HELLO | {"files": files}).status == 200
    expected = (File("prog.py", b"print"), File("lib/data.bin", b"\x00\xff"), File("file2.code", b"x"))
    assert (sent().sources, sent().entry_point) == (expected, "prog.py")


@pytest.mark.parametrize(
    ("name", "selector", "language"),
    [("py", "3.x", "python"), ("python3", "3.11.2", "python"), ("gcc", ">=12 <13", "c"), ("golang", "^1.19.0", "go")],
)
def test_languages_are_found_by_alias_and_range(
    api: "Api", ends: Ends, sent: Callable[[], Submission], name: str, selector: str, language: str
) -> None:
    ends(done(FINE))
    answer = api.post(EXECUTE, HELLO | {"language": name, "version": selector})
    assert (answer.status, sent().language) == (200, language)


WRONG: "list[tuple[dict[str, object], str]]" = [
    ({"language": None}, "language: is missing"),
    ({"version": None}, "version: is missing"),
    ({"files": None}, "files: is missing"),
    ({"files": []}, "files: must not be empty"),
    ({"files": [{}]}, "files[0].content: is missing"),
    ({"files": [{"content": "x", "name": "../x"}]}, "files[0].name: '../x.py' contains `..`"),
    ({"files": [{"content": "x", "encoding": "utf16"}]}, "files[0].encoding: 'utf16' is unknown"),
    ({"files": [{"content": "x", "encoding": "hex"}]}, "files[0].content: is not hexadecimal"),
    ({"files": [{"content": "?", "encoding": "base64"}]}, "files[0].content: is not valid base64"),
    ({"language": "cobol"}, "cobol-* runtime is unknown"),
    ({"language": "rust"}, "rust-* runtime is unknown"),
    ({"version": "3.10.0"}, "python-3.10.0 runtime is unknown"),
    ({"version": "né"}, "runtime is unknown"),
    ({"stdin": "\ud800"}, "stdin: contains a lone surrogate"),
    ({"args": ["\0"]}, "args[0]: contains a NUL"),
    ({"args": "x"}, "args: must be a list"),
    ({"run_timeout": 1e9}, "run_timeout: must be from 10 to 605000"),
    ({"run_memory_limit": 1}, "run_memory_limit: must be from 4194304 to"),
    ({"run_timeout": "soon"}, "run_timeout: 'soon' is not a number"),
]


@pytest.mark.parametrize(("fields", "words"), WRONG)
def test_what_is_wrong_is_told_in_one_message(api: "Api", fields: "dict[str, object]", words: str) -> None:
    answer = api.post(EXECUTE, HELLO | fields)
    assert (answer.status, list(answer.body)) == (400, ["message"])
    assert words in str(answer.body["message"])


def test_errors_keep_their_status_and_headers(api: "Api", backend: "MemoryBackend") -> None:
    assert (answer := api.send(b"{", path=EXECUTE)).status == 400
    assert list(answer.body) == ["message"]
    assert api.send(b"x", "text/plain", EXECUTE).status == 415
    backend.failure = Unavailable("the database at 10.0.0.1 is away")
    answer = api.get("/compat/piston/api/v2/runtimes")
    assert (answer.status, answer.headers["Retry-After"], "10.0.0.1" in str(answer.body)) == (503, "5", False)


@pytest.mark.parametrize("header", ["service", "Bearer service"])
def test_the_key_comes_as_their_clients_send_it(api: "Api", header: str) -> None:
    api.key = None
    assert api.get("/compat/piston/api/v2/runtimes", Authorization=header).status == 200
    answer = api.get("/compat/piston/api/v2/runtimes", Authorization=header + "x")
    assert (answer.status, list(answer.body)) == (401, ["message"])
    assert api.get("/v1/submissions", Authorization="service").status == 401


ENDS: "list[tuple[Verdict, str | None, int | None, int | None, tuple[object, ...]]]" = [
    (Verdict.AC, None, 0, None, (0, None, None)),
    (Verdict.OK, None, 0, None, (0, None, None)),
    (Verdict.WA, "stdout", 0, None, (0, None, None)),
    (Verdict.TLE, "cpu", None, 9, (None, "SIGKILL", "TO")),
    (Verdict.TLE, "wall", 0, None, (None, "SIGKILL", "TO")),
    (Verdict.MLE, "memory", 0, None, (None, "SIGKILL", "SG")),
    (Verdict.OLE, "stdout", None, 9, (None, "SIGKILL", "OL")),
    (Verdict.OLE, "stderr", None, 9, (None, "SIGKILL", "EL")),
    (Verdict.RTE, "exit:3", 3, None, (3, None, "RE")),
    (Verdict.RTE, "signal:11", None, 11, (None, "SIGSEGV", "SG")),
    (Verdict.RTE, "signal:40", None, 40, (None, "SIG40", "SG")),
    (Verdict.RTE, "syscall:ptrace", None, 31, (None, "SIGSYS", "SG")),
    (Verdict.RTE, "processes", 1, None, (1, None, "RE")),
]


@pytest.mark.parametrize(("verdict", "reason", "code", "number", "told"), ENDS)
def test_every_verdict_has_its_ending(
    api: "Api",
    ends: Ends,
    verdict: Verdict,
    reason: str | None,
    code: int | None,
    number: int | None,
    told: tuple[object, ...],
) -> None:
    ends(
        done(
            replace(FINE, verdict=verdict, reason=reason, exit_code=code, exit_signal=number),
            verdict=verdict,
            reason=reason,
        )
    )
    run = api.post(EXECUTE, HELLO).body["run"]
    assert isinstance(run, dict)
    assert (run["code"], run["signal"], run["status"]) == told


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("exit:1", (1, None)),
        ("signal:11", (None, "SIGSEGV")),
        ("cpu", (None, "SIGKILL")),
        ("memory", (None, "SIGKILL")),
        ("no_program", (1, None)),
        ("policy", (1, None)),
    ],
)
def test_a_compile_error_is_told_as_the_compiler_s(api: "Api", ends: Ends, reason: str, ending: object) -> None:
    ends(done(verdict=Verdict.CE, reason=reason, compile_output=shown(b"main.c:1: error")))
    body = api.post(EXECUTE, HELLO | {"language": "c"}).body
    compiled, run = body["compile"], body["run"]
    assert isinstance(compiled, dict)
    assert isinstance(run, dict)
    assert (compiled["code"], compiled["signal"], compiled["output"]) == (*ending, "main.c:1: error")  # type: ignore[misc]
    assert (run["code"], run["signal"], run["output"]) == (None, None, "")


def test_what_compiled_says_so(api: "Api", ends: Ends) -> None:
    ends(done(FINE, compile_output=shown(b"a warning")))
    compiled = api.post(EXECUTE, HELLO | {"language": "c"}).body["compile"]
    assert isinstance(compiled, dict)
    assert (compiled["code"], compiled["stderr"]) == (0, "a warning")


def test_what_is_no_text_is_replaced(api: "Api", ends: Ends) -> None:
    ends(done(replace(FINE, stdout=b"a\xff")))
    run = api.post(EXECUTE, HELLO).body["run"]
    assert isinstance(run, dict)
    assert run["stdout"] == "a�"


def test_a_long_output_is_told_whole(api: "Api", backend: "MemoryBackend", ends: Ends) -> None:
    whole = b"x" * 100_000
    ends(done(replace(FINE, stdout=whole)))
    keep = backend.while_waiting

    def run() -> None:
        keep()
        (own_id,) = backend.views
        backend.wholes[own_id, 0, "stdout"] = whole

    backend.while_waiting = run
    told = api.post(EXECUTE, HELLO).body["run"]
    assert isinstance(told, dict)
    assert told["stdout"] == whole.decode()


@pytest.mark.parametrize(
    ("execution", "status", "words"),
    [
        (queued(), 504, "it goes on as submission "),
        (replace(queued(), state=State.CANCELLED), 503, "could not be run"),
        (done(verdict=Verdict.JE, reason="sandbox"), 503, "could not be run"),
    ],
)
def test_what_has_no_result_is_an_error(
    api: "Api", ends: Ends, execution: ExecutionView, status: int, words: str
) -> None:
    ends(execution)
    answer = api.post(EXECUTE, HELLO)
    assert (answer.status, list(answer.body)) == (status, ["message"])
    assert words in str(answer.body["message"])


def listing(answer: "Answer") -> list[Mapping[str, object]]:
    found: object = answer.body
    assert isinstance(found, list)
    return found


def test_runtimes_are_those_that_a_worker_has(api: "Api") -> None:
    listed = listing(api.get("/compat/piston/api/v2/runtimes/"))
    assert {"language": "c", "version": "12.2.0", "aliases": ["gcc"]} in listed
    assert [each["language"] for each in listed] == ["c", "go", "python"]
    packages = listing(api.get("/compat/piston/api/v2/packages"))
    assert {"language": "go", "language_version": "1.19.0", "installed": True} in packages
    assert {"language": "javascript", "language_version": "0.0.0", "installed": False} in packages


@pytest.mark.parametrize("selector", ["", "latest", "x" * 1000, "\0", "1.2.3.4.5", "||", "1 - 2 - 3"])
def test_any_selector_is_answered(selector: str) -> None:
    python = Languages.load(TREE / "jail-configs" / "languages").known["python"]
    assert Runtime.of(python, ["python"], "3.11.2").answers_to("python", selector) in {True, False}


def test_answers_match_the_document(api: "Api", ends: Ends) -> None:
    document = api.get("/openapi.json").body["components"]
    assert isinstance(document, dict)
    ends(done(FINE, compile_output=shown(b"")))
    body = api.post(EXECUTE, HELLO | {"language": "c"}).body
    assert set(body) == set(document["schemas"]["PistonAnswer"]["properties"])
    run = body["run"]
    assert isinstance(run, dict)
    stage = document["schemas"]["PistonStage"]["properties"]
    assert set(run) == set(stage)
    for name, value in run.items():
        kinds = stage[name]["type"]
        kinds = kinds if isinstance(kinds, list) else [kinds, "null"]
        jsonschema_rs.validator_for({"type": kinds}).validate(value)


def test_signals_have_names() -> None:
    assert (piston.signal_name(9), piston.signal_name(99)) == ("SIGKILL", "SIG99")

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.model import (
    Artifact,
    CompileCache,
    ExecutionCache,
    ExecutionTelemetry,
    File,
    Phases,
    RunTelemetry,
    Submission,
    TestCase,
    TestResult,
    Usage,
)
from domain.verdict import State, Verdict
from domain.views import ExecutionView, Shown
from tests.shown import shown as as_shown
from tests.shown import shown_result

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

MIB = 1024 * 1024
HELLO = Submission("python", (File("main.py", b""),), "main.py", (TestCase(0, "run"),))
SECRET = "s3cr3t"


def ended(*results: TestResult, verdict: Verdict, reason: str | None = None, **fields: object) -> ExecutionView:
    from tests.unit.app.conftest import queued  # noqa: PLC0415

    done = replace(
        queued(), state=State.DONE, verdict=verdict, reason=reason, results=tuple(map(shown_result, results))
    )
    return replace(done, **fields)  # type: ignore[arg-type]


def read(api: "Api", backend: "MemoryBackend", asked: Submission, execution: ExecutionView) -> dict[str, object]:
    view = backend.keep(asked, execution)
    answer = api.get(f"/v1/submissions/{view.id}")
    assert answer.status == 200
    found = answer.body["execution"]
    assert isinstance(found, dict)
    return found


def cases(*hidden: bool, points: int | None = None) -> Submission:
    numbered = [
        TestCase(n, str(n + 1), stdin=SECRET.encode(), is_hidden=it, points=points) for n, it in enumerate(hidden)
    ]
    return replace(HELLO, test_cases=tuple(numbered))


def test_it_works(api: "Api", backend: "MemoryBackend") -> None:
    result = TestResult(
        0,
        Verdict.AC,
        exit_code=0,
        stdout=b"hello\n",
        stderr=b"\xff",
        usage=Usage(12, 34, 5 * MIB + 1),
        telemetry=RunTelemetry(pids_peak=3),
        points=7,
        artifacts=(Artifact("out/a b.png", 9, "ab" * 32, truncated=True),),
    )
    view = backend.keep(cases(False, points=7), ended(result, verdict=Verdict.AC))

    body = api.get(f"/v1/submissions/{view.id}").body

    execution = body["execution"]
    assert isinstance(execution, dict)
    assert {name: execution[name] for name in ("state", "verdict", "reason", "exit_code", "stdout", "stderr")} == {
        "state": "done",
        "verdict": "AC",
        "reason": None,
        "exit_code": 0,
        "stdout": "hello\n",
        "stderr": {"base64": "/w=="},
    }
    assert (execution["points"], execution["tests_run"], execution["tests_passed"]) == (7, 1, 1)
    assert execution["all_tests_passed"] is True
    assert execution["usage"] == {"cpu_time_ms": 12, "wall_time_ms": 34, "memory_bytes": 5 * MIB + 1}
    (shown,) = execution["test_results"]
    assert "truncated" not in execution
    assert "truncated" not in shown
    assert shown.pop("telemetry")["pids_peak"] == 3
    assert shown == {
        "name": "1",
        "is_hidden": False,
        "group": None,
        "verdict": "AC",
        "reason": None,
        "message": None,
        "exit_code": 0,
        "exit_signal": None,
        "stdout": "hello\n",
        "stderr": {"base64": "/w=="},
        "usage": {"cpu_time_ms": 12, "wall_time_ms": 34, "memory_bytes": 5 * MIB + 1},
        "points": 7,
        "artifacts": [
            {
                "path": "out/a b.png",
                "size_bytes": 9,
                "sha256": "ab" * 32,
                "truncated": True,
                "url": f"/v1/submissions/{view.id}/artifacts/0/out/a%20b.png",
            }
        ],
    }


def test_it_copies_nothing_where_there_are_several_results(api: "Api", backend: "MemoryBackend") -> None:
    results = [TestResult(n, Verdict.OK, exit_code=0, stdout=b"x", usage=Usage(10, 20, n * MIB)) for n in range(2)]

    shown = read(api, backend, cases(False, False), ended(*results, verdict=Verdict.OK))

    assert (shown["exit_code"], shown["stdout"], shown["stderr"]) == (None, None, None)
    assert shown["usage"] == {"cpu_time_ms": 20, "wall_time_ms": 40, "memory_bytes": MIB}
    assert shown["points"] is None


def test_it_says_who_counted_where_it_was_not_the_kernel(api: "Api", backend: "MemoryBackend") -> None:
    result = TestResult(0, Verdict.OK, usage=Usage(1, 2, None, "sampled"))

    shown = read(api, backend, HELLO, ended(result, verdict=Verdict.OK))

    assert shown["usage"] == {"cpu_time_ms": 1, "wall_time_ms": 2, "memory_bytes": None, "source": "sampled"}


def test_it_cuts_long_values_and_links_the_whole(api: "Api", backend: "MemoryBackend") -> None:
    result = TestResult(0, Verdict.OK, stdout=b"x" * 70_000, stderr=b"short")
    view = backend.keep(HELLO, ended(result, verdict=Verdict.OK, compile_output=as_shown(b"y" * 70_000)))

    execution = api.get(f"/v1/submissions/{view.id}").body["execution"]

    assert isinstance(execution, dict)
    (shown,) = execution["test_results"]
    whole = f"/v1/submissions/{view.id}"
    assert (len(shown["stdout"]), shown["stderr"]) == (65_536, "short")
    assert shown["truncated"] == ["stdout"]
    assert shown["links"] == {"stdout": f"{whole}/results/0/stdout"}
    assert execution["truncated"] == ["stdout", "compile_output"]
    assert execution["links"] == {
        "stdout": f"{whole}/results/0/stdout",
        "compile_output": f"{whole}/compile_output",
    }


@pytest.mark.parametrize(("stdout", "cut"), [(b"short", ["artifacts"]), (b"x" * 70_000, ["stdout", "artifacts"])])
def test_it_says_so_where_there_were_more_artifacts(
    api: "Api", backend: "MemoryBackend", stdout: bytes, cut: list[str]
) -> None:
    result = TestResult(0, Verdict.OK, stdout=stdout, artifacts=(Artifact("a", 1, "ab" * 32),), artifacts_cut=True)
    view = backend.keep(HELLO, ended(result, verdict=Verdict.OK))

    execution = api.get(f"/v1/submissions/{view.id}").body["execution"]

    assert isinstance(execution, dict)
    (shown,) = execution["test_results"]
    assert shown["truncated"] == cut
    assert list(shown.get("links", {})) == cut[:-1]
    assert "artifacts" not in execution.get("truncated", [])


def test_it_marks_and_links_what_was_cut_shorter(api: "Api", backend: "MemoryBackend") -> None:
    short = Shown("xé".encode()[:2], 3, is_text=True)
    result = replace(shown_result(TestResult(1, Verdict.OK)), stdout=short, stderr=replace(short, is_text=False))
    view = backend.keep(cases(False, False), replace(ended(verdict=Verdict.OK), results=(result,)))

    execution = api.get(f"/v1/submissions/{view.id}").body["execution"]

    assert isinstance(execution, dict)
    (listed,) = execution["test_results"]
    assert (listed["stdout"], listed["stderr"]) == ("x", {"base64": "eMM="})
    assert listed["truncated"] == ["stdout", "stderr"]
    assert listed["links"]["stderr"] == f"/v1/submissions/{view.id}/results/1/stderr"


def test_it_shows_skipped_results_without_output(api: "Api", backend: "MemoryBackend") -> None:
    results = (TestResult(0, Verdict.WA, "stdout", stdout=b"x"), TestResult(1, None, "skipped"))

    shown = read(api, backend, cases(False, False), ended(*results, verdict=Verdict.WA, reason="stdout"))

    listed = shown["test_results"]
    assert isinstance(listed, list)
    assert [listed[1][name] for name in ("verdict", "reason", "stdout", "stderr")] == [None, "skipped", None, None]
    assert (shown["tests_run"], shown["tests_passed"], shown["all_tests_passed"]) == (1, 0, False)


def test_it_copies_no_output_of_an_only_result_that_was_skipped(api: "Api", backend: "MemoryBackend") -> None:
    shown = read(api, backend, HELLO, ended(TestResult(0, None, "skipped"), verdict=Verdict.JE))

    assert (shown["stdout"], shown["stderr"]) == (None, None)


def test_it_shows_a_compile_error(api: "Api", backend: "MemoryBackend") -> None:
    execution = ended(
        verdict=Verdict.CE, reason="exit:1", compile_output=as_shown(b"main.c:1: no"), message="gcc failed"
    )

    shown = read(api, backend, cases(True), execution)

    assert (shown["verdict"], shown["reason"], shown["compile_output"]) == ("CE", "exit:1", "main.c:1: no")
    assert (shown["message"], shown["test_results"], shown["all_tests_passed"]) == ("gcc failed", [], False)


def test_it_shows_what_is_known_while_it_runs(api: "Api", backend: "MemoryBackend") -> None:
    result = TestResult(0, Verdict.AC, stdout=b"x")
    running = replace(ended(result, verdict=Verdict.AC), state=State.RUNNING, verdict=None)

    shown = read(api, backend, cases(False, False), running)

    assert (shown["state"], shown["verdict"], shown["tests_run"]) == ("running", None, 1)
    assert shown["all_tests_passed"] is False


HIDDEN = TestResult(
    0,
    Verdict.RTE,
    reason="signal:11",
    exit_signal=11,
    stdout=SECRET.encode(),
    stderr=SECRET.encode(),
    usage=Usage(14, 16, 3 * MIB // 2),
    telemetry=RunTelemetry(pids_peak=31_337),
    points=0,
    artifacts=(Artifact(SECRET, 1, "cd" * 32),),
    artifacts_cut=True,
    message=SECRET,
)


def test_it_shows_of_a_hidden_result_only_what_may_be_shown(api: "Api", backend: "MemoryBackend") -> None:
    # The backend does not even read outputs of hidden test cases; the answer would not show them if it did.
    execution = ended(HIDDEN, verdict=Verdict.RTE, reason="signal:11", message=SECRET)
    view = backend.keep(cases(True), execution)

    body = api.get(f"/v1/submissions/{view.id}").body

    shown = body["execution"]
    assert isinstance(shown, dict)
    assert shown["test_results"] == [
        {
            "name": "1",
            "is_hidden": True,
            "verdict": "RTE",
            "reason": "runtime",
            "usage": {"cpu_time_ms": 10, "wall_time_ms": 20, "memory_bytes": 2 * MIB},
            "points": 0,
        }
    ]
    assert [shown[name] for name in ("reason", "message", "exit_code", "stdout", "stderr")] == ["runtime", *[None] * 4]
    assert shown["usage"] == {"cpu_time_ms": 10, "wall_time_ms": 20, "memory_bytes": 2 * MIB}
    for told in (SECRET, "signal", "31337", "cd" * 32):
        assert told not in str(body)


@pytest.mark.parametrize(
    ("verdict", "reason", "shown"),
    [
        (Verdict.WA, "stdout", None),
        (Verdict.WA, "file:secret.txt", None),
        (Verdict.TLE, "cpu", "cpu"),
        (Verdict.TLE, "wall", "wall"),
        (Verdict.MLE, "memory", "memory"),
        (Verdict.OLE, "stderr", "output"),
        (Verdict.RTE, "exit:42", "runtime"),
        (Verdict.RTE, "syscall:ptrace", "runtime"),
        (Verdict.JE, "checker", None),
        (Verdict.AC, None, None),
    ],
)
def test_it_tells_little_of_why_a_hidden_case_failed(
    api: "Api", backend: "MemoryBackend", verdict: Verdict, reason: str | None, shown: str | None
) -> None:
    asked = cases(False, True)
    results = (TestResult(0, Verdict.AC), replace(HIDDEN, ordinal=1, verdict=verdict, reason=reason))

    execution = read(api, backend, asked, ended(*results, verdict=verdict, reason=reason))

    listed = execution["test_results"]
    assert isinstance(listed, list)
    assert (execution["reason"], listed[1]["reason"]) == (shown, shown)


def test_it_tells_why_a_visible_case_failed_beside_hidden_ones(api: "Api", backend: "MemoryBackend") -> None:
    results = (TestResult(0, Verdict.RTE, "exit:3"), replace(HIDDEN, ordinal=1))

    execution = read(api, backend, cases(False, True), ended(*results, verdict=Verdict.RTE, reason="exit:3"))

    assert execution["reason"] == "exit:3"


def test_it_tells_of_our_fault_though_a_hidden_case_failed_before(api: "Api", backend: "MemoryBackend") -> None:
    execution = read(api, backend, cases(True, True), ended(HIDDEN, verdict=Verdict.JE, reason="attempts"))

    assert execution["reason"] == "attempts"


def test_a_sum_does_not_tell_what_a_hidden_case_spent(api: "Api", backend: "MemoryBackend") -> None:
    results = (TestResult(0, Verdict.AC, usage=Usage(3, 4, MIB)), replace(HIDDEN, ordinal=1))
    telemetry = ExecutionTelemetry(Phases(queue_ms=1, run_ms=27), language_metrics={"objects": 31_337})

    execution = read(
        api, backend, cases(False, True), ended(*results, verdict=Verdict.RTE, reason="signal:11", telemetry=telemetry)
    )

    assert execution["usage"] == {"cpu_time_ms": 13, "wall_time_ms": 24, "memory_bytes": 2 * MIB}
    shown = execution["telemetry"]
    assert isinstance(shown, dict)
    assert (shown["phases"]["run_ms"], shown["language_metrics"]) == (30, None)


def test_it_shows_telemetry_where_nothing_is_hidden(api: "Api", backend: "MemoryBackend") -> None:
    telemetry = ExecutionTelemetry(
        Phases(run_ms=27),
        host="vm1",
        worker="vm1-1",
        versions={"nsjail": "3.6"},
        compile=RunTelemetry(page_faults=5),
        compile_usage=Usage(1, 2, 3),
        language_metrics={"objects": 4},
        compile_cache=CompileCache.HIT,
        execution_cache=ExecutionCache.PARTIAL,
    )

    shown = read(api, backend, HELLO, ended(verdict=Verdict.OK, telemetry=telemetry))["telemetry"]

    assert isinstance(shown, dict)
    assert shown["phases"]["run_ms"] == 27
    assert shown["compile"]["page_faults"] == 5
    assert shown["compile"]["system_calls"] is None
    assert (shown["host"], shown["versions"], shown["language_metrics"]) == ("vm1", {"nsjail": "3.6"}, {"objects": 4})
    assert (shown["compile_cache"], shown["execution_cache"]) == ("hit", "partial")


def test_it_marks_what_was_not_run(api: "Api", backend: "MemoryBackend") -> None:
    results = [TestResult(n, Verdict.OK, usage=Usage(1, 2, 3), cached=cached) for n, cached in enumerate((True, False))]
    hidden = TestResult(2, Verdict.OK, usage=Usage(1, 2, 3), cached=True)

    shown = read(api, backend, cases(False, False, True), ended(*results, hidden, verdict=Verdict.OK))["test_results"]

    assert isinstance(shown, list)
    marked, unmarked, unknown = shown
    assert marked["cached"] is True
    assert "cached" not in unmarked
    assert set(unknown) == {"name", "is_hidden", "verdict", "reason", "usage", "points"}


def test_it_waits_when_asked(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO)
    final = backend.keep(HELLO, ended(verdict=Verdict.OK))

    assert api.get(f"/v1/submissions/{view.id}?wait=3").status == 200
    assert api.get(f"/v1/submissions/{final.id}?wait=3").status == 200
    assert backend.waits == [3]


def test_nobody_reads_what_is_anothers(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO)
    api.key = "person"

    answers = [api.get(f"/v1/submissions/{one}") for one in (view.id, uuid.uuid4())]

    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].body["error"] == answers[1].body["error"]


def test_an_administrator_reads_everything(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO)
    api.key = "admin"

    assert api.get(f"/v1/submissions/{view.id}").status == 200


@pytest.mark.parametrize("name", ["7", "x" * 300, "..", "%00", "00000000-0000-0000-0000-00000000000g"])
def test_it_knows_no_other_ids(api: "Api", name: str) -> None:
    answer = api.get(f"/v1/submissions/{name}")

    assert answer.status == 404
    assert answer.fields == {}

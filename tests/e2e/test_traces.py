"""One submission's trace through the whole platform, as OTLP brings it, and its log lines; neither tells secrets."""

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from benchmarks.otlp import Received, Receiver
from standalone.stack import Stack
from tests.waiting import eventually

PARENT = "00f067aa0ba902b7"
HIDDEN = f"hidden{secrets.token_hex(8)}"
"""Stands in all that belongs to a hidden test case."""
OWN = f"own{secrets.token_hex(8)}"
"""Stands in all that its sender may choose."""
SOURCE = f"""
#include <stdio.h>
#include <time.h>
int main(void) {{
    char word[100];
    struct timespec time = {{0, 300000000}};
    nanosleep(&time, NULL);
    scanf("%99s", word);
    puts(word); /* {OWN} */
}}
"""
STORY = {
    *("event", "timestamp", "level", "logger", "request_id", "trace_id", "span_id", "execution_id", "submission_id"),
    *("owner_id", "number", "regrade_id", "attempt", "region", "host", "worker", "slots", "language", "priority"),
    *("verdict", "reason", "test_cases", "queue_ms", "prepare_ms", "compile_ms", "run_ms", "check_ms", "collect_ms"),
    *("total_ms", "cached", "modes", "denied_syscalls"),
    *("cpu_time_ms", "wall_time_ms", "memory_bytes", "compile_cpu_time_ms", "compile_cache", "execution_cache"),
}
"""docs/operations.md, "Logs"."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def traced(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environ = {**receiver.environ, "SHIPD_NETWORK": "off", "SHIPD_SLOTS": "1"}
    with Stack(tmp_path_factory.mktemp("traced"), environ=environ, durable=False) as running:
        yield running


def post(platform: Stack, path: str, body: Mapping[str, object], trace_id: str, flags: str = "01") -> dict[str, Any]:
    headers = {
        "Authorization": f"Bearer {platform.api_key}",
        "traceparent": f"00-{trace_id}-{PARENT}-{flags}",
        "X-Request-ID": f"asks-{trace_id[:8]}",
        "User-Agent": OWN,
    }
    answer = requests.post(platform.url + path, json=body, headers=headers, timeout=90)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def submission() -> dict[str, object]:
    return {
        "language": "c",
        "source": {"type": "code", "content": SOURCE},
        "test_cases": [
            {"name": OWN, "input": OWN, "expected_output": OWN},
            {"name": HIDDEN, "input": HIDDEN, "expected_output": f"not {HIDDEN}", "is_hidden": True},
        ],
        "outputs": [f"{OWN}.txt"],
        "metadata": {"note": OWN},
        "callback": {"url": f"https://localhost/{OWN}", "secret": OWN},
    }


def lines(platform: Stack, program: str, trace_id: str) -> list[dict[str, Any]]:
    text = (platform.folder / "logs" / f"{program}.log").read_text()
    return [json.loads(line) for line in text.splitlines() if trace_id in line]


def written(platform: Stack, trace_id: str) -> list[dict[str, Any]]:
    return [line for program in ("api", "stream", "worker", "deliver") for line in lines(platform, program, trace_id)]


@pytest.fixture(scope="module")
def trace_id(traced: Stack, receiver: Receiver) -> str:
    """Submit within a trace, and wait until the last of it has come."""
    made = secrets.token_hex(16)
    post(traced, "/v1/submissions?wait=60", submission(), made)
    eventually(lambda: {"POST", "finish", "POST /v1/submissions"} <= {one.name for one in receiver.spans(made)})
    eventually(lambda: len({one.span_id for one in receiver.spans(made)}) >= WHOLE)
    eventually(lambda: {line["event"] for line in written(traced, made)} >= TOLD)
    return made


TOLD = {"request", "execution_done", "delivery_tried"}
TREE = {
    "POST /v1/submissions": {"create"},
    "create": {"insert", "enqueue"},
    "enqueue": {"queue", "grade", "deliver"},
    "grade": {"claim", "prepare", "slot", "enter", "compile", "series", "test case", "record", "finish"},
    "compile": {"jail acquire", "jail run"},
    "test case": {"run", "check"},
    "run": {"jail acquire", "jail run", "check", "collect"},
    "finish": {"enqueue"},
    "deliver": {"POST"},
}
"""Which spans belong to which."""
CASES, CASE_SPANS = 2, 7
WHOLE = 1 + 3 + 2 + 10 + 2 + CASES * CASE_SPANS + 3


def test_all_phases_are_there_under_their_parents(traced: Stack, receiver: Receiver, trace_id: str) -> None:
    spans = receiver.spans(trace_id)
    by_id = {one.span_id: one for one in spans}
    (root,) = [one for one in spans if one.parent_id not in by_id]
    assert (root.name, root.parent_id, root.kind, root.service) == (
        "POST /v1/submissions",
        PARENT,
        "SERVER",
        "shipd-api",
    )
    assert root.attributes["http.response.status_code"] == 201
    tree: dict[str, set[str]] = {}
    for one in spans:
        if one is not root:
            tree.setdefault(by_id[one.parent_id].name, set()).add(one.name)
    assert tree == TREE
    assert {one.name for one in spans if one.service == "shipd-deliver"} == {"deliver", "POST"}
    assert not any(one.said or one.events for one in spans)
    assert {one.name for one in spans if one.failed} == {"POST"}  # the receiver's address is refused
    nested = [(one, by_id[one.parent_id]) for one in spans if one.parent_id in by_id]
    for one, parent in nested:
        if one.kind != "CONSUMER" and one.name != "queue":
            assert parent.start_ns <= one.start_ns <= one.end_ns <= parent.end_ns, (one.name, parent.name)


def test_spans_say_what_became_of_it(receiver: Receiver, trace_id: str) -> None:
    def named(name: str) -> list[Received]:
        return [one for one in receiver.spans(trace_id) if one.name == name]

    first, hidden = (one.attributes for one in named("test case"))
    assert (first["shipd.ordinal"], first["shipd.verdict"]) == (0, "AC")
    assert (hidden["shipd.ordinal"], hidden["shipd.verdict"]) == (1, "WA")
    assert "shipd.reason" not in hidden
    assert isinstance(first["shipd.cpu_time_ms"], int)
    assert first["shipd.jail.mode"] in {"cold", "warm", "inner"}
    (compiled,) = named("compile")
    assert compiled.attributes["shipd.compile.cache"] == "miss"
    (graded,) = named("grade")
    assert (graded.attributes["shipd.verdict"], graded.attributes["shipd.language"]) == ("WA", "c")
    assert graded.attributes["messaging.system"] == "celery"


def test_nothing_that_was_sent_is_in_any_span(traced: Stack, receiver: Receiver, trace_id: str) -> None:
    assert receiver.spans(trace_id)
    said = b"".join(receiver.raw)
    for canary in (HIDDEN, OWN, traced.api_key, traced.api_key.rpartition("_")[2]):
        assert canary.encode() not in said


def test_log_lines_bear_the_ids_of_spans(traced: Stack, receiver: Receiver, trace_id: str) -> None:
    spans = {one.span_id: one.name for one in receiver.spans(trace_id)}
    told = written(traced, trace_id)
    assert {line["request_id"] for line in told} == {f"asks-{trace_id[:8]}"}
    named = {line["event"]: spans[line["span_id"]] for line in told}
    assert named["request"] == "POST /v1/submissions"
    assert named["execution_done"] == "grade"
    assert named["delivery_tried"] == "deliver"


def test_one_line_tells_the_whole_story(traced: Stack, trace_id: str) -> None:
    (line,) = [line for line in lines(traced, "worker", trace_id) if line["event"] == "execution_done"]
    assert line.keys() == STORY
    assert (line["verdict"], line["reason"], line["language"], line["priority"]) == ("WA", None, "c", "normal")
    assert line["test_cases"] == {"AC": 1, "WA": 1}
    assert sum(line["modes"].values()) == CASES
    assert (line["compile_cache"], line["attempt"], line["number"], line["slots"]) == ("miss", 1, 1, [0])
    assert line["worker"].startswith(f"{line['host']}/")
    assert line["run_ms"] >= 600
    assert line["total_ms"] >= line["queue_ms"] + line["compile_ms"] + line["run_ms"]
    assert OWN not in str(line)
    assert HIDDEN not in str(line)


def test_who_asks_says_whether_it_is_recorded(traced: Stack, receiver: Receiver, trace_id: str) -> None:
    assert trace_id
    unrecorded, after = secrets.token_hex(16), secrets.token_hex(16)
    program = {"language": "python", "source": {"type": "code", "content": "print(1)"}}
    post(traced, "/v1/submissions?wait=60", program, unrecorded, flags="00")
    post(traced, "/v1/submissions?wait=60", program, after)
    eventually(lambda: "finish" in {one.name for one in receiver.spans(after)})
    assert receiver.spans(unrecorded) == []
    assert [line["event"] for line in eventually(lambda: lines(traced, "worker", unrecorded))] == ["execution_done"]


def test_a_check_of_a_problem_belongs_to_who_asked_for_it(traced: Stack, receiver: Receiver) -> None:
    asked = secrets.token_hex(16)
    name = f"traced-{secrets.token_hex(4)}"
    cases = [{"name": "only", "input": "1", "expected_output": "1"}]
    checker = {"type": "program", "language": "python", "source": {"type": "code", "content": "exit(42)"}}
    problem = {"id": name, "title": "Traced", "test_cases": cases, "checker": {**checker, "protocol": "kattis"}}
    post(traced, "/v1/problems", problem, asked)
    found = eventually(lambda: [one for one in receiver.spans(asked) if one.name == "check problem"])
    assert (found[0].kind, found[0].service) == ("CONSUMER", "shipd-worker")

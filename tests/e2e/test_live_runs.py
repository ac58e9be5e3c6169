"""Live events and interactive runs through the whole platform, seen and typed in Redis as the stream process does."""

import base64
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import cast
from uuid import UUID

import orjson
import pytest
import redis

from domain.live import stream_of
from domain.typed import stream_of as typed_stream_of
from standalone.client import Client
from standalone.stack import Stack
from tests.waiting import eventually
from workers.pieces import MOST_BYTES

Event = tuple[str, dict[str, object]]
Answer = list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]
PATIENCE_S = 30.0
GAME = """
import sys
print("guess?")
while (line := input()) != "7":
    print("higher" if int(line) < 7 else "lower")
print("right", file=sys.stderr)
"""


class Run:
    """One submission that was sent, and what is told of it."""

    def __init__(self, client: Client, kept: "redis.Redis", program: str, **more: object) -> None:
        body = {"language": "python", "source": {"type": "code", "content": program}, **more}
        answer = client.post("/v1/submissions", body)
        assert answer.status == 201, answer.body
        self.client, self.kept = client, kept
        self.path = f"/v1/submissions/{answer.body['id']}"
        execution = answer.body["execution"]
        assert isinstance(execution, dict)
        self.id = UUID(execution["id"])
        self.events: list[Event] = []
        self.place = b"0"

    def type(self, data: bytes) -> None:
        """Type as the stream process does."""
        self.kept.xadd(typed_stream_of(self.id), {"data": data})

    def end_input(self) -> None:
        self.kept.xadd(typed_stream_of(self.id), {"eof": "1"})

    def until(self, event: str, **wanted: object) -> dict[str, object]:
        """Wait for an event with this data."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if (next_event := self._next()) is None:
                continue
            self.events.append(next_event)
            name, data = next_event
            if name == event and wanted.items() <= data.items():
                return data
        raise AssertionError(f"no {event} with {wanted}: {self.events}")

    def _next(self) -> Event | None:
        answer = cast("Answer", self.kept.xread({stream_of(self.id): self.place}, count=1, block=1000))
        for _, [(self.place, fields)] in answer:
            return fields[b"event"].decode(), orjson.loads(fields[b"data"])
        return None

    def written(self, stream: str = "stdout") -> bytes:
        """Put together what was told of a stream."""
        parts = [data["data"] for event, data in self.events if event == "output" and data["stream"] == stream]
        return b"".join(
            part.encode() if isinstance(part, str) else base64.b64decode(part["base64"])  # type: ignore[index]
            for part in parts
        )

    def until_written(self, data: bytes) -> None:
        """Wait until the program has written this."""
        while data not in self.written():
            self.until("output")

    def done(self) -> Mapping[str, object]:
        """Wait for the end, and give the execution as the API tells it."""
        self.until("done")
        answer = self.client.get(self.path)
        execution = answer.body["execution"]
        assert isinstance(execution, dict)
        assert execution["state"] == "done"
        return execution

    def names(self) -> list[str]:
        """The events by name, outputs that follow each other as one."""
        names = [event for event, _ in self.events]
        return [name for at, name in enumerate(names) if (name, names[at - 1 : at]) != ("output", ["output"])]


@pytest.fixture
def kept(stack: Stack) -> Iterator["redis.Redis"]:
    with closing(redis.Redis.from_url(stack.settings.redis_url)) as client:
        yield client


def verdict(execution: Mapping[str, object]) -> tuple[object, object]:
    return execution["verdict"], execution["reason"]


def test_a_game_is_played(stack: Stack, kept: "redis.Redis") -> None:
    run = Run(stack.client, kept, GAME, interactive=True)
    run.until_written(b"guess?\n")
    run.type(b"3\n")
    run.until_written(b"higher\n")
    run.type(b"9")
    run.type(b"\n")
    run.until_written(b"lower\n")
    assert "done" not in run.names()
    run.type(b"7\n")
    execution = run.done()
    assert (*verdict(execution), execution["stdout"]) == ("OK", None, "guess?\nhigher\nlower\n")
    assert (run.written(), run.written("stderr")) == (b"guess?\nhigher\nlower\n", b"right\n")
    assert run.names() == ["state", "state", "output", "test_result", "done"]
    assert [data["state"] for event, data in run.events if event in {"state", "done"}] == [
        "preparing",
        "running",
        "done",
    ]
    eventually(lambda: not kept.exists(typed_stream_of(run.id)))


def test_what_is_typed_is_compared(stack: Stack, kept: "redis.Redis") -> None:
    case = {"expected_output": "guess?"}
    run = Run(stack.client, kept, GAME, interactive=True, test_cases=[case], cache="execution")
    run.type(b"7\n")
    execution = run.done()
    assert verdict(execution) == ("AC", None)
    telemetry = execution["telemetry"]
    assert isinstance(telemetry, dict)
    assert telemetry["execution_cache"] is None


def test_the_end_of_input_is_seen(stack: Stack, kept: "redis.Redis") -> None:
    run = Run(stack.client, kept, "import sys; print(len(sys.stdin.buffer.read()))", interactive=True)
    run.type(b"\xff\x00")
    run.end_input()
    assert run.done()["stdout"] == "2\n"


def test_who_types_nothing_is_ended_by_the_wall(stack: Stack, kept: "redis.Redis") -> None:
    run = Run(stack.client, kept, GAME, interactive=True, constraints={"wall_timeout_ms": 1000})
    assert verdict(run.done()) == ("TLE", "wall")


@pytest.mark.parametrize("first", ["os.close(0)", "pass"], ids=["closed", "unread"])
def test_input_that_is_not_read_harms_nobody(stack: Stack, kept: "redis.Redis", first: str) -> None:
    run = Run(stack.client, kept, f"import os, time\n{first}\ntime.sleep(1)\nprint('done')", interactive=True)
    for _ in range(160):
        run.type(bytes(64 * 1024))
    execution = run.done()
    assert (*verdict(execution), execution["stdout"]) == ("OK", None, "done\n")
    kept.delete(typed_stream_of(run.id))


def test_a_flood_is_told_of_up_to_a_bound(stack: Stack, kept: "redis.Redis") -> None:
    flood = "import os, time\nos.write(1, b'go\\n'); time.sleep(0.3)\nwhile True: os.write(1, b'y\\n' * 32768)"
    run = Run(stack.client, kept, flood)
    execution = run.done()
    assert verdict(execution) == ("OLE", "stdout")
    assert run.written() == b"go\n" + (b"y\n" * 32768)[: MOST_BYTES - 3]
    cut = [data for event, data in run.events if event == "output" and data.get("truncated")]
    assert [(data["offset"], data["data"]) for data in cut] == [(MOST_BYTES, "")]
    assert int(kept.memory_usage(stream_of(run.id)) or 0) < 4 * MOST_BYTES


@contextmanager
def watched(kept: "redis.Redis", marker: str) -> Iterator[list[bytes]]:
    """Give every command that Redis is sent within the block, when it is left."""
    commands: list[bytes] = []
    with kept.monitor() as monitor:  # type: ignore[no-untyped-call] # redis types only some

        def watch() -> None:
            for command in monitor.listen():
                commands.append(repr(command).encode())
                if marker in str(command["command"]):
                    return

        thread = threading.Thread(target=watch)
        thread.start()
        yield commands
        kept.get(marker)
        thread.join()


def test_nothing_of_what_a_hidden_case_writes_is_in_redis(stack: Stack, kept: "redis.Redis") -> None:
    secret, seen = (secrets.token_hex(8) for _ in range(2))
    program = "import sys, time\nfor _ in range(4): print(word := input(), flush=True); time.sleep(0.1)\nsys.exit(3)"
    cases = [{"input": f"{seen}\n" * 4}, {"name": "hidden", "input": f"{secret}\n" * 4, "is_hidden": True}]
    with watched(kept, secrets.token_hex(8)) as commands:
        run = Run(stack.client, kept, program, test_cases=cases)
        run.done()
    assert any(seen.encode() in command for command in commands)
    assert not any(secret.encode() in command for command in commands)
    [hidden] = [data for event, data in run.events if event == "test_result" and data["is_hidden"]]
    assert sorted(hidden) == ["is_hidden", "name", "ordinal", "points", "reason", "usage", "verdict"]
    assert (hidden["verdict"], hidden["reason"]) == ("RTE", "runtime")
    assert {data["ordinal"] for event, data in run.events if event == "output"} == {0}


def test_a_short_run_is_told_of_in_one_go(stack: Stack, kept: "redis.Redis") -> None:
    run = Run(stack.client, kept, "print('hello')")
    assert verdict(run.done()) == ("OK", None)
    assert run.names() == ["state", "state", "output", "test_result", "done"]
    assert run.events[2][1] == {"ordinal": 0, "stream": "stdout", "offset": 0, "data": "hello\n"}

"""The execution cache through the whole platform: nothing is run twice where that was asked for, and only there."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import pytest
import redis

from domain import keys
from domain.db import Database
from standalone.client import Client
from standalone.stack import Stack
from tests.e2e.executing import executed

# What it prints is another thing each time: only what was not run again can be the same.
RANDOM = "import secrets, sys\nsys.stdin.read()\nprint(secrets.token_hex(8))\n"


def execution(client: Client, program: str, /, **more: object) -> Mapping[str, object]:
    """Send Python (unless something else is asked for) that may be told again, wait, and give the execution."""
    source = {"type": "code", "content": program}
    return executed(client, {"language": "python", "source": source, "cache": "execution", **more})


def used(done: Mapping[str, object]) -> object:
    telemetry = done["telemetry"]
    assert isinstance(telemetry, dict)
    return telemetry["execution_cache"]


def results(done: Mapping[str, object]) -> list[dict[str, object]]:
    found = done["test_results"]
    assert isinstance(found, list)
    return found


def marks(done: Mapping[str, object]) -> list[object]:
    return [result.get("cached") for result in results(done)]


@pytest.fixture
def program() -> str:
    """A program that nobody sent before."""
    return f"{RANDOM}# {secrets.token_hex(8)}\n"


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    with closing(Database(stack.settings.database_url, max_size=1)) as db:
        yield db


@pytest.fixture
def kept(stack: Stack) -> Iterator["redis.Redis"]:
    with closing(redis.Redis.from_url(stack.settings.redis_url)) as client:
        yield client


def entries(kept: "redis.Redis") -> set[bytes]:
    return set(kept.scan_iter("shipd:run:*"))


@contextmanager
def added(kept: "redis.Redis") -> Iterator[list[bytes]]:
    """Give the entries that come within the block, when it is left."""
    before, found = entries(kept), list[bytes]()
    yield found
    found += entries(kept) - before


def test_the_second_time_nothing_is_run(stack: Stack, program: str) -> None:
    cases = [{"input": "1", "points": 3}, {"input": "2", "timeout_ms": 5000}]
    first, second = (execution(stack.client, program, test_cases=cases) for _ in range(2))
    assert (used(first), used(second)) == ("miss", "hit")
    assert (marks(first), marks(second)) == ([None, None], [True, True])
    assert results(second) == [result | {"cached": True} for result in results(first)]
    assert (second["verdict"], second["usage"], second["points"]) == ("OK", first["usage"], first["points"])


def test_nobody_has_it_who_does_not_ask(stack: Stack, program: str, kept: "redis.Redis") -> None:
    with added(kept) as new:
        for cache in (True, False):
            assert used(execution(stack.client, program, cache=cache)) is None
    assert new == []
    first = execution(stack.client, program)
    for cache in (True, False):
        other = execution(stack.client, program, cache=cache)
        assert (used(other), marks(other)) == (None, [None])
        assert other["stdout"] != first["stdout"]
    assert execution(stack.client, program)["stdout"] == first["stdout"]


def test_what_is_new_is_run_and_the_rest_is_not(stack: Stack, program: str) -> None:
    one, two, three = ({"input": str(number), "name": f"case {number}"} for number in range(3))
    first = execution(stack.client, program, test_cases=[one, two])
    second = execution(stack.client, program, test_cases=[three, two | {"name": "other", "points": 5}, one])
    assert (used(second), marks(second)) == ("partial", [None, True, True])
    outputs = [[result["stdout"] for result in results(done)] for done in (first, second)]
    assert outputs[1][1:] == outputs[0][::-1]
    assert [(result["name"], result["points"]) for result in results(second)][1:] == [("other", 5), ("case 0", None)]


def test_it_is_told_again_for_as_long_as_the_setting_says(stack: Stack, program: str, kept: "redis.Redis") -> None:
    with added(kept) as new:
        execution(stack.client, program)
    [name] = new
    left_ms = kept.pttl(name)
    assert isinstance(left_ms, int)
    assert 0 < left_ms <= stack.settings.execution_cache_ttl_s * 1000


def test_users_share_nothing(stack: Stack, program: str, database: Database) -> None:
    other = Client(stack.url, keys.create(database, name="other", role="service"))
    cases = [{"input": "1"}, {"input": "2", "is_hidden": True}]
    senders: list[tuple[Client, dict[str, object]]] = [
        (stack.client, {}),
        (other, {}),
        (stack.client, {"user_id": "a"}),
        (stack.client, {"user_id": "b"}),
        (other, {"user_id": "a"}),
    ]
    done = [execution(client, program, test_cases=cases, **more) for client, more in senders]
    assert [used(one) for one in done] == ["miss"] * len(senders)
    assert len({str(results(one)[0]["stdout"]) for one in done}) == len(senders)
    assert [used(execution(client, program, test_cases=cases, **more)) for client, more in senders] == ["hit"] * 5


def test_a_hidden_test_case_shows_no_mark_and_cannot_be_guessed_at(stack: Stack, program: str) -> None:
    hidden = {"input": "secret", "expected_output": "x", "is_hidden": True}
    first, second = (execution(stack.client, program, test_cases=[hidden]) for _ in range(2))
    assert (used(first), used(second)) == ("miss", "hit")
    assert results(first) == results(second)
    assert set(results(second)[0]) == {"name", "is_hidden", "verdict", "reason", "usage", "points"}
    guess = execution(stack.client, program, test_cases=[hidden | {"is_hidden": False}])
    assert (used(guess), marks(guess)) == ("miss", [None])


def test_what_a_failure_left_unrun_stays_so(stack: Stack) -> None:
    program = f"import sys\nsys.exit(int(input()))\n# {secrets.token_hex(8)}\n"
    more = {"test_cases": [{"input": "0"}, {"input": "3"}, {"input": "0 "}], "stop_on_first_failure": True}
    first, second = (execution(stack.client, program, **more) for _ in range(2))
    assert (used(first), used(second)) == ("miss", "hit")
    assert [result["reason"] for result in results(second)] == [None, "exit:3", "skipped"]
    assert marks(second) == [True, True, None]
    assert (second["verdict"], second["reason"], second["tests_run"]) == ("RTE", "exit:3", 2)


ENDINGS = {
    "TLE cpu": "while True: pass",
    "TLE wall": "import time; time.sleep(60)",
    "MLE memory": "x = b'x' * (1 << 30)",
    "OLE stdout": "while True: print('x' * 1000)",
    "RTE signal:11": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "RTE syscall:ptrace": "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)",
    "RTE processes": "from _thread import *; from time import *\nfor _ in range(99): start_new_thread(sleep, (9,))",
}


@pytest.mark.parametrize("end", ENDINGS)
def test_what_did_not_end_by_itself_is_run_again(stack: Stack, end: str, kept: "redis.Redis") -> None:
    program = f"{ENDINGS[end]}\n# {secrets.token_hex(8)}\n"
    wall_timeout_ms = 1500 if end == "TLE wall" else 20_000
    timeout_ms = 500 if end == "TLE cpu" else 10_000
    limits = {"timeout_ms": timeout_ms, "wall_timeout_ms": wall_timeout_ms, "memory_mb": 128, "processes": 8}
    with added(kept) as new:
        done = execution(stack.client, program, constraints=limits)
    assert f"{done['verdict']} {done['reason']}" == end
    assert (used(done), new) == ("miss", [])


def test_what_came_close_to_its_limit_is_run_again(stack: Stack, kept: "redis.Redis") -> None:
    program = f"x = b'x' * (100 << 20)\n# {secrets.token_hex(8)}\n"
    with added(kept) as new:
        assert used(execution(stack.client, program, constraints={"memory_mb": 112})) == "miss"
    assert new == []
    assert [used(execution(stack.client, program, constraints={"memory_mb": 200})) for _ in "12"] == ["miss", "hit"]


def test_a_flushed_redis_costs_a_run(stack: Stack, program: str, kept: "redis.Redis") -> None:
    first = execution(stack.client, program)
    kept.delete(*entries(kept))
    second = execution(stack.client, program)
    assert (used(second), marks(second)) == ("miss", [None])
    assert second["stdout"] != first["stdout"]


@pytest.mark.parametrize("damage", ["cut", "forged", "empty", "moved", "foreign"])
def test_what_is_not_ours_is_never_told(stack: Stack, program: str, kept: "redis.Redis", damage: str) -> None:
    with added(kept) as new:
        first = execution(stack.client, program)
    [name] = new
    entry = kept.get(name)
    assert isinstance(entry, bytes)
    output = str(first["stdout"]).strip().encode()
    assert output in entry
    if damage == "moved":
        with added(kept) as others:
            execution(stack.client, f"print('evil')  # {secrets.token_hex(8)}")
        moved = kept.get(others[0])
        assert isinstance(moved, bytes)
        kept.set(name, moved)
    elif damage == "foreign":
        kept.delete(name)
        kept.rpush(name, "a list")
    else:
        kept.set(name, {"cut": entry[:-1], "forged": entry.replace(output, b"evil".ljust(16)), "empty": b""}[damage])
    second = execution(stack.client, program)
    assert (used(second), marks(second), second["verdict"]) == ("miss", [None], "OK")
    assert second["stdout"] not in (first["stdout"], "evil\n")


def test_what_is_compiled_is_told_again_too(stack: Stack) -> None:
    program = f'#include <iostream>\nint main() {{ std::cout << "{secrets.token_hex(8)}"; return 4; }}\n'
    first, second = (execution(stack.client, program, language="cpp") for _ in range(2))
    assert (used(first), used(second)) == ("miss", "hit")
    assert (second["verdict"], second["reason"], second["stdout"]) == ("RTE", "exit:4", first["stdout"])
    telemetry = second["telemetry"]
    assert isinstance(telemetry, dict)
    assert telemetry["compile_cache"] == "hit"
    broken = [execution(stack.client, program + "?", language="cpp") for _ in range(2)]
    assert [(one["verdict"], used(one)) for one in broken] == [("CE", None)] * 2


def test_artifacts_come_along_while_they_are_there(stack: Stack) -> None:
    program = f"import secrets\nopen('a.txt', 'w').write(secrets.token_hex())\n# {secrets.token_hex(8)}\n"
    first, second = (execution(stack.client, program, outputs=["*.txt"]) for _ in range(2))
    assert used(second) == "hit"
    files = [results(done)[0]["artifacts"] for done in (first, second)]
    assert isinstance(files[0], list)
    assert isinstance(files[1], list)
    assert files[1][0]["sha256"] == files[0][0]["sha256"]
    sha256 = files[0][0]["sha256"]
    (stack.settings.blob_dir / sha256[:2] / sha256[2:4] / sha256).unlink()
    third = execution(stack.client, program, outputs=["*.txt"])
    assert used(third) == "miss"
    files_anew = results(third)[0]["artifacts"]
    assert isinstance(files_anew, list)
    assert files_anew[0]["sha256"] != sha256


@pytest.mark.parametrize("cache", ["no", "compile", "Execution", 1, None, [], {}])
def test_no_other_value_is_taken(stack: Stack, cache: object) -> None:
    body = {"language": "python", "source": {"type": "code", "content": "1"}, "cache": cache}
    answer = stack.client.post("/v1/submissions", body)
    assert answer.status == 422
    error = answer.body["error"]
    assert isinstance(error, dict)
    [field] = error["fields"]
    assert field["field"] == "cache"
    assert field["hint"]

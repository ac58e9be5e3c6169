"""The compile cache through the whole platform: what compiled once is run again, and a poisoned blob never is."""

import secrets
from collections.abc import Mapping
from contextlib import closing

import pytest

from domain import compiled, keys
from domain.db import Database
from standalone.client import Client
from standalone.stack import Stack
from tests.e2e.executing import executed


def execution(client: Client, program: str, /, **more: object) -> Mapping[str, object]:
    """Send C++ (unless something else is asked for), wait, and give the execution."""
    return executed(client, {"language": "cpp", "source": {"type": "code", "content": program}, **more})


def used(done: Mapping[str, object]) -> object:
    telemetry = done["telemetry"]
    assert isinstance(telemetry, dict)
    return telemetry["compile_cache"]


def compile_usage(done: Mapping[str, object]) -> object:
    telemetry = done["telemetry"]
    assert isinstance(telemetry, dict)
    return telemetry["compile_usage"], telemetry["compile"], telemetry["language_metrics"]


@pytest.fixture
def program() -> str:
    """A program that nobody compiled before."""
    return f'#include <bits/stdc++.h>\nint main() {{ std::cout << "{secrets.token_hex(8)}"; }}\n'


def test_the_second_time_it_is_not_compiled(stack: Stack, program: str) -> None:
    first, second = (execution(stack.client, program) for _ in range(2))
    assert (used(first), used(second)) == ("miss", "hit")
    assert (first["verdict"], second["verdict"], second["stdout"]) == ("OK", "OK", first["stdout"])
    assert compile_usage(second) == compile_usage(first)


def test_another_owner_s_is_as_good(stack: Stack, program: str) -> None:
    with closing(Database(stack.settings.database_url, max_size=1)) as db:
        other = Client(stack.url, keys.create(db, name="other", role="service"))
    assert used(execution(stack.client, program)) == "miss"
    assert used(execution(other, program)) == "hit"


def test_what_differs_in_anything_is_compiled(stack: Stack, program: str) -> None:
    files = [{"path": "main.cpp", "content": program}, {"path": "x.h", "content": ""}]
    tree = {"type": "files", "files": files}
    executable = {"type": "files", "files": [files[0], {**files[1], "mode": 0o755}]}
    ways: list[Mapping[str, object]] = [
        {},
        {"language": "cpp@20"},
        {"entry_point": "main.cpp"},
        {"source": tree},
        {"source": executable},
    ]
    assert [used(execution(stack.client, program, **way)) for way in ways] == ["miss"] * len(ways)
    assert used(execution(stack.client, program, language="cpp@17", test_cases=[{"input": "1"}])) == "hit"


def test_a_request_may_keep_away_from_it(stack: Stack, program: str) -> None:
    assert used(execution(stack.client, program, cache=False)) is None
    assert used(execution(stack.client, program)) == "miss"
    assert used(execution(stack.client, program, cache=False)) is None
    assert used(execution(stack.client, program, cache=True)) == "hit"


def test_what_does_not_compile_is_told_again(stack: Stack, program: str) -> None:
    first, second = (execution(stack.client, program + "int f() { return undefined; }") for _ in range(2))
    assert (used(first), used(second)) == ("miss", "hit")
    assert (first["verdict"], first["reason"]) == (second["verdict"], second["reason"]) == ("CE", "exit:1")
    assert first["compile_output"] == second["compile_output"]
    assert "was not declared" in str(second["compile_output"])


def test_a_poisoned_blob_is_never_run(stack: Stack, program: str) -> None:
    first = execution(stack.client, program)
    folder = stack.settings.blob_dir / compiled.FOLDER
    [newest] = sorted((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_mtime_ns)[-1:]
    kept = newest.read_bytes()
    output = str(first["stdout"]).encode()
    assert output in kept
    newest.write_bytes(kept.replace(output, b"evil".ljust(len(output))))
    second = execution(stack.client, program)
    assert (used(second), second["stdout"]) == ("miss", first["stdout"])
    assert used(execution(stack.client, program)) == "hit"


def test_what_is_only_run_has_none(stack: Stack) -> None:
    assert used(execution(stack.client, "print(1)", language="python")) is None

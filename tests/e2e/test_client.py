"""Our own client against the real platform, blocking and awaited, and the commands that use it."""

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from app.cli import main
from client import AsyncClient, Client, InvalidRequest, NotFound, SubmissionRequest, Unauthorized, code, files, to_bytes
from standalone.stack import Stack

ECHO: SubmissionRequest = {
    "language": "python",
    "source": code("print(input())"),
    "test_cases": [{"input": "héllo", "expected_output": "héllo"}],
}


@pytest.fixture(scope="module")
def shipd(stack: Stack) -> Iterator[Client]:
    with Client(stack.url, stack.api_key) as client:
        yield client


def test_it_submits_and_waits(shipd: Client) -> None:
    sent = shipd.submit(ECHO)
    done = shipd.wait(sent["id"])
    assert (done["execution"]["verdict"], done["execution"]["stdout"]) == ("AC", "héllo\n")
    assert shipd.get(sent["id"]) == done
    assert shipd.submit(ECHO, wait=60)["execution"]["state"] == "done"


def test_it_is_awaited(stack: Stack) -> None:
    async def ask() -> list[str | None]:
        async with AsyncClient(stack.url, stack.api_key) as client:
            sent = [await client.submit(ECHO) for _ in range(2)]
            return [(await client.wait(one["id"]))["execution"]["verdict"] for one in sent]

    assert anyio.run(ask) == ["AC", "AC"]


def test_one_key_makes_one_submission(shipd: Client) -> None:
    first, second = (shipd.submit(ECHO, idempotency_key="the one") for _ in range(2))
    assert first["id"] == second["id"]
    assert shipd.submit(ECHO)["id"] != first["id"]


def test_what_is_wrong_is_listed(shipd: Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        shipd.submit({"language": "cobol", "source": code("x"), "constraints": {"memory_mb": 1}})
    assert {problem.field for problem in caught.value.problems} == {"language", "constraints.memory_mb"}
    with pytest.raises(NotFound):
        shipd.get("00000000-0000-4000-8000-000000000000")


def test_a_wrong_key_is_refused(stack: Stack) -> None:
    with Client(stack.url, "nobody") as client, pytest.raises(Unauthorized):
        client.languages()


def test_sources_bytes_and_whole_values_come_through(shipd: Client) -> None:
    source = files({"main.py": "import lib", "lib.py": "import sys\nsys.stdout.buffer.write(b'\\xff' * 70_000)"})
    execution = shipd.submit({"language": "python", "source": source}, wait=60)["execution"]
    assert execution["truncated"] == ["stdout"]
    assert set(to_bytes(execution["stdout"])) == {0xFF}
    assert shipd.download(execution["links"]["stdout"]) == b"\xff" * 70_000


def test_it_lists_what_was_sent(shipd: Client) -> None:
    sent = [shipd.submit(ECHO)["id"] for _ in range(3)]
    listed = shipd.submissions(limit=2)
    assert [next(listed)["id"] for _ in range(3)] == sent[::-1]
    assert "python" in {language["name"] for language in shipd.languages() if language["available"]}


def test_a_file_is_submitted_on_the_command_line(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("print(input())")
    (tmp_path / "stdin").write_text("héllo")
    environ = {"SHIPD_URL": stack.url, "SHIPD_API_KEY": stack.api_key}
    command = ["submit", str(tmp_path / "hello.py"), "--stdin", str(tmp_path / "stdin"), "--wait", "--json"]
    result = CliRunner().invoke(main, command, env=environ, catch_exceptions=False)
    assert (result.exit_code, json.loads(result.stdout)["execution"]["stdout"]) == (0, "héllo\n")

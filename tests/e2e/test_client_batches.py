"""Our client's batches against the real platform: sent once, graded, gathered in order."""

import json
from pathlib import Path

import anyio
from click.testing import CliRunner

from app.cli import main
from client import AsyncClient, BatchItem, Client, SubmissionRequest, code
from standalone.stack import Stack


def echo(number: int) -> SubmissionRequest:
    case = {"input": str(number), "expected_output": "0" if number == 1 else str(number)}
    return {"language": "python", "source": code("print(input())"), "test_cases": [case]}  # type: ignore[list-item]


REQUESTS: list[SubmissionRequest] = [echo(0), echo(1), {"language": "cobol", "source": code("x")}, echo(3)]


def told(items: list[BatchItem]) -> list[object]:
    return [item["submission"]["execution"]["verdict"] if "submission" in item else item["status"] for item in items]


def test_a_batch_is_gathered_in_order(stack: Stack) -> None:
    over: list[int] = []
    with Client(stack.url, stack.api_key) as shipd:
        items = shipd.run_batch(REQUESTS, progress=over.append)
    assert told(items) == ["AC", "WA", 422, "AC"]
    assert items[2]["error"]["fields"][0]["field"] == "language"
    assert sum(over) == 4


def test_it_is_awaited(stack: Stack) -> None:
    async def ask() -> list[BatchItem]:
        async with AsyncClient(stack.url, stack.api_key) as shipd:
            return await shipd.run_batch(REQUESTS)

    assert told(anyio.run(ask)) == ["AC", "WA", 422, "AC"]


def test_one_key_makes_one_batch(stack: Stack) -> None:
    with Client(stack.url, stack.api_key) as shipd:
        first, second = (shipd.send_batch(REQUESTS, wait=60, idempotency_key="a batch") for _ in range(2))
        assert first["id"] == second["id"]
        assert shipd.get_batch(first["id"], wait=60)["done"]
        assert len(list(shipd.results(first["id"]))) == first["counts"]["accepted"] == 3


def test_a_file_is_submitted_on_the_command_line(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "many.ndjson").write_text("\n".join(map(json.dumps, REQUESTS)))
    environ = {"SHIPD_URL": stack.url, "SHIPD_API_KEY": stack.api_key}
    command = ["batch", "submit", str(tmp_path / "many.ndjson"), "--json"]
    result = CliRunner().invoke(main, command, env=environ, catch_exceptions=False)
    assert result.exit_code == 1
    assert told([json.loads(line) for line in result.stdout.splitlines()]) == ["AC", "WA", 422, "AC"]

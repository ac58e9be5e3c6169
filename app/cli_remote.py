"""The commands of `shipd` that talk to a platform over HTTP, as anyone may who has a key."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, cast

import click

from app.cli_parts import as_json, print_groups, print_json, print_table, printable
from domain.environment import Reader

if TYPE_CHECKING:
    # It takes a tenth of a second to import, which the other commands need not wait for.
    from client import BatchItem, Client, Event, Execution, Submission, SubmissionRequest

Arguments = ParamSpec("Arguments")

PASSED = ("AC", "OK")
MIB = 1024 * 1024
INVALID_LINE = "line {}: {}; every line of the file is the body of a POST /v1/submissions"

existing = click.Path(exists=True, path_type=Path)


def told(command: Callable[Arguments, bool]) -> Callable[Arguments, None]:
    """Have what goes wrong told without a traceback, and exit with 1 where not everything passed."""

    @wraps(command)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        from client import ShipdClientError  # noqa: PLC0415 - as said above

        try:
            passed = command(*args, **kwargs)
        except ShipdClientError as error:
            raise click.ClickException(printable(str(error))) from error
        if not passed:
            raise SystemExit(1)

    return run


@contextmanager
def connected() -> Iterator["Client"]:
    """Give a client of the platform that the environment names."""
    from client import Client  # noqa: PLC0415 - as said above

    read = Reader(os.environ)
    try:
        url, key = read.required_url("SHIPD_URL", ("http://", "https://")), read.secret("SHIPD_API_KEY")
    except ValueError as error:
        raise click.ClickException(f"{error}\n`make up` writes both to var/shipd.env: `. var/shipd.env`") from error
    with Client(url, key or "") as connected:
        yield connected


@click.command()
@click.argument("file", type=existing)
@click.option("--language", help="Its name, or name@version; by default the one whose files end like FILE.")
@click.option("--stdin", type=existing, help="What the program reads.")
@click.option("--wait", is_flag=True, help="Wait for the result.")
@as_json
@told
def submit(file: Path, language: str | None, stdin: Path | None, *, wait: bool, as_json: bool) -> bool:
    """Send FILE, or all files of the folder FILE, to be run; exits with 1 where it did not pass.

    Where: SHIPD_URL and SHIPD_API_KEY. Example: shipd submit main.py --stdin input.txt --wait
    """
    from client import code, folder, sources  # noqa: PLC0415 - as said above

    with connected() as api:
        source = folder(file) if file.is_dir() else code(file.read_bytes(), file.name)
        request: SubmissionRequest = {"language": language or _language_of(api, file), "source": source}
        if stdin is not None:
            request["test_cases"] = [{"input": {"stdin": sources.content(stdin.read_bytes())}}]
        sent = api.submit(request)
        found = api.wait(sent["id"]) if wait else sent
    if as_json:
        print_json(found)
    elif wait:
        _print_submission(found)
    else:
        click.echo(found["id"])
    return not wait or found["execution"]["verdict"] in PASSED


def _language_of(api: "Client", file: Path) -> str:
    known = {Path(language["main_file"]).suffix: language["name"] for language in api.languages()}
    if file.suffix not in known:
        endings = ", ".join(sorted(known))
        raise click.ClickException(f"which language is {file.name}? Say --language; known are files in {endings}")
    return known[file.suffix]


def _print_submission(found: "Submission") -> None:
    execution = found["execution"]
    click.echo(f"{found['id']}  {found['language']}  {execution['state']}  {execution['verdict'] or '-'}")
    rows = [
        (result["name"], result["verdict"], result["reason"], result["points"], *_spent(result["usage"] or {}))
        for result in execution["test_results"]
    ]
    print_table("Test results", ("name", "verdict", "reason", "points", "cpu ms", "wall ms", "memory MiB"), rows)
    print_groups(execution["test_groups"])
    for name in ("compile_output", "stdout", "stderr"):
        _print_text(name, execution)


def _print_text(name: str, execution: "Execution") -> None:
    from client import to_bytes  # noqa: PLC0415 - as said above

    text = to_bytes(cast("str | None", execution.get(name))).decode(errors="replace")
    if text:
        click.echo(f"--- {name}\n{printable(text)}", nl=not text.endswith("\n"))


def _spent(usage: object) -> tuple[object, object, object]:
    spent = usage if isinstance(usage, dict) else {}
    memory = spent.get("memory_bytes")
    return spent.get("cpu_time_ms"), spent.get("wall_time_ms"), None if memory is None else -(-memory // MIB)


@click.group()
def batch() -> None:
    """Send many submissions at once."""


@batch.command("submit")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@told
def submit_batch(file: Path, *, as_json: bool) -> bool:
    """Send every line of FILE, each the body of a POST /v1/submissions, and wait for all of them.

    Exits with 1 where one did not pass. Example: shipd batch submit many.ndjson
    """
    from client import progress  # noqa: PLC0415 - as said above

    requests = list(_requests(file))
    with connected() as api, progress.bar(len(requests), file.name) as over:
        items = api.run_batch(requests, progress=over)
    if as_json:
        for item in items:
            click.echo(json.dumps(item))
    else:
        columns = ("nr", "id", "verdict", "reason", "cpu ms", "wall ms", "memory MiB")
        print_table(file.name, columns, [_row(item) for item in items])
    return all(_verdict(item) in PASSED for item in items)


def _requests(file: Path) -> Iterator["SubmissionRequest"]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                body = json.loads(line)
            except ValueError as error:
                raise click.ClickException(INVALID_LINE.format(number, error)) from error
            if not isinstance(body, dict):
                raise click.ClickException(INVALID_LINE.format(number, "it is no JSON object"))
            yield cast("SubmissionRequest", body)


def _verdict(item: "BatchItem") -> str | None:
    return item["submission"]["execution"]["verdict"] if "submission" in item else None


def _row(item: "BatchItem") -> Sequence[object]:
    if "submission" not in item:
        return (item["index"] + 1, None, f"HTTP {item['status']}", item.get("error", {}).get("message"), "", "", "")
    execution = item["submission"]["execution"]
    ended = (execution["verdict"] or execution["state"], execution["reason"])
    return (item["index"] + 1, item["submission"]["id"], *ended, *_spent(execution["usage"]))


@click.command()
@click.argument("submission_id", type=click.UUID)
@as_json
@told
def watch(submission_id: object, *, as_json: bool) -> bool:
    """Show what happens to a submission while it happens, until it is over; exits with 1 where it did not pass."""
    with connected() as api:
        for event in api.events(str(submission_id)):
            if as_json:
                click.echo(json.dumps({"id": event.id, "event": event.event, "data": event.data}))
            else:
                _print_event(event)
            if event.event == "done":
                return event.data.get("verdict") in PASSED
    return False


def _print_event(event: "Event") -> None:
    from client import to_bytes  # noqa: PLC0415 - as said above

    data = event.data
    if event.event == "output":
        text = to_bytes(data.get("data")).decode(errors="replace")
        click.echo(printable(text), nl=False, err=data.get("stream") == "stderr")
        return
    told = [data.get(name) for name in ("name", "verdict", "reason")]
    told = [data.get("state")] if event.event == "state" else told
    click.echo(printable(" ".join([event.event, *(str(each) for each in told if each is not None)])), err=True)

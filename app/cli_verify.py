"""`shipd problem verify`: whether the example submissions of a package come to what they say."""

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app import golden
from app.cli_packages import Packed, checked, print_findings, problem_ids, read, zipped
from app.cli_parts import as_json, print_json, print_table, printable
from app.cli_remote import connected, told
from app.verifying import Outcome, Progress, accepted, time_limit_ms, verify, verify_golden

if TYPE_CHECKING:
    from client import Client
    from client.models import Finding

VERIFIED = "verify"
"""How the ids of problems begin that are stored to verify a package."""
OUTCOMES = ("submission", "language", "expected", "got", "", "cpu ms", "points", "message")


@click.command("verify")
@click.argument("package")
@click.option("--keep", is_flag=True, help="Keep the problem that the package was stored as.")
@click.option("--time-limit-ms", "asked_ms", type=click.IntRange(1), help="Where the package says none.")
@as_json
@told
def verify_package(package: str, asked_ms: int | None, *, keep: bool, as_json: bool) -> bool:
    """Grade every example submission of PACKAGE and print expected against got; exits with 1 where they differ.

    PACKAGE is a folder or a zip, or the id of a problem of yours. A package is stored as a private problem of its own,
    which is removed at the end. Where it says no time limit, one follows from its accepted submissions, as the format
    has it. Example: shipd problem verify tests/problems/aplusb
    """
    path = Path(package)
    with connected() as api:
        if (path / golden.FILE).is_file():
            found = _verified_golden(api, path)
        elif path.exists():
            with zipped(path) as packed:
                found = _verified_package(api, packed, asked_ms, keep=keep)
        else:
            found = _verified_problem(api, problem_ids.convert(package, None, None))
    _print(package, found, as_json=as_json)
    return found.ok


@dataclass(frozen=True)
class Verified:
    """What verifying came to."""

    state: str
    findings: "Sequence[Finding]" = ()
    outcomes: Sequence[Outcome] = ()
    timeout_ms: int | None = None
    inferred: bool = False

    @property
    def ok(self) -> bool:
        """Whether everything came to what it should."""
        return self.state == "ready" and all(one.ok is not False for one in self.outcomes)


def _verified_golden(api: "Client", path: Path) -> Verified:
    try:
        packages = golden.package(path)
    except ValueError as error:
        raise click.ClickException(printable(str(error))) from error
    with _bar(len(packages), path.name) as over:
        return Verified("ready", outcomes=verify_golden(api, packages, over))


def _verified_problem(api: "Client", problem_id: str) -> Verified:
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "problem.zip"
        packed.write_bytes(api.download(f"/v1/problems/{problem_id}/package"))
        examples = read(packed).examples
    with _bar(len(examples), problem_id) as over:
        return Verified("ready", outcomes=verify(api, problem_id, examples, over))


def _verified_package(api: "Client", packed: Path, asked_ms: int | None, *, keep: bool) -> Verified:
    package = read(packed)
    problem_id = f"{VERIFIED}-{uuid.uuid4().hex[:12]}"
    try:
        return _verified_as(api, problem_id, package, asked_ms)
    finally:
        if keep:
            click.echo(f"kept as {problem_id}", err=True)
        else:
            _remove(api, problem_id)


def _verified_as(api: "Client", problem_id: str, package: Packed, asked_ms: int | None) -> Verified:
    sent = api.put_package(problem_id, package.path, timeout_ms=asked_ms)
    state, findings = checked(api, sent)
    inferred = None
    if state == "ready" and not sent["time_limit"]["stated"]:
        first = accepted(package.examples)
        with _bar(len(first), "accepted") as over:
            inferred = time_limit_ms(verify(api, problem_id, first, over), package.inference)
        if inferred is not None:
            sent = api.put_package(problem_id, package.path, timeout_ms=inferred)
            state, findings = checked(api, sent)
    timeout_ms = sent["time_limit"]["timeout_ms"]
    if state != "ready":
        return Verified(state, findings, (), timeout_ms)
    with _bar(len(package.examples), sent["title"]) as over:
        outcomes = verify(api, problem_id, package.examples, over)
    return Verified(state, findings, outcomes, timeout_ms, inferred is not None)


def _remove(api: "Client", problem_id: str) -> None:
    from client import NotFound  # noqa: PLC0415 - it takes a tenth of a second to import

    try:
        api.delete_problem(problem_id)
    except NotFound:
        return  # it was refused before there was any


@contextmanager
def _bar(total: int, title: str) -> Iterator[Progress]:
    from client import progress  # noqa: PLC0415 - it takes a tenth of a second to import

    with progress.bar(total, printable(title)) as over:
        yield over


def _print(package: str, found: Verified, *, as_json: bool) -> None:
    if as_json:
        outcomes = [one.json() for one in found.outcomes]
        limit = {"timeout_ms": found.timeout_ms, "inferred": found.inferred}
        report = list(found.findings)
        print_json(
            {"ok": found.ok, "state": found.state, "time_limit": limit, "report": report, "submissions": outcomes}
        )
        return
    print_findings(found.findings)
    if found.timeout_ms is not None:
        whence = ", by the accepted submissions" if found.inferred else ""
        click.echo(f"time limit {found.timeout_ms} ms{whence}")
    rows = [
        (one.name, one.language, one.expected, one.got, _word(one), one.cpu_time_ms, one.points, one.message or "")
        for one in found.outcomes
    ]
    print_table(package, OUTCOMES, rows)
    wrong = sum(one.ok is False for one in found.outcomes)
    absent = sum(one.ok is None for one in found.outcomes)
    click.echo(f"{found.state}: {len(found.outcomes)} submissions, {wrong} differ, {absent} could not be run")


def _word(outcome: Outcome) -> str:
    return "ok" if outcome.ok else "not run" if outcome.ok is None else "DIFFERS"

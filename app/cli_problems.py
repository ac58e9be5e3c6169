"""`shipd problem`: packages in and out of a platform, and whether their example submissions come to what they say."""

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app import golden
from app.cli_parts import as_json, print_json, print_table, printable
from app.cli_remote import connected, told
from app.verifying import Outcome, Progress, accepted, time_limit_ms, verify, verify_golden
from domain.errors import InvalidRequest
from domain.packages import folder, reading
from domain.packages.limits import Inference
from domain.problem import Example
from domain.problem_limits import ID, ID_HINT

if TYPE_CHECKING:
    from client import Client
    from client.models import Finding, Package

VERIFIED = "verify"
"""How the ids of problems begin that are stored to verify a package."""
FINDINGS = ("stage", "name", "", "message")
OUTCOMES = ("submission", "language", "expected", "got", "", "cpu ms", "points", "message")

existing = click.Path(exists=True, path_type=Path)


class ProblemId(click.ParamType[str]):
    """The id of a problem: it becomes part of a URL, and must not lead elsewhere."""

    name = "problem_id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check its form."""
        if not ID.fullmatch(value):
            self.fail(f"{value[:60]!r} is no name of a problem: {ID_HINT}", param, ctx)
        return value


problem_ids = ProblemId()


@click.group()
def problem() -> None:
    """Bring problem packages to a platform, and verify them: of Kattis and the ICPC, legacy and 2023-07.

    Where: SHIPD_URL and SHIPD_API_KEY.
    """


@problem.command("import")
@click.argument("package", type=existing)
@click.option("--id", "problem_id", type=problem_ids, help="Of the problem; by default the name of PACKAGE.")
@click.option("--time-limit-ms", type=click.IntRange(1), help="Where the package says none.")
@as_json
@told
def import_package(package: Path, problem_id: str | None, time_limit_ms: int | None, *, as_json: bool) -> bool:
    """Send PACKAGE, a folder or a zip, as a problem, or as its next version; exits with 1 where it is refused.

    Example: shipd problem import hello/
    """
    with connected() as api, _zipped(package) as packed:
        own_id = problem_id or problem_ids.convert(_id_of(package), None, None)
        sent = api.put_package(own_id, packed, timeout_ms=time_limit_ms)
        state, findings = _checked(api, sent)
    if as_json:
        print_json({**sent, "state": state, "report": findings})
    else:
        _print_findings(findings)
        click.echo(f"{sent['id']}  version {sent['version']}  {state}  {sent['test_cases']} test cases")
    return state == "ready"


@problem.command("export")
@click.argument("problem_id", type=problem_ids)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_json
@told
def export_package(problem_id: str, file: Path, *, as_json: bool) -> bool:
    """Write a problem as a package of 2023-07 into FILE, a zip.

    Example: shipd problem export hello hello.zip
    """
    with connected() as api:
        file.write_bytes(api.download(f"/v1/problems/{problem_id}/package"))
    if as_json:
        print_json({"id": problem_id, "file": str(file), "size_bytes": file.stat().st_size})
    return True


@problem.command("list")
@as_json
@told
def list_problems(*, as_json: bool) -> bool:
    """List the problems that you may submit to or that are yours."""
    found, cursor = [], None
    with connected() as api:
        while True:
            page = api.problems(cursor=cursor)
            found.extend(page["problems"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
    if as_json:
        print_json({"problems": found})
    else:
        rows = [(one["id"], one.get("title"), one.get("visibility")) for one in found]
        print_table("Problems", ("id", "title", "visibility"), rows)
    return True


@problem.command("show")
@click.argument("problem_id", type=problem_ids)
@as_json
@told
def show_problem(problem_id: str, *, as_json: bool) -> bool:
    """Show a problem as the API tells of it."""
    with connected() as api:
        found = api.problem(problem_id)
    if as_json:
        print_json(found)
    else:
        print_table(problem_id, ("", ""), [(name, value) for name, value in found.items() if value or value == 0])
    return True


@problem.command("verify")
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
            with _zipped(path) as packed:
                found = _verified_package(api, packed, asked_ms, keep=keep)
        else:
            found = _verified_problem(api, problem_ids.convert(package, None, None))
    _print(package, found, as_json=as_json)
    return found.ok


@dataclass(frozen=True)
class _Packed:
    """A package in a file, with what is to be verified of it."""

    path: Path
    examples: tuple[Example, ...]
    inference: Inference


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
        examples = _read(packed).examples
    with _bar(len(examples), problem_id) as over:
        return Verified("ready", outcomes=verify(api, problem_id, examples, over))


def _verified_package(api: "Client", packed: Path, asked_ms: int | None, *, keep: bool) -> Verified:
    package = _read(packed)
    problem_id = f"{VERIFIED}-{uuid.uuid4().hex[:12]}"
    try:
        return _verified_as(api, problem_id, package, asked_ms)
    finally:
        if keep:
            click.echo(f"kept as {problem_id}", err=True)
        else:
            _remove(api, problem_id)


def _verified_as(api: "Client", problem_id: str, package: _Packed, asked_ms: int | None) -> Verified:
    sent = api.put_package(problem_id, package.path, timeout_ms=asked_ms)
    state, findings = _checked(api, sent)
    inferred = None
    if state == "ready" and not sent["time_limit"]["stated"]:
        first = accepted(package.examples)
        with _bar(len(first), "accepted") as over:
            inferred = time_limit_ms(verify(api, problem_id, first, over), package.inference)
        if inferred is not None:
            sent = api.put_package(problem_id, package.path, timeout_ms=inferred)
            state, findings = _checked(api, sent)
    timeout_ms = sent["time_limit"]["timeout_ms"]
    if state != "ready":
        return Verified(state, findings, (), timeout_ms)
    with _bar(len(package.examples), sent["title"]) as over:
        outcomes = verify(api, problem_id, package.examples, over)
    return Verified(state, findings, outcomes, timeout_ms, inferred is not None)


def _checked(api: "Client", sent: "Package") -> "tuple[str, list[Finding]]":
    """Wait until a version is checked, and give what was found on the way in and then."""
    if sent["state"] != "checking":
        return sent["state"], sent["report"]
    version = api.checked_version(sent["id"], sent["version"])["version"]
    return version["state"], [*sent["report"], *version.get("report", [])]


def _remove(api: "Client", problem_id: str) -> None:
    from client import NotFound  # noqa: PLC0415 - it takes a tenth of a second to import

    try:
        api.delete_problem(problem_id)
    except NotFound:
        return  # it was refused before there was any


def _read(packed: Path) -> _Packed:
    try:
        with folder.opened(packed) as tree:
            return _Packed(packed, reading.examples(tree), reading.inferred(tree))
    except InvalidRequest as error:
        raise click.ClickException(printable(_refusal(error))) from error


@contextmanager
def _zipped(package: Path) -> Iterator[Path]:
    """Give a package as one file."""
    if package.is_file():
        yield package
        return
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "package.zip"
        try:
            with folder.opened(package) as tree, packed.open("wb") as file:
                folder.pack(tree, file)
        except InvalidRequest as error:
            raise click.ClickException(printable(_refusal(error))) from error
        yield packed


def _refusal(error: InvalidRequest) -> str:
    first = error.problems[0]
    return f"{first.field}: {first.message}; {first.hint}" if first.hint else f"{first.field}: {first.message}"


def _id_of(package: Path) -> str:
    name = package.resolve().name
    return name.removesuffix(".zip").removesuffix(".kpp").lower().replace(" ", "-")


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
    _print_findings(found.findings)
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


def _print_findings(findings: "Sequence[Finding]") -> None:
    if findings:
        rows = [(one["stage"], one["name"], "ok" if one["ok"] else "!", one["message"]) for one in findings]
        print_table("Report", FINDINGS, rows)

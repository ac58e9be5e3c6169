"""Problem packages as the command sends them, and what a platform says of them."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli_parts import print_table, printable
from domain.errors import InvalidRequest
from domain.packages import folder, reading
from domain.packages.limits import Inference
from domain.problem import Example
from domain.problem_limits import ID, ID_HINT

if TYPE_CHECKING:
    from client import Client
    from client.models import Finding, Package

FINDINGS = ("stage", "name", "", "message")


class ProblemId(click.ParamType[str]):
    """The id of a problem: it becomes part of a URL, and must not lead elsewhere."""

    name = "problem_id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check its form."""
        if not ID.fullmatch(value):
            self.fail(f"{value[:60]!r} is no name of a problem: {ID_HINT}", param, ctx)
        return value


problem_ids = ProblemId()


@dataclass(frozen=True)
class Packed:
    """A package in a file, with what is to be verified of it."""

    path: Path
    examples: tuple[Example, ...]
    inference: Inference


def read(packed: Path) -> Packed:
    """Read what a package is to be verified by; what is wrong with it ends the command."""
    try:
        with folder.opened(packed) as tree:
            return Packed(packed, reading.examples(tree), reading.inferred(tree))
    except InvalidRequest as error:
        raise click.ClickException(printable(refusal(error))) from error


@contextmanager
def zipped(package: Path) -> Iterator[Path]:
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
            raise click.ClickException(printable(refusal(error))) from error
        yield packed


def refusal(error: InvalidRequest) -> str:
    first = error.problems[0]
    return f"{first.field}: {first.message}; {first.hint}" if first.hint else f"{first.field}: {first.message}"


def checked(api: "Client", sent: "Package") -> "tuple[str, list[Finding]]":
    """Wait until a version is checked, and give what was found on the way in and then."""
    if sent["state"] != "checking":
        return sent["state"], sent["report"]
    version = api.checked_version(sent["id"], sent["version"])["version"]
    return version["state"], [*sent["report"], *version.get("report", [])]


def print_findings(findings: "Sequence[Finding]") -> None:
    """Print a report, if there is any."""
    if findings:
        rows = [(one["stage"], one["name"], "ok" if one["ok"] else "!", one["message"]) for one in findings]
        print_table("Report", FINDINGS, rows)

"""`python -m tests.chaos`, behind `make chaos`: one run, and a verdict on it by its exit code."""

import json
import secrets
import sys

import click
from rich.console import Console

from benchmarks.host import end_in_order
from standalone.programs import TREE
from tests.chaos import report, whole
from tests.chaos.plan import Fault
from tests.chaos.platform import usable

HOME = TREE / "var" / "chaos"


@click.command()
@click.option("--seed", type=int, help="Of an earlier run, to do the same again; by chance otherwise.")
@click.option("--submissions", default=2000, show_default=True, help="How many.")
@click.option("--faults", help=f"Which, with commas, instead of all: {', '.join(Fault)}; `none` for load alone.")
@click.option(
    "--disk-mb", default=whole.DISK_MB, show_default=True, help="Size of the file system of all that is kept."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(*, seed: int | None, submissions: int, faults: str | None, disk_mb: int, as_json: bool) -> None:
    """Run the platform under load while its parts fail, and prove that nothing was lost, doubled or wrong."""
    chosen = _chosen(faults)
    seed = secrets.randbelow(10**6) if seed is None else seed
    console = Console(stderr=True)
    again = f"--seed {seed} --submissions {submissions}" + (f" --faults {faults}" if faults else "")
    console.print(f"the same again: make chaos ARGS='{again}'", highlight=False, soft_wrap=True)
    for line in usable():
        console.print(f"[yellow]without[/] {line}", highlight=False)
    found, left = whole.execute(HOME, seed, submissions, chosen, console=console, disk_mb=disk_mb)
    if as_json:
        click.echo(json.dumps(report.as_json(found, left)))
    else:
        report.show(Console(width=None if sys.stdout.isatty() else 150), found, left)
    sys.exit(0 if report.is_good(found, left) else 1)


def _chosen(words: str | None) -> list[Fault]:
    if words is None:
        return list(Fault)
    try:
        return [] if words == "none" else [Fault(word) for word in words.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"{error}; known are {', '.join(Fault)}") from error


if __name__ == "__main__":
    end_in_order()
    main()

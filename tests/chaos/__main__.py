"""`python -m tests.chaos`, behind `make chaos`: one run, and a verdict on it by its exit code."""

import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.host import end_in_order
from standalone.programs import TREE
from tests.chaos import disk, leftovers, report
from tests.chaos.plan import Fault
from tests.chaos.platform import Times, running, usable
from tests.chaos.run import Found, Run, Tell, folder_of, is_root
from tests.integration.webhooks.receiving import receiving

HOME = TREE / "var" / "chaos"
DISK_MB = 2048


@click.command()
@click.option("--seed", type=int, help="Of an earlier run, to do the same again; by chance otherwise.")
@click.option("--submissions", default=2000, show_default=True, help="How many.")
@click.option("--faults", help=f"Which, with commas, instead of all: {', '.join(Fault)}; `none` for load alone.")
@click.option("--disk-mb", default=DISK_MB, show_default=True, help="Size of the file system of all that is kept.")
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
    found, left = execute(seed, submissions, chosen, console=console, disk_mb=disk_mb)
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


def execute(
    seed: int, submissions: int, faults: list[Fault], *, console: Console, disk_mb: int
) -> tuple[Found, list[str]]:
    """Do one run in a folder of its own; its logs stay where something is wrong."""
    HOME.mkdir(parents=True, exist_ok=True)
    disk.remove_left(HOME)
    folder = folder_of(HOME, os.getpid())
    with ExitStack() as opened:
        place = opened.enter_context(disk.sized(folder, disk_mb << 20)) if is_root() else folder
        receiver = opened.enter_context(receiving(HOME / f"received-{os.getpid()}"))
        opened.callback(shutil.rmtree, HOME / f"received-{os.getpid()}", ignore_errors=True)
        settings = {
            "SHIPD_WEBHOOK_HTTP": "on",
            "SHIPD_WEBHOOK_PORTS": str(receiver.port),
            "SHIPD_WEBHOOK_ALLOW": "127.0.0.1/32",
        }
        console.print("starting the platform", highlight=False)
        with running(place, Times(), settings) as platform:
            tell = opened.enter_context(telling(console, submissions))
            found = Run(platform, receiver, tell).do(seed, submissions, faults)
            leftovers.end_workers(platform)
            left = leftovers.left(platform)
        if not report.is_good(found, left):
            kept = HOME / f"logs-{seed}"
            shutil.copytree(place / "logs", kept, dirs_exist_ok=True)
            console.print(f"logs: {kept}", highlight=False, soft_wrap=True)
    return found, left


@contextmanager
def telling(console: Console, count: int) -> Iterator[Tell]:
    """Show how far it is; where nobody looks at a terminal, by a line whenever something else happens."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=count)
        last = ""

        def tell(accepted: int, ended: int, happening: str) -> None:
            nonlocal last
            progress.update(bar, completed=ended, description=f"{happening}, {accepted} accepted")
            if happening != last and not console.is_terminal:
                console.print(f"{accepted} accepted, {ended} ended: {happening}", highlight=False)
            last = happening

        yield tell


if __name__ == "__main__":
    end_in_order()
    main()

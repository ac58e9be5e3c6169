"""How exact limits are, and what a hostile program costs the next one: `make bench-limits`.

With `--http` the second is measured against a running platform too, whose address and key stand in a file as `make up`
writes it (`var/shipd.env`).
"""

import json
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks import aftermath, overshoot
from benchmarks.host import end_in_order, own_sandbox
from benchmarks.http import Client


@click.command()
@click.option("--times", default=100, show_default=True, help="Runs at the shortest limit; longer ones get a share.")
@click.option("--after", default=20, show_default=True, help="Hellos after each of the hostile programs.")
@click.option("--state", type=click.Path(path_type=Path), default=Path("var"), help="Folder of the built init.")
@click.option("--http", is_flag=True, help="Measure the second part over HTTP too.")
@click.option("--settings", type=click.Path(path_type=Path), default=Path("var/shipd.env"), help="For --http.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(*, times: int, after: int, state: Path, http: bool, settings: Path, as_json: bool) -> None:
    """Measure how far programs get beyond their limits, and how long a hello takes after a hostile program."""
    end_in_order()
    client = Client(settings) if http else None
    with own_sandbox(state) as sandbox:
        beyond = overshoot.measure(sandbox, times)
        after_jails = aftermath.in_jails(sandbox, after)
    after_http = aftermath.over_http(client, after) if client else None
    if as_json:
        click.echo(json.dumps({"overshoot": beyond, "after": after_jails, "after_http": after_http}))
        return
    _show_overshoot(beyond)
    _show_after("hello after..., in jails", after_jails)
    if after_http is not None:
        _show_after("hello after..., over HTTP", after_http)


def _show_overshoot(found: overshoot.Found) -> None:
    table = _table("Beyond the limit", "limit", "runs", "p50 ms", "p99 ms", "max ms")
    for name, by_limit in found.items():
        for limit_ms, figures in by_limit.items():
            table.add_row(name, f"{limit_ms} ms", *_cells(figures))
    Console().print(table)


def _show_after(title: str, found: aftermath.Found) -> None:
    table = _table(title, "runs", "p50 ms", "max ms", "p50 against hello's")
    base = found[aftermath.AFTER_HELLO]["p50_ms"]
    for name, figures in found.items():
        table.add_row(name, *_cells(figures), f"{figures['p50_ms'] / base:.2f}")
    Console().print(table)


def _table(title: str, *headings: str) -> Table:
    table = Table("", title=title)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _cells(figures: Mapping[str, float]) -> list[str]:
    return [f"{value:.0f}" if name == "runs" else f"{value:.2f}" for name, value in figures.items()]


if __name__ == "__main__":
    main()

"""`make scaling`: measure, compare, play, and write what came of it into docs/scaling.md and its plot."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from os import getloadavg, sched_getaffinity
from pathlib import Path

import click

from benchmarks import leftovers, machine
from benchmarks.host import TREE, end_in_order, progress
from benchmarks.scaling import check, fleets, tables
from benchmarks.scaling.check import Compared
from benchmarks.scaling.costs import TITLES, Costs, measure
from benchmarks.scaling.fleets import Played
from benchmarks.scaling.money import Prices
from benchmarks.scaling.plot import Chart, Line, draw

BEGIN, END = "<!-- scaling:begin -->", "<!-- scaling:end -->"
DOCUMENT = TREE / "docs" / "scaling.md"
QUICK_TIMES = 10


@click.command()
@click.option(
    "--times", default=100, show_default=True, help="Submissions of each kind by one client; by eight 4 times."
)
@click.option("--quick", is_flag=True, help=f"{QUICK_TIMES} of each, to see that it works.")
@click.option(
    "--costs", "costs_file", type=click.Path(path_type=Path, exists=True), help="FOLDER/latest.json of a run."
)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("var/scaling"), show_default=True)
@click.option("--document", type=click.Path(path_type=Path), default=DOCUMENT, help="It has markers for the tables.")
@click.option("--eur-per-vcpu-hour", default=Prices.vcpu_hour, show_default=True)
@click.option("--eur-per-gib-hour", default=Prices.gib_hour, show_default=True, help="Of memory.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the tables, and leave the document alone.")
def main(
    *,
    times: int,
    quick: bool,
    costs_file: Path | None,
    folder: Path,
    document: Path,
    eur_per_vcpu_hour: float,
    eur_per_gib_hour: float,
    as_json: bool,
) -> None:
    """Say what the platform carries: measured costs, a model, its error, fleets of 10 to 1,000 hosts, and prices."""
    end_in_order()
    times = QUICK_TIMES if quick else times
    folder.mkdir(parents=True, exist_ok=True)
    leftovers.remove(folder)
    costs, compared = _measured(folder, times, costs_file)
    names = progress(fleets.WORKLOADS, "fleets")
    played = {name: [fleets.play(costs, name, hosts) for hosts in fleets.PLOTTED] for name in names}
    prices = Prices(eur_per_vcpu_hour, eur_per_gib_hour)
    if as_json:
        click.echo(json.dumps(_json(costs, compared, played), indent=2))
        return
    text = written(costs, compared, played, prices, _said(times))
    click.echo(text)
    document.write_text(put_between(document.read_text(), text))
    document.with_suffix(".svg").write_text(draw(charts(played)))
    click.echo(f"written: {document} and {document.with_suffix('.svg').name}")


def _measured(folder: Path, times: int, costs_file: Path | None) -> tuple[Costs, Sequence[Compared]]:
    if costs_file is not None:
        kept = json.loads(costs_file.read_text())
        return Costs.read(kept["costs"]), [Compared(**one) for one in kept["compared"]]
    costs = measure(folder, times, len(sched_getaffinity(0)))
    compared = check.compare(folder, costs, times)
    found = {"costs": costs.json(), "compared": [asdict(one) for one in compared]}
    (folder / "latest.json").write_text(json.dumps(found, indent=2) + "\n")
    return costs, compared


def _said(times: int) -> str:
    on = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
    today = datetime.now(UTC).date().isoformat()
    load = f"load {getloadavg()[2]:.1f} in the last quarter of an hour"
    return f"{on}, {today}, {load}, {times} submissions of each kind by one client, {4 * times} by eight"


def written(
    costs: Costs, compared: Sequence[Compared], played: dict[str, list[Played]], prices: Prices, said: str
) -> str:
    """Write all tables (pure)."""
    chosen = [one for found in played.values() for one in found if one.fleet.hosts in fleets.SIZES]
    errors = ", ".join(
        f"{words} {tables.mean_error(compared, figure):.0f} %"
        for words, figure in (("throughput", "per_s"), ("p50", "p50_ms"), ("p95", "p95_ms"))
    )
    blocks = [
        f"Measured in one run: {said}.",
        "### What a submission costs",
        *(tables.submissions(costs), tables.servers(costs), tables.idle(costs), tables.connections(costs)),
        "### The model against this machine",
        f"Mean error, whichever way: {errors}.",
        tables.compared(compared),
        "### What hosts with 16 slots carry",
        tables.sizes(chosen),
        "### What the control plane needs for all that the hosts could do",
        tables.needs(costs, chosen),
        "### What is full first as hosts are added",
        tables.order(costs),
        "### What a million executions cost",
        prices.said,
        tables.bills(costs, prices),
    ]
    return "\n\n".join(blocks)


def charts(played: dict[str, list[Played]]) -> list[Chart]:
    """Draw what fleets carry, and how busy each part is (pure)."""
    carried = [
        Line(TITLES[name], [(one.fleet.hosts, one.full.per_s) for one in found]) for name, found in played.items()
    ]
    waited = [
        Line(TITLES[name], [(one.fleet.hosts, one.full.p95_ms) for one in found]) for name, found in played.items()
    ]
    hello = next(iter(played.values()))
    used = [
        Line(tables.NAMES.get(name, name), [(one.fleet.hosts, max(100 * one.full.used[name], 0.1)) for one in hello])
        for name in hello[0].full.used
    ]
    return [
        Chart("Submissions per second, all slots asked for", "hosts with 16 slots", carried),
        Chart("p95 in ms then (24 clients for each host)", "hosts with 16 slots", waited),
        Chart("Busy, per cent of each station's CPUs (hello)", "hosts with 16 slots", used),
    ]


def put_between(document: str, text: str) -> str:
    """Put text between the markers of a document (pure). Raises ValueError where they are not there."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN} and {END} after it")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def _json(costs: Costs, compared: Sequence[Compared], played: dict[str, list[Played]]) -> dict[str, object]:
    errors = {figure: tables.mean_error(compared, figure) for figure in ("per_s", "p50_ms", "p95_ms")}
    return {
        "costs": costs.json(),
        "compared": [asdict(one) for one in compared],
        "mean_error_percent": errors,
        "played": {name: [asdict(one) for one in found] for name, found in played.items()},
        "machine": machine.describe(),
    }

"""All figures of the platform in one run: `make bench`, or some with `python -m benchmarks.run --only jail,http`.

Times on one machine at two moments do not compare, and times of two machines still less; ratios within one run do. So
what is compared is measured in turn in the same run, and targets are ratios. `report.py` describes the JSON.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks import control, jails, leftovers, machine, over_http, report, standing
from benchmarks.host import end_in_order
from benchmarks.report import Figures
from benchmarks.running import platform

QUICK_TIMES = 10
QUICK_COUNTS = (10, 50)
QUICK_KINDS = ("hello", "python_10", "cpp_10", "cpp_10_cached")


@dataclass(frozen=True)
class Ask:
    """How much is measured."""

    folder: Path
    times: int
    quick: bool

    def jail(self) -> Figures:
        """Measure one jailed run."""
        return jails.measure(self.times)

    def http(self) -> Figures:
        """Measure submissions over HTTP."""
        kinds = [kind for kind in over_http.KINDS if not self.quick or kind.name in QUICK_KINDS]
        with platform(self.folder) as running:
            return over_http.measure(running, self.times, kinds)

    def control(self) -> Figures:
        """Measure the control plane alone."""
        return control.measure(self.folder, self.times)

    def standing(self) -> Figures:
        """Measure standing jails."""
        return standing.measure(QUICK_COUNTS if self.quick else standing.COUNTS)

    @property
    def parts(self) -> Mapping[str, Callable[[], Figures]]:
        """Everything there is to measure, by the first part of its paths."""
        return {"jail": self.jail, "http": self.http, "control": self.control, "standing": self.standing}


def chosen(only: str, known: Mapping[str, Callable[[], Figures]]) -> list[str]:
    """Read `--only`: names with commas, nothing for all. Raises UsageError naming what there is not."""
    names = [name.strip() for name in only.split(",") if name.strip()] or list(known)
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"--only: there is no {', '.join(unknown)}; there are {', '.join(known)}")
    return names


@click.command()
@click.option("--times", default=100, show_default=True, help="Samples of each figure.")
@click.option("--only", default="", help="Some of jail,http,control,standing.")
@click.option("--quick", is_flag=True, help=f"{QUICK_TIMES} samples of less, to see that it works.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("var/bench"), show_default=True)
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the tables to this file, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the tables.")
def main(*, times: int, only: str, quick: bool, folder: Path, markdown: Path | None, as_json: bool) -> None:
    """Measure everything, print tables, and write FOLDER/latest.json."""
    end_in_order()
    ask = Ask(folder, QUICK_TIMES if quick else times, quick)
    names = chosen(only, ask.parts)
    folder.mkdir(parents=True, exist_ok=True)
    leftovers.remove(folder)
    figures: Figures = {}
    for name in names:
        figures |= ask.parts[name]()
    _tell(ask, names, figures, markdown, as_json=as_json)


def _tell(ask: Ask, names: list[str], figures: Figures, markdown: Path | None, *, as_json: bool) -> None:
    on = machine.describe()
    run = {"date": datetime.now(UTC).date().isoformat(), "times": ask.times, "quick": ask.quick, "parts": names}
    whole = json.dumps({**report.nested(figures), "machine": on, "run": run}, indent=2)
    (ask.folder / "latest.json").write_text(whole + "\n")
    tables = report.markdown(figures, on, {"samples": ask.times, "date": run["date"]})
    if markdown is not None:
        markdown.write_text(tables)
    click.echo(whole if as_json else tables)


if __name__ == "__main__":
    main()

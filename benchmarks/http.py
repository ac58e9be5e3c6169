"""From POST to the final result over HTTP, one client: `python -m benchmarks.http` against a running platform.

Reads SHIPD_URL and SHIPD_API_KEY from a file as `make up` writes it (`var/shipd.env`).
"""

import json
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import requests
from rich.console import Console
from rich.progress import track
from rich.table import Table

HELLO: Mapping[str, str] = {
    "python": "print(sum(map(int, input().split())))",
    "cpp": '#include <cstdio>\nint main() { int a, b; scanf("%d%d", &a, &b); printf("%d\\n", a + b); }',
}
MANY = 100
WAIT_S = 60


class Client:
    """A client of one platform, over one connection."""

    def __init__(self, settings: Path) -> None:
        if not settings.exists():
            raise click.ClickException(f"{settings} is missing: start a platform with make up, or name its file")
        known = dict(line.split("=", 1) for line in settings.read_text().splitlines())
        self.url = f"{known['SHIPD_URL']}/v1/submissions?wait={WAIT_S}"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {known['SHIPD_API_KEY']}"

    def grade(self, language: str, cases: int) -> tuple[float, float]:
        """Have a + b graded; gives the seconds until the answer, and those in which the test cases ran."""
        body = {
            "language": language,
            "source": {"type": "code", "content": HELLO[language]},
            "test_cases": [{"input": f"{n} {n + 1}", "expected_output": str(2 * n + 1)} for n in range(cases)],
        }
        took, execution = self.submit(body)
        if execution["verdict"] != "AC":
            raise click.ClickException(f"{language}: {execution['verdict']} {execution['reason']}")
        phases = execution["telemetry"]["phases"]
        return took, sum(phases[name] or 0 for name in ("run_ms", "check_ms", "collect_ms")) / 1000

    def submit(self, body: Mapping[str, object]) -> tuple[float, dict[str, Any]]:
        """Post a submission; gives the seconds until the answer, and its execution. Raises ClickException."""
        began = time.perf_counter()
        answer = self.session.post(self.url, json=body, timeout=2 * WAIT_S)
        took = time.perf_counter() - began
        if not answer.ok:
            raise click.ClickException(f"HTTP {answer.status_code}: {answer.text[:500]}")
        return took, answer.json()["execution"]


def measure(client: Client, times: int) -> dict[str, float]:
    """Measure hello and many cases in every language, in turn."""
    spent: dict[str, list[float]] = {language: [] for language in HELLO}
    for _ in track(range(times), description="hello", console=Console(stderr=True)):
        for language in HELLO:
            spent[language].append(1000 * client.grade(language, 1)[0])
    found: dict[str, float] = {}
    for language, values in spent.items():
        cuts = statistics.quantiles(values, n=20, method="inclusive")
        found |= {f"{language}/hello/p50_ms": statistics.median(values), f"{language}/hello/p95_ms": cuts[18]}
        found[f"{language}/cases_per_s"] = MANY / client.grade(language, MANY)[1]
    return found


@click.command()
@click.option("--settings", type=click.Path(path_type=Path, exists=True), default=Path("var/shipd.env"))
@click.option("--times", default=100, show_default=True, help="Submissions of each language.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(*, settings: Path, times: int, as_json: bool) -> None:
    """Measure POST to final result, one client."""
    found = measure(Client(settings), times)
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("", "figure")
    for name, value in found.items():
        table.add_row(name, f"{value:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()

"""A real Prometheus asks every program of a real platform, and draws every dashboard of what it finds."""

import re
from collections.abc import Iterator

import pytest

from app.correlation import METHODS
from domain import counted, counting
from monitoring.boards import BOARDS
from monitoring.panel import Panel
from standalone.stack import METRICS, Stack
from tests.e2e.executing import executed
from tests.monitoring.prometheus import Prometheus, running
from tests.waiting import eventually

JOBS = {"metrics": "worker", "fleet_metrics": "beat"}
"""By the name of the port, where it is not the job's own."""
PYTHON = {"language": "python", "source": {"type": "code", "content": "print(1)"}}
CPP = {"language": "cpp", "source": {"type": "code", "content": "int main() {}"}}
EACH = pytest.mark.parametrize(
    "panel", [panel for board in BOARDS for panel in board.panels], ids=lambda one: one.title
)


@pytest.fixture(scope="module")
def prometheus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One that has seen the platform at work."""
    targets = {JOBS.get(name, name.removesuffix("_metrics")): stack.ports[name] for name in METRICS}
    with running(tmp_path_factory.mktemp("prometheus"), targets) as made:
        eventually(lambda: len(made.found("up == 1")) == len(targets))
        for body in (PYTHON, CPP, {**PYTHON, "priority": "interactive"}, {**PYTHON, "priority": "bulk"}):
            assert executed(stack.client, body)["verdict"] == "OK"
        assert stack.client.post("/v1/submissions", {}).status == 422
        eventually(lambda: made.found("shipd_hosts_wanted"))
        yield made


def _query(query: str) -> str:
    return query.replace("$__rate_interval", "1m")


@EACH
def test_it_answers_what_a_panel_asks(prometheus: Prometheus, panel: Panel) -> None:
    for query in panel.queries.values():
        prometheus.drawn(_query(query))
        if not panel.rare:
            eventually(lambda asked=query: prometheus.found(_query(asked)))  # type: ignore[misc] # mypy infers no lambda with a default


def test_it_has_every_rule_and_finds_no_fault_with_one(prometheus: Prometheus) -> None:
    def rules() -> list[dict[str, str]]:
        return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]

    eventually(lambda: all(rule["health"] == "ok" for rule in rules()))
    assert len(rules()) > 40


@pytest.mark.parametrize(
    ("query", "least"),
    [
        ('sum(execution_requests_total{language="cpp", status="OK"})', 1),
        ('sum(execution_overhead_seconds_count{class="interactive"})', 1),
        ('sum(shipd_http_requests_total{method="POST", route="/v1/submissions", status="201"})', 4),
        ('sum(shipd_http_requests_total{status="422"})', 1),
        ("sum(telemetry_events_collected_total)", 4),
        ('count(count by (job) (shipd_database_seconds_count{kind="statement"}))', 3),
    ],
)
def test_what_happened_is_counted(prometheus: Prometheus, query: str, least: int) -> None:
    """A little later than it is answered: who counts it is another process, which is asked twice a second."""
    eventually(lambda: prometheus.found(f"{query} >= {least}"))


def test_all_parts_are_up_and_nothing_failed(prometheus: Prometheus) -> None:
    eventually(lambda: _value(prometheus, 'min(shipd_part_up{part=~"postgresql|redis|blobs|worker"})') == 1)
    eventually(lambda: _value(prometheus, "shipd:result_failures:ratio_rate5m") == 0)


def _value(prometheus: Prometheus, query: str) -> float | None:
    found = prometheus.found(query)
    return float(found[0]["value"][1]) if found else None


def test_numbers_have_no_labels_without_bounds(prometheus: Prometheus) -> None:
    """Nothing that a client sends, and no id, becomes a label."""
    names = "|".join(number.name for number in counting.KNOWN.values())
    series = prometheus.ask("series", **{"match[]": f'{{__name__=~"({names}).*"}}'})
    values = {value for one in series for name, value in one.items() if name not in {"__name__", "le", "instance"}}
    assert not [value for value in values if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", value)]
    assert {one["method"] for one in series if "method" in one} <= {*METHODS, "other"}
    assert counted.HTTP.labels == ("method", "route", "status")

"""docs/operations.md tells of every number, with its labels, and of no other; the settings it shows are right."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import yaml
from prometheus_client import Metric

from app.metrics import Parts
from app.readiness import Check
from domain import counted, counting
from domain.advice import Demand, advise
from domain.fleet_now import FleetNow
from sandbox import Slots
from sandbox.sampled import SampledHierarchy
from standalone.stack import METRICS
from tests.monitoring.prometheus import RULES, promtool
from workers.fleet_numbers import Told
from workers.metrics import HostNow, RoomNow

PAGE = Path(__file__).absolute().parents[2] / "docs" / "operations.md"
DASHBOARDS = RULES.parent / "dashboards"
ROLES = ("shipd_owner", "shipd_readonly")
"""PostgreSQL's, which stand in a table as well."""
_ROW = re.compile(r"^\| `((?:shipd|execution|jail|telemetry|room)_[a-z_]+)(?:\{([a-z_, ]+)\})?` \|", re.MULTILINE)
_OURS = re.compile(r"\b((?:shipd|execution|jail|telemetry|room)_[a-z_]+)")


def _documented() -> dict[str, tuple[str, ...]]:
    rows = _ROW.findall(PAGE.read_text().partition("\n## Set up a fleet\n")[0])
    assert len(rows) == len(dict(rows)), "a number stands in two tables"
    return {name: tuple(labels.split(", ")) if labels else () for name, labels in rows if name not in ROLES}


def _labels(families: Iterable[Metric]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield name, tuple(family.samples[0].labels)


def _told(folder: Path) -> dict[str, tuple[str, ...]]:
    """All that is counted, and all that is found out when Prometheus asks."""
    told = Told()
    told.advice.renew([advise(Demand("eu", 1, 2, 2.0, [1] * 60, 1, 1.0, [], []), 5)])
    told.seen.renew(FleetNow({("eu", "live"): 1}, {("eu", "h"): 1.0}))
    parts = Parts(SimpleNamespace(checks=lambda: [Check("redis", ok=True, message="")]))
    room = RoomNow(Slots(folder, "t", SampledHierarchy(), 1))
    collectors = (told.advice, told.seen, parts, room, HostNow())
    return {
        **{name: number.labels for name, number in counting.KNOWN.items()},
        **{name: labels for one in collectors for name, labels in _labels(one.collect())},
    }


def test_every_number_is_told_of_with_its_labels(tmp_path: Path) -> None:
    assert counted.REQUESTS.name == "execution_requests"
    assert _documented() == _told(tmp_path)


def test_rules_and_dashboards_ask_for_numbers_that_there_are(tmp_path: Path) -> None:
    known = {
        *_told(tmp_path),
        *("shipd_backup_succeeded_timestamp_seconds", "shipd_certificate_not_after_timestamp_seconds"),
    }
    for path in (*RULES.glob("*.yml"), *DASHBOARDS.glob("*.json")):
        for name in _OURS.findall(path.read_text()):
            assert name in known or re.sub("_(bucket|count|sum)$", "", name) in known, f"{path.name}: {name}"


def test_the_settings_that_are_shown_are_right_and_name_every_program(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(shown)
    promtool("check", "config", "--syntax-only", str(tmp_path / "prometheus.yml"))
    assert len(yaml.safe_load(shown)["scrape_configs"]) == len(METRICS) + 1
    for name in METRICS:
        assert f"`SHIPD_{name.upper()}_PORT`" in PAGE.read_text()

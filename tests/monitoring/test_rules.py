"""Alert rules: right, tested with promtool, and each with a runbook that is there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.prometheus import RULES, promtool

TESTS = Path(__file__).parent / "rules"
RUNBOOKS = Path(__file__).absolute().parents[2] / "docs" / "operations.md"


def _alerts() -> list[dict[str, Any]]:
    groups = [group for path in sorted(RULES.glob("*.yml")) for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def test_promtool_finds_nothing_wrong() -> None:
    promtool("check", "rules", "--lint-fatal", *map(str, sorted(RULES.glob("*.yml"))))


@pytest.mark.parametrize("path", sorted(TESTS.glob("*.yml")), ids=lambda path: path.stem)
def test_alerts_fire_where_they_should_and_not_elsewhere(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", str(path))


def test_each_alert_was_seen_to_fire_and_seen_not_to() -> None:
    tests = [test for path in TESTS.glob("*.yml") for test in yaml.safe_load(path.read_text())["tests"]]
    seen = [
        (re.findall(r'alertname="(\w+)"', asked["expr"])[0], bool(asked["exp_samples"]))
        for test in tests
        for asked in test["promql_expr_test"]
    ]
    names = {alert["alert"] for alert in _alerts()}
    assert {name for name, fired in seen if fired} == names
    assert {name for name, fired in seen if not fired} == names


def test_each_alert_says_how_bad_it_is_and_what_to_do() -> None:
    headings = {
        line.removeprefix("### ").lower() for line in RUNBOOKS.read_text().splitlines() if line.startswith("### ")
    }
    for alert in _alerts():
        assert alert["labels"]["severity"] in {"page", "ticket"}, alert["alert"]
        notes = alert["annotations"]
        assert notes["summary"], alert["alert"]
        assert notes["description"], alert["alert"]
        place, _, anchor = notes["runbook"].partition("#")
        assert place == "docs/operations.md"
        assert anchor == alert["alert"].lower()
        assert anchor in headings, f"docs/operations.md has no heading `### {alert['alert']}`"

"""Dashboards are what the code says, are right by Grafana's schema, and lie side by side."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.boards import BOARDS
from monitoring.drawing import FOLDER, drawn
from monitoring.panel import Board

UNITS = {"short", "ops", "reqps", "s", "bytes", "percentunit"}
EACH = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)


def _kept(board: Board) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{board.uid}.json").read_text()))


@EACH
def test_what_is_kept_is_what_the_code_draws(board: Board) -> None:
    assert (FOLDER / f"{board.uid}.json").read_text() == drawn(board), "run `python -m monitoring`"


def test_nothing_else_is_kept() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {board.uid for board in BOARDS}


@EACH
def test_grafanas_own_types_read_it_and_lose_nothing(board: Board) -> None:
    kept = _kept(board)
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(kept)))
    assert again == kept


@EACH
def test_panels_have_names_places_and_queries_of_their_own(board: Board) -> None:
    panels = _kept(board)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
        if panel["type"] not in {"row", "text"}:
            _check_targets(panel)


def _check_targets(panel: Mapping[str, Any]) -> None:
    letters = [target["refId"] for target in panel["targets"]]
    assert letters, panel["title"]
    assert len(set(letters)) == len(letters)
    assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@EACH
def test_variables_that_are_used_are_asked_for(board: Board) -> None:
    used = set(re.findall(r"\$\{(\w+)\}", json.dumps(_kept(board))))
    assert used == set(board.asks_for)

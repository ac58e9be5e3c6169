"""Grafana's JSON of a dashboard, by the types of Grafana's own schema."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, text, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)

from monitoring.panel import HEIGHTS, WIDTHS, Board, Kind, Panel

FOLDER = Path(__file__).absolute().parent.parent / "ansible" / "roles" / "monitoring" / "files" / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
"""Its uid is what the role and docker-compose.yml provision."""


def drawn(board: Board) -> str:
    """Give the JSON."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.meaning)
        .tags(["shipd"])
        .editable()
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(dashboard.DashboardLink("Shipd").type(DashboardLinkType.DASHBOARDS).tags(["shipd"]).as_dropdown(True))
    )
    for name, label in board.asks_for.items():
        made.with_variable(dashboard.TextBoxVariable(name).label(label))
    last_id = 0
    for row in board.rows:
        last_id += 1
        made.with_row(dashboard.Row(row.title).id(last_id))
        for panel in row.panels:
            last_id += 1
            made.with_panel(_panel(panel, last_id))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _panel(panel: Panel, panel_id: int) -> Any:
    found = _KINDS[panel.kind](panel).id(panel_id).title(panel.title).description(panel.meaning)
    found.span(WIDTHS[panel.kind]).height(HEIGHTS[panel.kind])
    if panel.queries:
        found.datasource(SOURCE)
    for letter, (legend, query) in zip("ABCDEFGH", panel.queries.items(), strict=False):
        found.with_target(prometheus.Dataquery().expr(query).legend_format(legend or "__auto").ref_id(letter))
    return found


def _lines(panel: Panel) -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(words.LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
    return (
        timeseries.Panel()
        .unit(panel.unit)
        .min(0)
        .legend(legend.placement(words.LegendPlacement.RIGHT).show_legend(True))
        .tooltip(common.VizTooltipOptions().mode(words.TooltipDisplayMode.MULTI).sort(words.SortOrder.DESCENDING))
    )


def _stacked(panel: Panel) -> timeseries.Panel:
    stacking = common.StackingConfig().mode(words.StackingMode.NORMAL)
    return _lines(panel).stacking(stacking).fill_opacity(40)


def _number(panel: Panel) -> stat.Panel:
    steps = [Threshold(value=None, color="green")]
    if panel.good_below is not None:
        steps.append(Threshold(value=panel.good_below, color="red"))
    thresholds = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    shown = common.ReduceDataOptions().calcs(["lastNotNull"])
    return stat.Panel().unit(panel.unit).reduce_options(shown).thresholds(thresholds)


def _text(panel: Panel) -> text.Panel:
    return text.Panel().content(panel.text)


_KINDS: dict[Kind, Callable[[Panel], Any]] = {"lines": _lines, "stacked": _stacked, "number": _number, "text": _text}

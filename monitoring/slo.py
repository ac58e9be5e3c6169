"""What is promised, and what is left of what may go wrong."""

from monitoring.panel import Board, Panel, Row, number, quantiles, rate

_BUDGETS = Row(
    "What is left of the month's budget",
    [
        number(
            "Results",
            "99.99 % of executions are judged. Below 0 the promise is broken.",
            "shipd:result_failures:budget_left30d",
            "percentunit",
        ),
        number(
            "Interactive",
            "99.9 % within 2 s beside their own run. Below 0 the promise is broken.",
            "shipd:interactive_late:budget_left30d",
            "percentunit",
        ),
        number("Judged, 30 days", "", "1 - shipd:result_failures:ratio_rate30d", "percentunit"),
        number("In time, 30 days", "", "1 - shipd:interactive_late:ratio_rate30d", "percentunit"),
        number(
            "Alerts that page", "", 'count(ALERTS{alertstate="firing", severity="page"}) or vector(0)', good_below=1
        ),
        number("Tickets", "", 'count(ALERTS{alertstate="firing", severity="ticket"}) or vector(0)', good_below=1),
    ],
)
_BURN = Row(
    "How fast it is spent: 1 is just right, 14.4 wakes somebody",
    [
        Panel(
            "Results",
            "Burn rate by window.",
            {w: f"shipd:result_failures:ratio_rate{w} / 0.0001" for w in ("5m", "1h", "6h", "3d")},
        ),
        Panel(
            "Interactive",
            "Burn rate by window.",
            {w: f"shipd:interactive_late:ratio_rate{w} / 0.001" for w in ("5m", "1h", "6h", "3d")},
        ),
        Panel(
            "Not judged",
            "Executions that ended as JE, by reason; `checker` is a fault of the problem, not ours.",
            {"{{reason}}": rate("execution_reasons_total", "reason", 'verdict="JE"')},
            "ops",
        ),
        Panel(
            "Interactive, beside their own run",
            "The line of 2 s is the promise.",
            quantiles("execution_overhead_seconds", matching='class="interactive"', of=(0.5, 0.99, 0.999)),
            "s",
        ),
        Panel("Alerts", "That fire.", {"{{alertname}}": 'sum by (alertname) (ALERTS{alertstate="firing"})'}, rare=True),
        Panel(
            "Not in time",
            "Interactive executions a second.",
            {
                "late": 'sum(rate(execution_overhead_seconds_count{class="interactive"}[$__rate_interval]))'
                ' - sum(rate(execution_overhead_seconds_bucket{class="interactive", le="2.0"}[$__rate_interval]))'
            },
            "ops",
        ),
    ],
)
SLO = Board(
    "shipd-slo", "Shipd: service levels", "What is promised, and what is left of what may go wrong.", (_BUDGETS, _BURN)
)

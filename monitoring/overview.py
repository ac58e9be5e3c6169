"""Whether the platform works, and how much it does."""

from monitoring.panel import Board, Panel, Row, number, part, quantiles, rate

_TOTAL = "execution_requests_total"
_HIT = 'outcome=~"hit|partial"'

_NOW = Row(
    "Now",
    [
        number("Executions a second", "That ended, over five minutes.", f"sum(rate({_TOTAL}[5m]))", "ops"),
        number("Waiting", "Executions that wait for a slot.", "sum(shipd_queued)", good_below=1000),
        number(
            "Oldest interactive",
            "How long it waits.",
            'max(shipd_queue_age_seconds{class="interactive"})',
            "s",
            good_below=5,
        ),
        number("Hosts", "That take work.", 'sum(shipd_hosts{standing="live"})'),
        number(
            "Not judged",
            "Executions that ended as JE by a failure of ours, over an hour.",
            "shipd:result_failures:ratio_rate1h",
            "percentunit",
            good_below=0.0001,
        ),
        number(
            "5xx",
            "Of all answers, over five minutes.",
            "shipd:http_errors:ratio_rate5m",
            "percentunit",
            good_below=0.01,
        ),
    ],
)
_FLOW = Row(
    "What is graded",
    [
        Panel(
            "Verdicts", "Executions that ended, by verdict.", {"{{status}}": rate(_TOTAL, "status")}, "ops", "stacked"
        ),
        Panel(
            "Languages",
            "Executions that ended, by language.",
            {"{{language}}": rate(_TOTAL, "language")},
            "ops",
            "stacked",
        ),
        Panel(
            "From queued to done", "All that a sender waits for.", quantiles("execution_duration_seconds", "class"), "s"
        ),
        Panel(
            "Reasons",
            "Limits that were hit, and why else an execution did not pass.",
            {"{{verdict}} {{reason}}": rate("execution_reasons_total", "verdict, reason", 'reason!="none"')},
            "ops",
            rare=True,
        ),
        Panel("Waiting", "By region and class.", {"{{region}} {{class}}": "shipd_queued"}),
        Panel("Oldest that waits", "By region and class.", {"{{region}} {{class}}": "shipd_queue_age_seconds"}, "s"),
    ],
)
_HTTP = Row(
    "The API",
    [
        Panel("Answers", "By status.", {"{{status}}": rate("shipd_http_requests_total", "status")}, "reqps", "stacked"),
        Panel(
            "Routes",
            "The ten that are asked for most.",
            {"{{method}} {{route}}": f"topk(10, {rate('shipd_http_requests_total', 'method, route')})"},
            "reqps",
        ),
        Panel(
            "Time to submit",
            "Waiting with `?wait` counts.",
            quantiles("shipd_http_request_duration_seconds", matching='route="/v1/submissions"'),
            "s",
        ),
        Panel(
            "Refused",
            "By the limit, or because a part is away.",
            {"{{kind}}": rate("shipd_requests_refused_total", "kind")},
            "reqps",
            rare=True,
        ),
        Panel("Who listens", "Open streams of events.", {"{{way}}": "sum by (way) (shipd_listeners)"}, rare=True),
        Panel(
            "Webhooks",
            "Attempts, by what became of the delivery.",
            {"{{outcome}}": rate("shipd_webhook_attempts_total", "outcome")},
            "ops",
            "stacked",
            rare=True,
        ),
    ],
)
_PARTS = Row(
    "What it stands on",
    [
        Panel("Parts", "1: it answers the API.", {"{{part}}": "min by (part) (shipd_part_up)"}),
        Panel(
            "PostgreSQL",
            "What a statement or transaction takes.",
            quantiles("shipd_database_seconds", "kind", of=(0.5, 0.99)),
            "s",
        ),
        Panel(
            "Waiting for a connection",
            "Of the pool in each process.",
            quantiles("shipd_database_wait_seconds", "job", of=(0.99,)),
            "s",
        ),
        Panel(
            "Broker",
            "What sending messages takes, and how often it fails.",
            {
                **quantiles("shipd_broker_publish_seconds", of=(0.5, 0.99)),
                "failures a second": "sum(rate(shipd_broker_failures_total[$__rate_interval]))",
            },
            "s",
            rare=True,
        ),
        Panel(
            "Caches",
            "The part of lookups that found something.",
            {
                "{{cache}}": part("shipd_cache_lookups_total", "cache", _HIT),
            },
            "percentunit",
            rare=True,
        ),
        Panel(
            "Telemetry",
            "Runs whose telemetry was kept, and how many in one transaction.",
            {
                "a second": "sum(rate(telemetry_events_collected_total[$__rate_interval]))",
                "in one": "sum(rate(telemetry_batch_size_sum[$__rate_interval]))"
                " / sum(rate(telemetry_batch_size_count[$__rate_interval]))",
            },
        ),
    ],
)
OVERVIEW = Board(
    "shipd-overview", "Shipd: overview", "Whether it works, and how much it does.", (_NOW, _FLOW, _HTTP, _PARTS)
)

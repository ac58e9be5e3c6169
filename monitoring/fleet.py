"""How many hosts there are and are wanted, and what each does."""

from monitoring.panel import Board, Panel, Row, part, quantiles, rate

_SIZE = Row(
    "How many hosts",
    [
        Panel(
            "Hosts",
            "Wanted, and as they stand.",
            {"wanted {{region}}": "shipd_hosts_wanted", "{{standing}} {{region}}": "shipd_hosts"},
        ),
        Panel("Slots wanted", "By region.", {"{{region}}": "shipd_slots_wanted"}),
        Panel(
            "Arrivals",
            "Foreseen, and by how much the forecast is wrong.",
            {
                "foreseen {{region}}": "shipd_arrivals_foreseen_per_second",
                "error {{region}}": "shipd_arrivals_forecast_error_per_second",
            },
            "ops",
        ),
        Panel(
            "Silent",
            "Since each host was heard of; a minute is too long.",
            {"{{region}} {{host}}": "shipd_host_silent_seconds"},
            "s",
        ),
    ],
)
_HOSTS = Row(
    "Each host",
    [
        Panel("Active jails", "Slots that a jail is timed in.", {"{{instance}}": 'room_slots{state="taken"}'}),
        Panel("Slots that are free", "None for long: hosts are missing.", {"{{instance}}": 'room_slots{state="free"}'}),
        Panel(
            "CPU",
            "Not idle, of the whole machine.",
            {
                "{{instance}}": "1 - " + part("shipd_host_cpu_seconds_total", "instance", 'mode=~"idle|iowait"'),
            },
            "percentunit",
        ),
        Panel("Memory", "Of the machine, in use.", {"{{instance}}": 'shipd_host_memory_bytes{state="used"}'}, "bytes"),
        Panel(
            "Memory promised",
            "What limits of jails come to.",
            {"{{instance}}": 'room_memory_bytes{state="taken"}'},
            "bytes",
        ),
        Panel(
            "CPU time of runs",
            "By language.",
            {"{{language}}": rate("execution_cpu_seconds_total", "language")},
            "s",
            "stacked",
        ),
    ],
)
_JAILS = Row(
    "Jails",
    [
        Panel(
            "Pools",
            "Jails by language and state, of all hosts.",
            {"{{language}} {{state}}": "sum by (language, state) (jail_pool_size)"},
        ),
        Panel(
            "Found ready",
            "The part of jails that stood ready.",
            {
                "{{instance}}": part("jail_pool_requests_total", "instance", 'outcome="hit"'),
            },
            "percentunit",
        ),
        Panel(
            "Until a program starts",
            "By how the jail was made.",
            quantiles("jail_acquisition_duration_seconds", "mode", of=(0.5, 0.99)),
            "s",
        ),
        Panel(
            "Until a program starts",
            "By language.",
            quantiles("jail_acquisition_duration_seconds", "language", of=(0.95,)),
            "s",
        ),
        Panel(
            "What goes wrong",
            "Leases lost, executions sent again, jails that could not be made, quarantine.",
            {
                "leases": "sum(increase(shipd_leases_expired_total[$__rate_interval]))",
                "sent again": "sum(increase(shipd_executions_sent_again_total[$__rate_interval]))",
                "broken jails": "sum(increase(jail_pool_broken_total[$__rate_interval]))",
                "in quarantine": "sum(shipd_quarantined)",
            },
        ),
        Panel(
            "Memory of runs",
            "The most that each took.",
            quantiles("execution_memory_bytes", "language", of=(0.95,)),
            "bytes",
        ),
    ],
)
FLEET = Board(
    "shipd-fleet",
    "Shipd: fleet",
    "How many hosts there are and are wanted, and what each does.",
    (_SIZE, _HOSTS, _JAILS),
)

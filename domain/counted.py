"""Every number that is counted as things happen, by whichever process they happen in; docs/operations.md tells of each.

Labels have few values each, all of them ours: never what somebody sent.
"""

from domain.counting import Count, Level, Spread

FAST_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0)
ASKED_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
HTTP_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
WHOLE_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
"""Two seconds are the promise to interactive submissions: a bound must stand there."""
MIB = 1024 * 1024
MEMORY = tuple(float(mib * MIB) for mib in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096))
ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

# Executions.
REQUESTS = Count("execution_requests", "Executions that ended.", "language", "status")
REASONS = Count("execution_reasons", "Executions that ended, by why.", "verdict", "reason")
DURATION = Spread("execution_duration_seconds", "From being queued to the end.", "language", "class", bounds=WHOLE_S)
PHASES = Spread("execution_phase_seconds", "What each phase took.", "phase", "class", bounds=WHOLE_S)
OVERHEAD = Spread(
    "execution_overhead_seconds", "From being queued to the end, without the runs' own time.", "class", bounds=WHOLE_S
)
CPU = Count("execution_cpu_seconds", "CPU time of runs.", "language")
MEMORY_PEAK = Spread("execution_memory_bytes", "The most memory of a run.", "language", bounds=MEMORY)
CACHE = Count("shipd_cache_lookups", "Executions that looked for what was kept.", "cache", "outcome")
TELEMETRY = Count("telemetry_events_collected", "Runs whose telemetry was kept.")
TELEMETRY_BATCH = Spread("telemetry_batch_size", "Runs kept by one transaction.", bounds=ROWS)

# Jails.
POOL_SIZE = Level("jail_pool_size", "Jails that stand ready, are being made or are taken.", "language", "state")
POOL_REQUESTS = Count("jail_pool_requests", "Jails asked of the pool: hit or miss (made cold).", "outcome")
POOL_WAITS = Count("jail_pool_waits", "Of them those that waited for one that was being made.")
POOL_BROKEN = Count("jail_pool_broken", "Jails that could not be made ahead.")
POOL_MADE = Count("jail_pool_made", "Jails that the pool made ahead.")
POOL_MAKING = Count("jail_pool_making_seconds", "What making them took, waiting included.")
POOL_ERROR = Level(
    "jail_pool_forecast_error", "Mean absolute error of the demand foreseen, in jails a second.", mode="livemax"
)
ACQUISITION = Spread(
    "jail_acquisition_duration_seconds",
    "From asking for a jail to the start of the program in it, by the language and how the jail was made.",
    *("language", "mode"),
    bounds=FAST_S,
)

# What all processes ask.
DATABASE = Spread("shipd_database_seconds", "What a statement or transaction took.", "kind", bounds=ASKED_S)
DATABASE_WAIT = Spread("shipd_database_wait_seconds", "Waiting for a connection of the pool.", bounds=ASKED_S)
DATABASE_AWAY = Count("shipd_database_failures", "Statements and transactions that PostgreSQL gave no answer to.")
BROKER = Spread("shipd_broker_publish_seconds", "What sending one or many messages took.", bounds=ASKED_S)
BROKER_AWAY = Count("shipd_broker_failures", "Sendings that the broker did not take.")

# HTTP.
HTTP = Count("shipd_http_requests", "Requests that were answered.", "method", "route", "status")
HTTP_DURATION = Spread("shipd_http_request_duration_seconds", "What answering took.", "route", bounds=HTTP_S)
REFUSED = Count("shipd_requests_refused", "Requests refused by a limit, or for a part that is away.", "kind")
LISTENERS = Level("shipd_listeners", "Open streams of events.", "way")

# Webhooks.
ATTEMPTS = Count("shipd_webhook_attempts", "Attempts to deliver, by what became of the delivery.", "outcome")
ATTEMPT_SECONDS = Spread("shipd_webhook_attempt_seconds", "What an attempt took.", bounds=HTTP_S)

# The sweeper.
LEASES_EXPIRED = Count("shipd_leases_expired", "Leases that ended while nobody held them.")
RESENT = Count("shipd_executions_sent_again", "Executions that the sweeper sent, again or at last.")
SWEPT = Count("shipd_sweeps", "Sweeps that were done.")

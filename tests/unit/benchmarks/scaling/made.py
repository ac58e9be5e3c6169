"""Costs that nobody measured."""

from benchmarks.scaling.costs import KINDS, NOOP, Cost, Costs

COST = Cost(
    cpu_ms={"api": 5, "stream": 1, "celery": 2, "grade": 4, "postgresql": 4, "redis": 1, "flower": 1, "jails": 20},
    numbers={
        "transactions": 6,
        "wal_bytes": 8192,
        "redis_commands": 30,
        "redis_bytes": 4096,
        "database_bytes": 2048,
    },
    disk={"results": 1024, "results, indexes": 512},
    runs_ms=[7, 8, 9],
    alone_p50_ms=33,
    alone_mean_ms=34,
    busy_per_s=40,
    beside_ms=2,
)
COSTS = Costs(
    kinds=dict.fromkeys((NOOP, *(kind.name for kind in KINDS)), COST),
    idle={"transactions": 3, "redis_commands": 10, "postgresql_cpu_ms": 2, "redis_cpu_ms": 1},
    at_rest={"grade": {"processes": 2, "postgresql": 2, "redis": 4}},
    at_work={
        "grade": {"processes": 2, "postgresql": 4, "redis": 10},
        "celery": {"processes": 1, "postgresql": 1, "redis": 6},
    },
    heartbeat_ms=0.2,
    sweep_ms=1,
    memory_mb={"grade": 120},
    slots=2,
)

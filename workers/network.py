"""Networks for programs: what this host offers, and what one submission's rules come to.

Names are resolved here, once for an execution and before anything of it runs: what a program finds in its /etc/hosts
and what it may reach are the same addresses, and a name that changes meanwhile changes nothing. What is denied is
taken out by the sandbox, after this.
"""

import socket
import threading
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from domain.limits import Constraints
from domain.logging import logger
from domain.network import NetworkRule
from domain.settings import Settings
from sandbox import Allow, Network, NetworkConfig, Protocol, SandboxError
from sandbox.network import trial

RESOLVE_PATIENCE_S = 5.0
"""For all names of a submission together; a name that takes longer is unknown inside."""
MAX_ADDRESSES = 16
"""Of one name."""

log = logger(__name__)


def offered(settings: Settings) -> NetworkConfig | None:
    """Say what this host offers to programs with a network; None, and a line in the log, where it cannot."""
    if settings.network == "off":
        return None
    try:
        config = NetworkConfig(settings.network_block, control_plane(settings), settings.network_resolver)
        trial.attempt(config)
    except SandboxError as error:
        log.warning("network_not_offered", error=str(error))
        return None
    return config


def control_plane(settings: Settings) -> tuple[IPv4Network, ...]:
    """List the addresses of PostgreSQL, Redis, the broker and what the operator named. Raises SandboxError."""
    found: list[IPv4Network] = []
    for place in [*servers(settings), *settings.network_deny]:
        found += _addresses_of(place)
    return tuple(dict.fromkeys(found))


def servers(settings: Settings) -> Iterable[str]:
    """Name the hosts of PostgreSQL, Redis and the broker; empty, or a path, for a socket of this host."""
    database = conninfo_to_dict(settings.database_url)
    yield from str(database.get("hostaddr") or database.get("host") or "").split(",")
    for url in (settings.redis_url, *settings.broker_url.split(";")):
        yield urlsplit(url).hostname or ""


def _addresses_of(place: str) -> list[IPv4Network]:
    if not place or place.startswith(("/", "@")):  # a socket's path
        return []
    try:
        return [IPv4Network(place, strict=False)]
    except ValueError:
        pass
    if ":" in place:  # IPv6: nothing of it leaves a jail
        return []
    try:
        return [IPv4Network(address) for address in _ask(place)]
    except OSError as error:
        raise SandboxError(f"{place}, which programs must not reach, cannot be resolved: {error}") from error


def network_of(constraints: Constraints) -> Network | None:
    """Say what the programs of a submission may reach, its names resolved; None where they have no network."""
    if not constraints.network_enabled:
        return None
    rules = constraints.network_rules
    if rules is None:
        return Network()
    names = resolved({rule.host for rule in rules if rule.host is not None})
    return Network(tuple(_allow(rule, names) for rule in rules), names)


def _allow(rule: NetworkRule, names: Mapping[str, tuple[IPv4Address, ...]]) -> Allow:
    if rule.cidr is not None:
        addresses: tuple[IPv4Network, ...] = (IPv4Network(rule.cidr),)
    else:
        addresses = tuple(IPv4Network(address) for address in names.get(rule.host or "", ()))
    return Allow(addresses, rule.ports, Protocol(rule.protocol))


def resolved(names: Iterable[str]) -> Mapping[str, tuple[IPv4Address, ...]]:
    """Resolve names, all at once; one without an IPv4 address, or that takes too long, is left out."""
    found: dict[str, tuple[IPv4Address, ...]] = {}

    def look(name: str) -> None:
        try:
            found[name] = _ask(name)[:MAX_ADDRESSES]
        except OSError as error:
            log.info("name_not_resolved", name=name, error=str(error))

    # getaddrinfo cannot be called off: a daemon thread that is late ends by itself, and nobody waits for it.
    threads = [threading.Thread(target=look, args=(name,), daemon=True, name="resolve") for name in sorted(set(names))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(RESOLVE_PATIENCE_S / len(threads))
    return dict(found)


def _ask(name: str) -> tuple[IPv4Address, ...]:
    """Resolve one name to its IPv4 addresses, in order. Raises OSError."""
    try:
        answers = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that IDNA does not take
        raise OSError(str(error)) from error
    return tuple(dict.fromkeys(IPv4Address(str(answer[4][0])) for answer in answers))

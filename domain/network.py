"""What a program asks to reach: the rules of `constraints.network_rules` (pure)."""

from dataclasses import dataclass
from enum import StrEnum

MAX_RULES = 32
MAX_PORTS = 64
"""Of one rule."""


class Protocol(StrEnum):
    """What can be asked for; nothing else leaves a jail."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True)
class NetworkRule:
    """One thing to reach: exactly one of a name and a CIDR; no ports means every port."""

    host: str | None = None
    """A name, lower case; the worker resolves it once, before the program runs."""
    cidr: str | None = None
    """IPv4, `203.0.113.0/24`."""
    ports: tuple[int, ...] = ()
    protocol: Protocol = Protocol.TCP

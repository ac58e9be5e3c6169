"""What a run may reach, and what a host offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

from sandbox.result import SandboxError

DEFAULT_BLOCK = IPv4Network("198.18.0.0/16")
"""Of the range for benchmarks (RFC 2544): routed nowhere, and rarely used by anybody's own network."""
LEAST_BLOCK_BITS = 24


class Protocol(StrEnum):
    """What is carried; everything else (ICMP too) never leaves a jail."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True)
class Allow:
    """One thing that may be reached: these addresses at these ports; no ports means every port."""

    addresses: tuple[IPv4Network, ...]
    ports: tuple[int, ...] = ()
    protocol: Protocol = Protocol.TCP


@dataclass(frozen=True)
class Network:
    """What one run may reach. What is always denied stays so, whatever stands here."""

    allow: tuple[Allow, ...] | None = None
    """None: everything public."""
    names: Mapping[str, tuple[IPv4Address, ...]] = field(default_factory=dict)
    """What /etc/hosts says inside; where `allow` is given there is no other way to resolve a name."""


@dataclass(frozen=True)
class NetworkConfig:
    """What a host offers to the runs that are granted a network."""

    block: IPv4Network = DEFAULT_BLOCK
    """Where the addresses of jails are taken from, two for each slot; nothing else may use it on this host."""
    deny: tuple[IPv4Network, ...] = ()
    """Denied besides what always is: the control plane."""
    resolver: IPv4Address | None = None
    """The one DNS server that runs without an allow-list may ask; None: names do not resolve there."""

    def pair(self, number: int) -> tuple[IPv4Address, IPv4Address]:
        """Give the host's and the jail's address of the pair with this number, which wraps around."""
        first = int(self.block.network_address) + 2 * (number % (self.block.num_addresses // 2))
        return IPv4Address(first), IPv4Address(first + 1)

    def __post_init__(self) -> None:
        if self.block.prefixlen > LEAST_BLOCK_BITS:
            raise SandboxError(
                f"{self.block} is too small for the networks of jails: name a /{LEAST_BLOCK_BITS} at least"
            )

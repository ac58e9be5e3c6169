"""What no run reaches, whatever it was granted and whatever a name resolved to (pure)."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, collapse_addresses

from sandbox.network.model import NetworkConfig

ALWAYS_DENIED = {
    "0.0.0.0/8": "this network; Linux takes 0.0.0.0 for the loopback",
    "10.0.0.0/8": "private (RFC 1918)",
    "100.64.0.0/10": "shared address space (RFC 6598); some clouds keep their metadata here",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local: 169.254.169.254 tells clouds' credentials",
    "172.16.0.0/12": "private (RFC 1918)",
    "192.0.0.0/24": "protocol assignments (RFC 6890), NAT64 discovery; 192.0.0.192 is a metadata address",
    "192.88.99.0/24": "6to4 relays (RFC 7526): a way round an IPv4 filter",
    "192.168.0.0/16": "private (RFC 1918)",
    "198.18.0.0/15": "benchmarks (RFC 2544): the jails themselves by default",
    "168.63.129.16/32": "a cloud's metadata and host services under a public address",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, and broadcast",
}
"""Each with its reason. IPv6 needs no list: a jail's link has none, and both fences drop it."""

DNS_PORTS = (53, 853)
"""Denied but for the configured resolver: a name resolves as the worker resolved it, or not at all."""


def denied(config: NetworkConfig, own: Iterable[IPv4Address] = ()) -> list[IPv4Network]:
    """List all that is denied on this host, `own` being the host's addresses; sorted, none within another."""
    always = (IPv4Network(text) for text in ALWAYS_DENIED)
    return list(collapse_addresses([*always, config.block, *config.deny, *(IPv4Network(address) for address in own)]))


def reachable(addresses: Iterable[IPv4Address], refused: Iterable[IPv4Network]) -> tuple[IPv4Address, ...]:
    """Leave out what is denied."""
    networks = list(refused)
    return tuple(address for address in addresses if not any(address in network for network in networks))

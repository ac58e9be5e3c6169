"""Which addresses the platform itself may call (pure): of IPv4 all but what is special, of IPv6 what is global.

IPv4 is the list that `sandbox/network/ranges.py` has for programs, which knows nothing of this package: a test holds
the two together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DENIED = {
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
"""Of IPv4, each with its reason."""
DENIED_V6 = {
    "2001::/23": "protocol assignments (RFC 2928), Teredo among them: a way to any IPv4 address",
    "2001:db8::/32": "documentation (RFC 3849)",
    "2002::/16": "6to4 (RFC 7526): a way to any IPv4 address",
    "3fff::/20": "documentation (RFC 9637)",
}
"""Of what is global by its first bits."""
GLOBAL_V6 = IPv6Network("2000::/3")
"""All else is loopback, link-local, unique local, multicast, or not assigned."""
NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address stands in its last 32 bits (RFC 6052), and there a packet goes."""

_DENIED = tuple((IPv4Network(network), reason) for network, reason in DENIED.items())
_DENIED_V6 = tuple((IPv6Network(network), reason) for network, reason in DENIED_V6.items())


@dataclass(frozen=True)
class Reach:
    """What may be called. `own` are the platform's addresses; what an operator allowed is allowed, whatever it is."""

    allowed: tuple[Network, ...] = ()
    own: tuple[Network, ...] = ()

    def refusal(self, address: Address) -> str | None:
        """Say why an address must not be called; None where it may be."""
        real = _real(address)
        if any(real in network for network in self.allowed):
            return None
        if any(real in network for network in self.own):
            return "it is one of the platform's own"
        return _special(real)

    def with_own(self, more: Iterable[Network]) -> "Reach":
        """Give the same with more addresses of the platform's."""
        return Reach(self.allowed, (*self.own, *more))


def _real(address: Address) -> Address:
    """Give the IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else address


def _special(address: Address) -> str | None:
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in _DENIED if address in network), None)
    if address.scope_id is not None or address not in GLOBAL_V6:
        return "it is no global IPv6 address"
    return next((reason for network, reason in _DENIED_V6 if address in network), None)

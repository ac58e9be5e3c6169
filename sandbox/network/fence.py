"""Both fences as nftables text (pure): the inner one of a run, the outer one of an instance on its host.

Only addresses, numbers and names made by us stand in them: there is nothing to quote.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from sandbox.network.model import Allow, Network, NetworkConfig
from sandbox.network.ranges import DNS_PORTS

INSIDE = "eth0"
"""The jail's end of its link."""
ANY_JAIL = "shipd*"
"""The host's ends of all links, of whatever instance."""
MAX_CONNECTIONS = 512
"""Open connections of one run: the host's table of them is shared by all."""
BEFORE_NAT = -310
"""Of the outer fence's first chain: before anybody's DNAT could turn a denied address into another."""

_DNS = f"meta l4proto {{ tcp, udp }} th dport {{ {', '.join(map(str, DNS_PORTS))} }}"
_REFUSE = "reject with icmpx admin-prohibited"


@dataclass(frozen=True)
class Outer:
    """What the outer fence of an instance is made from."""

    table: str
    links: str
    """The host's ends of this instance's links, as a pattern."""
    denied: Sequence[IPv4Network]
    guarded: Sequence[str] = ()
    """Interfaces on which we alone turned forwarding on: nobody else's packets may use it."""


def inner(network: Network, config: NetworkConfig, denied: Sequence[IPv4Network]) -> str:
    """Write the fence inside a run's namespace: refused at once what is not allowed, nothing comes in unasked."""
    asks_dns = network.allow is None
    rules = [
        'oifname "lo" accept',
        f"meta nfproto ipv6 {_REFUSE}",
        "ct state established,related accept",
        *(_resolver(config) if asks_dns else ()),
        f"ip daddr @denied {_REFUSE}",
        f"{_DNS} {_REFUSE}",
        f"ct state new ct count over {MAX_CONNECTIONS} {_REFUSE}",
        *(["meta l4proto { tcp, udp } accept"] if network.allow is None else map(allowed, network.allow)),
        _REFUSE,
    ]
    replies = ['iifname "lo" accept', "ct state established,related accept"]
    chains = [
        _chain("output", "type filter hook output priority filter; policy drop;", rules),
        _chain("input", "type filter hook input priority filter; policy drop;", replies),
        _chain("forward", "type filter hook forward priority filter; policy drop;", []),
    ]
    return _table("shipd", [_denied(denied), *chains])


def allowed(rule: Allow) -> str:
    """Write one thing that may be reached; addresses none at all match nothing."""
    if not rule.addresses:
        return "# a name that did not resolve"
    ports = f"{rule.protocol} dport {_set(rule.ports)}" if rule.ports else f"meta l4proto {rule.protocol}"
    return f"ip daddr {_set(rule.addresses)} {ports} accept"


def outer(fence: Outer, config: NetworkConfig) -> str:
    """Write the host's fence, which takes the place of the one before in one step."""
    first = [
        "meta nfproto != ipv4 drop",
        'ip hdrlength > 5 drop comment "source routes and other options"',
        f"ip saddr != {config.block} drop",
        "fib saddr . iif oif missing drop",
        *_resolver(config),
        "ip daddr @denied drop",
        'fib daddr type != unicast drop comment "the host itself, broadcast"',
        f"{_DNS} drop",
        "meta l4proto != { icmp, tcp, udp } drop",
    ]
    forward = [
        f'iifname "{fence.links}" jump from_jail',
        f'oifname "{fence.links}" ct state established,related accept',
        f'oifname "{fence.links}" drop',
        # What goes to jails of other instances is for their own fences to judge.
        *([f'iifname {_quoted(fence.guarded)} oifname != "{ANY_JAIL}" drop'] if fence.guarded else []),
    ]
    # Again, now with what a DNAT may have made of the address.
    from_jail = [f'oifname "{ANY_JAIL}" drop', *_resolver(config), "ip daddr @denied drop"]
    for_host = [f'iifname "{fence.links}" jump for_host']
    chains = [
        _chain("jail", "", first),
        _chain("from_jail", "", from_jail),
        _chain("for_host", "", [*_resolver(config), "drop"]),
        _chain(
            "prerouting",
            f"type filter hook prerouting priority {BEFORE_NAT}; policy accept;",
            [f'iifname "{fence.links}" jump jail'],
        ),
        _chain("input", "type filter hook input priority filter; policy accept;", for_host),
        _chain("forward", "type filter hook forward priority filter; policy accept;", forward),
        _chain(
            "postrouting",
            "type nat hook postrouting priority srcnat; policy accept;",
            [f'ip saddr {config.block} oifname != "{ANY_JAIL}" masquerade'],
        ),
    ]
    replaced = f"add table inet {fence.table}\ndelete table inet {fence.table}\n"
    return replaced + _table(fence.table, [_denied(fence.denied), *chains])


def _resolver(config: NetworkConfig) -> list[str]:
    if config.resolver is None:
        return []
    return [f"ip daddr {config.resolver} meta l4proto {{ tcp, udp }} th dport 53 accept"]


def _denied(networks: Iterable[IPv4Network]) -> str:
    return f"set denied {{ type ipv4_addr; flags interval; auto-merge; elements = {_set(networks)}; }}"


def _set(members: Iterable[object]) -> str:
    return f"{{ {', '.join(map(str, members))} }}"


def _quoted(names: Iterable[str]) -> str:
    return _set(f'"{name}"' for name in names)


def _chain(name: str, hook: str, rules: Iterable[str]) -> str:
    return "\n    ".join([f"chain {name} {{", *([hook] if hook else []), *rules]) + "\n  }"


def _table(name: str, parts: Iterable[str]) -> str:
    return "\n  ".join([f"table inet {name} {{", *parts]) + "\n}\n"

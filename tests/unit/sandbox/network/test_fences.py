from ipaddress import IPv4Address, IPv4Network

import pytest

from sandbox import Allow, Network, NetworkConfig, Protocol, SandboxError
from sandbox.network import fence
from sandbox.network.fence import Outer
from sandbox.network.ranges import denied

CONFIG = NetworkConfig(deny=(IPv4Network("203.0.113.200/32"),))
RESOLVING = NetworkConfig(resolver=IPv4Address("10.0.0.53"))
WEB = Allow((IPv4Network("203.0.113.7/32"), IPv4Network("198.51.100.0/24")), (80, 443))


def _rules(text: str, chain: str) -> list[str]:
    """The rules of one chain, in order, without its hook."""
    lines = [line.strip() for line in text.splitlines()]
    first = lines.index(f"chain {chain} {{") + 1
    found = lines[first : lines.index("}", first)]
    return [line for line in found if not line.startswith("type ")]


def _inner(network: Network, config: NetworkConfig = CONFIG) -> list[str]:
    return _rules(fence.inner(network, config, denied(config)), "output")


def test_it_works() -> None:
    assert _inner(Network((WEB,))) == [
        'oifname "lo" accept',
        "meta nfproto ipv6 reject with icmpx admin-prohibited",
        "ct state established,related accept",
        "ip daddr @denied reject with icmpx admin-prohibited",
        "meta l4proto { tcp, udp } th dport { 53, 853 } reject with icmpx admin-prohibited",
        "ct state new ct count over 512 reject with icmpx admin-prohibited",
        "ip daddr { 203.0.113.7/32, 198.51.100.0/24 } tcp dport { 80, 443 } accept",
        "reject with icmpx admin-prohibited",
    ]


def test_what_is_denied_stands_before_what_is_allowed() -> None:
    for network in (Network(), Network((WEB,))):
        rules = _inner(network)
        allowed = next(rule for rule in rules if "l4proto { tcp, udp } accept" in rule or "tcp dport { 80" in rule)
        assert rules.index("ip daddr @denied reject with icmpx admin-prohibited") < rules.index(allowed)


def test_without_a_list_everything_else_is_allowed() -> None:
    assert "meta l4proto { tcp, udp } accept" in _inner(Network())


def test_an_empty_list_allows_nothing() -> None:
    assert [rule for rule in _inner(Network(())) if rule.endswith("accept")] == [
        'oifname "lo" accept',
        "ct state established,related accept",
    ]


def test_no_ports_are_all_ports_of_the_protocol() -> None:
    rule = Allow((IPv4Network("203.0.113.7/32"),), protocol=Protocol.UDP)
    assert fence.allowed(rule) == "ip daddr { 203.0.113.7/32 } meta l4proto udp accept"


def test_a_name_without_addresses_allows_nothing() -> None:
    assert fence.allowed(Allow(())).startswith("#")


def test_the_resolver_is_for_runs_without_a_list() -> None:
    asks = "ip daddr 10.0.0.53 meta l4proto { tcp, udp } th dport 53 accept"
    assert asks in _inner(Network(), RESOLVING)
    assert asks not in _inner(Network((WEB,)), RESOLVING)
    assert asks not in _inner(Network())


def test_nothing_comes_into_a_jail_unasked() -> None:
    text = fence.inner(Network(), CONFIG, denied(CONFIG))
    assert _rules(text, "input") == ['iifname "lo" accept', "ct state established,related accept"]
    assert text.count("policy drop") == 3


def test_the_outer_fence_takes_the_place_of_the_one_before() -> None:
    text = fence.outer(Outer("shipd_x", "shipdabcde-*", denied(CONFIG)), CONFIG)
    assert text.startswith("add table inet shipd_x\ndelete table inet shipd_x\ntable inet shipd_x {")


def test_the_outer_fence_looks_before_anybody_translates_addresses() -> None:
    text = fence.outer(Outer("shipd_x", "shipdabcde-*", denied(CONFIG)), CONFIG)
    assert "type filter hook prerouting priority -310" in text
    assert _rules(text, "prerouting") == ['iifname "shipdabcde-*" jump jail']
    first = _rules(text, "jail")
    assert first[0] == "meta nfproto != ipv4 drop"
    assert "ip daddr @denied drop" in first
    assert not [rule for rule in first if rule.endswith("accept")]


def test_only_interfaces_that_we_alone_opened_are_guarded() -> None:
    def forward(*guarded: str) -> list[str]:
        return _rules(fence.outer(Outer("shipd_x", "shipdabcde-*", denied(CONFIG), guarded), CONFIG), "forward")

    assert 'iifname { "eth0", "eth1" } oifname != "shipd*" drop' in forward("eth0", "eth1")
    assert [rule for rule in forward() if "eth" in rule] == []


def test_pairs_wrap_around_and_do_not_overlap() -> None:
    config = NetworkConfig(block=IPv4Network("198.18.0.0/24"))
    pairs = [config.pair(number) for number in range(128)]
    assert len({address for pair in pairs for address in pair}) == 256
    assert config.pair(128) == config.pair(0) == (IPv4Address("198.18.0.0"), IPv4Address("198.18.0.1"))


def test_a_small_block_is_refused() -> None:
    with pytest.raises(SandboxError, match="too small"):
        NetworkConfig(block=IPv4Network("198.18.0.0/30"))

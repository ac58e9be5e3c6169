from ipaddress import IPv4Address, IPv4Network

import pytest

from sandbox import NetworkConfig
from sandbox.network.ranges import denied, reachable


def _reached(*addresses: str, config: NetworkConfig = NetworkConfig(), own: tuple[str, ...] = ()) -> list[str]:  # noqa: B008
    refused = denied(config, map(IPv4Address, own))
    return [str(address) for address in reachable(map(IPv4Address, addresses), refused)]


def test_public_addresses_are_reachable() -> None:
    public = ["1.1.1.1", "203.0.113.7", "172.32.0.1", "11.0.0.0", "100.128.0.0", "169.253.255.255", "223.255.255.255"]
    assert _reached(*public) == public


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "169.254.169.254"),
        *("172.16.0.0", "172.31.255.255", "192.0.0.192", "192.88.99.1", "192.168.255.255", "198.19.0.0"),
        *("168.63.129.16", "224.0.0.1", "239.255.255.255", "255.255.255.255"),
    ],
)
def test_what_is_nobodys_business_is_denied(address: str) -> None:
    assert _reached(address) == []


def test_the_block_the_control_plane_and_the_host_are_denied() -> None:
    config = NetworkConfig(IPv4Network("203.0.112.0/24"), (IPv4Network("198.51.100.0/25"),))
    asked = ("203.0.112.9", "198.51.100.1", "198.51.100.200", "203.0.113.1", "203.0.113.2")
    assert _reached(*asked, config=config, own=("203.0.113.1",)) == ["198.51.100.200", "203.0.113.2"]


def test_no_range_lies_within_another() -> None:
    found = denied(NetworkConfig(deny=(IPv4Network("10.1.0.0/16"),)), [IPv4Address("192.168.1.1")])
    assert not [one for one in found for other in found if one != other and one.subnet_of(other)]

from ipaddress import ip_address, ip_network

import pytest

from domain.addresses import DENIED, Reach
from sandbox.network.ranges import ALWAYS_DENIED


def test_programs_and_the_platform_are_denied_the_same() -> None:
    assert DENIED == ALWAYS_DENIED


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "93.184.215.14", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_may_be_called(text: str) -> None:
    assert Reach().refusal(ip_address(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",  # noqa: S104 - an address to be refused
        *("0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"),
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.88.99.1", "192.168.1.1"),
        *("198.18.0.1", "168.63.129.16", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "100::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b:1::808:808"),
        *("2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "3fff::1", "5f00::1"),
    ],
)
def test_what_is_special_must_not_be_called(text: str) -> None:
    assert Reach().refusal(ip_address(text))


def test_what_an_operator_allows_is_allowed() -> None:
    reach = Reach((ip_network("10.1.0.0/16"), ip_network("fd00::/8")), (ip_network("10.1.2.3/32"),))
    for text in ("10.1.0.1", "10.1.2.3", "::ffff:10.1.0.1", "fd00::1"):
        assert reach.refusal(ip_address(text)) is None
    assert reach.refusal(ip_address("10.2.0.1"))


def test_the_platforms_own_are_denied() -> None:
    reach = Reach().with_own([ip_network("8.8.8.8/32"), ip_network("2001:4860::/32")])
    for text in ("8.8.8.8", "::ffff:8.8.8.8", "2001:4860::1"):
        assert reach.refusal(ip_address(text)) == "it is one of the platform's own"
    assert reach.refusal(ip_address("8.8.4.4")) is None

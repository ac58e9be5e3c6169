from ipaddress import IPv4Address, IPv4Network

import pytest

from sandbox import Network, NetworkConfig, SandboxError
from sandbox.network import names
from sandbox.network.ranges import denied

REFUSED = denied(NetworkConfig(deny=(IPv4Network("203.0.113.200"),)))


def test_names_stand_with_the_addresses_that_may_be_reached() -> None:
    found = {
        "a.example": (IPv4Address("203.0.113.7"), IPv4Address("10.0.0.1"), IPv4Address("203.0.113.8")),
        "db.internal": (IPv4Address("10.0.0.2"),),
        "api.example": (IPv4Address("203.0.113.200"),),
    }
    assert names.hosts_file(Network((), found), REFUSED).splitlines() == [
        "127.0.0.1 localhost",
        "::1 localhost",
        "203.0.113.7 a.example",
        "203.0.113.8 a.example",
    ]


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "a#b", ".", "a..b", "-a", "A", "ä"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(SandboxError, match="no name"):
        names.hosts_file(Network((), {name: ()}), REFUSED)


def test_the_resolver_is_told_to_runs_without_a_list() -> None:
    config = NetworkConfig(resolver=IPv4Address("10.0.0.53"))
    assert names.resolver_file(Network(), config).startswith("nameserver 10.0.0.53\n")
    assert "nameserver" not in names.resolver_file(Network(()), config)
    assert "nameserver" not in names.resolver_file(Network(), NetworkConfig())

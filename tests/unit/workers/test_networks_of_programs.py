import socket
import threading
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network

import pytest

from domain.limits import Constraints
from domain.network import NetworkRule
from domain.network import Protocol as Asked
from domain.settings import Settings
from sandbox import Allow, Network, Protocol, SandboxError
from workers import network

URLS = {"database_url": "postgresql://u:p@db.example:5432/shipd", "redis_url": "redis://:p@10.0.0.7:6379/0"}
Names = Mapping[str, list[str]]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Callable[[Names], None]:
    """Answer as a DNS would that knows these names."""

    def known(names: Names) -> None:
        def answer(name: str, *_: object) -> list[tuple[object, ...]]:
            if name not in names:
                raise socket.gaierror(socket.EAI_NONAME, "unknown")
            return [(0, 0, 0, "", (address, 0)) for address in names[name]]

        monkeypatch.setattr(socket, "getaddrinfo", answer)

    return known


def _settings(**changed: object) -> Settings:
    given = {**URLS, "broker_url": URLS["redis_url"], **changed}
    return Settings(**given)  # type: ignore[arg-type] # any of them


def test_without_the_wish_there_is_none() -> None:
    assert network.network_of(Constraints()) is None


def test_without_rules_there_is_everything_public() -> None:
    assert network.network_of(Constraints(network_enabled=True)) == Network()


def test_rules_become_addresses(dns: Callable[[Names], None]) -> None:
    dns({"a.example": ["203.0.113.7", "203.0.113.8", "203.0.113.7"]})
    rules = (
        NetworkRule(host="a.example", ports=(443,)),
        NetworkRule(cidr="198.51.100.0/24", protocol=Asked.UDP),
        NetworkRule(host="gone.example"),
    )
    found = network.network_of(Constraints(network_enabled=True, network_rules=rules))
    assert found == Network(
        (
            Allow((IPv4Network("203.0.113.7/32"), IPv4Network("203.0.113.8/32")), (443,)),
            Allow((IPv4Network("198.51.100.0/24"),), (), Protocol.UDP),
            Allow(()),
        ),
        {"a.example": (IPv4Address("203.0.113.7"), IPv4Address("203.0.113.8"))},
    )


def test_a_name_that_takes_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    def answer(name: str, *_: object) -> list[tuple[object, ...]]:
        if name == "slow.example":
            let_go.wait()
        return [(0, 0, 0, "", ("203.0.113.7", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(network, "RESOLVE_PATIENCE_S", 4.0)
    found = network.resolved(["slow.example", "a.example"])
    let_go.set()
    assert found == {"a.example": (IPv4Address("203.0.113.7"),)}


def test_the_control_plane_is_denied(dns: Callable[[Names], None]) -> None:
    dns({"db.example": ["203.0.113.5"], "api.example": ["203.0.113.6", "203.0.113.7"]})
    settings = _settings(network_deny=("api.example", "198.51.100.0/24", "192.0.2.9", "fd00::1"))
    assert list(map(str, network.control_plane(settings))) == [
        "203.0.113.5/32",
        "10.0.0.7/32",
        "203.0.113.6/32",
        "203.0.113.7/32",
        "198.51.100.0/24",
        "192.0.2.9/32",
    ]


def test_several_servers_and_sockets_are_understood(dns: Callable[[Names], None]) -> None:
    dns({"a": ["203.0.113.1"], "b": ["203.0.113.2"], "c": ["203.0.113.3"]})
    settings = _settings(
        database_url="postgresql://u@a:1,b:2/d",
        redis_url="redis://c/0",
        broker_url="sentinel://a:1;sentinel://b:2",
    )
    assert len(network.control_plane(settings)) == 3
    settings = _settings(database_url="postgresql:///d?host=/run/postgresql", redis_url="redis://127.0.0.1/0")
    assert list(map(str, network.control_plane(settings))) == ["127.0.0.1/32", "10.0.0.7/32"]


def test_a_control_plane_that_cannot_be_resolved_means_no_network(dns: Callable[[Names], None]) -> None:
    dns({})
    with pytest.raises(SandboxError, match=r"db\.example"):
        network.control_plane(_settings())
    assert network.offered(_settings()) is None


def test_an_operator_can_turn_it_off() -> None:
    assert network.offered(_settings(network="off")) is None

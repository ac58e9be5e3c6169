from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.model import Submission
from domain.network import MAX_PORTS, MAX_RULES, NetworkRule, Protocol

if TYPE_CHECKING:
    from tests.unit.app.conftest import Answer, Api, MemoryBackend

RULE: dict[str, object] = {"cidr": "203.0.113.0/24"}
FIRST = "constraints.network_rules[0]"


@pytest.fixture
def allowed(api: "Api", backend: "MemoryBackend") -> "Api":
    """The API asked with a key that carries the permission."""
    backend.keys["service"] = replace(backend.keys["service"], network=True)
    return api


def submit(api: "Api", *rules: object) -> "Answer":
    return api.submit(constraints={"network_enabled": True, "network_rules": list(rules)})


def test_rules_are_understood_and_told_back(allowed: "Api", sent: Callable[[], Submission]) -> None:
    answer = submit(
        allowed,
        {"host": "Example.ORG.", "port": 443},
        {"cidr": "203.0.113.0/24", "ports": [5000, 5001], "protocol": "udp"},
        {"cidr": "198.51.100.7"},
    )

    assert answer.status == 201, answer.body
    assert sent().constraints.network_enabled
    assert sent().constraints.network_rules == (
        NetworkRule(host="example.org", ports=(443,)),
        NetworkRule(cidr="203.0.113.0/24", ports=(5000, 5001), protocol=Protocol.UDP),
        NetworkRule(cidr="198.51.100.7/32"),
    )
    constraints = answer.body["constraints"]
    assert isinstance(constraints, dict)
    assert constraints["network_rules"] == [
        {"host": "example.org", "ports": [443], "protocol": "tcp"},
        {"cidr": "203.0.113.0/24", "ports": [5000, 5001], "protocol": "udp"},
        {"cidr": "198.51.100.7/32", "protocol": "tcp"},
    ]


def test_without_rules_there_are_none(allowed: "Api", sent: Callable[[], Submission]) -> None:
    answer = allowed.submit(constraints={"network_enabled": True})

    assert answer.status == 201, answer.body
    assert sent().constraints.network_rules is None
    assert "network_rules" not in str(answer.body)


def test_no_rules_and_an_empty_list_are_not_the_same(allowed: "Api", sent: Callable[[], Submission]) -> None:
    assert submit(allowed).status == 201
    assert sent().constraints.network_rules == ()


def test_a_key_without_the_permission_is_refused(api: "Api", backend: "MemoryBackend") -> None:
    answer = api.submit(constraints={"network_enabled": True})

    assert answer.status == 422
    assert answer.fields == {"constraints.network_enabled": "this key may not use the network"}
    assert "shipd keys create --network" in str(answer.body)
    assert not backend.views


def test_rules_need_the_network(allowed: "Api") -> None:
    answer = allowed.submit(constraints={"network_rules": [RULE]})

    assert answer.fields.keys() == {"constraints.network_rules"}


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({}, FIRST),
        ({"host": "a.example", "cidr": "203.0.113.0/24"}, FIRST),
        ({"host": ""}, f"{FIRST}.host"),
        *(({"host": name}, f"{FIRST}.host") for name in ("*.example", "a b", "ä.example", "a..b", "-", "a/b", "[::1]")),
        *(({"host": name}, f"{FIRST}.host") for name in ("127.0.0.1", "127.1", "2130706433", "0x7f000001", "a.0x7f")),
        ({"host": "a" * 64 + ".example"}, f"{FIRST}.host"),
        ({"host": "a." * 127 + "aa"}, f"{FIRST}.host"),
        ({"host": 7}, f"{FIRST}.host"),
        *(
            ({"cidr": text}, f"{FIRST}.cidr")
            for text in ("10.0.0.1/8", "1.2.3", "1.2.3.4/33", "010.0.0.0/8", "", " 1.2.3.4")
        ),
        *(
            ({"cidr": text}, f"{FIRST}.cidr")
            for text in ("::/0", "::ffff:10.0.0.1", "fd00::/8", "1.2.3.4/255.0.0.0", "0x1.2.3.4")
        ),
        ({"cidr": 7}, f"{FIRST}.cidr"),
        *((RULE | {"port": port}, f"{FIRST}.port") for port in (0, 65_536, "80", True, None)),
        (RULE | {"port": 80, "ports": [80]}, f"{FIRST}.port"),
        (RULE | {"ports": []}, f"{FIRST}.ports"),
        (RULE | {"ports": [80, 0]}, f"{FIRST}.ports[1]"),
        (RULE | {"ports": [1] * (MAX_PORTS + 1)}, f"{FIRST}.ports"),
        (RULE | {"protocol": "icmp"}, f"{FIRST}.protocol"),
        (RULE | {"prot": "tcp"}, f"{FIRST}.prot"),
        ("203.0.113.0/24", FIRST),
    ],
)
def test_it_refuses(allowed: "Api", rule: object, field: str) -> None:
    answer = submit(allowed, rule)

    assert answer.status == 422
    assert answer.fields.keys() == {field}


def test_too_many_rules_are_refused(allowed: "Api") -> None:
    assert submit(allowed, *[RULE] * MAX_RULES).status == 201
    assert submit(allowed, *[RULE] * (MAX_RULES + 1)).fields.keys() == {"constraints.network_rules"}

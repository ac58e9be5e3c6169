from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from domain.addresses import Reach
from domain.settings import Settings
from workers.deliver import _judged
from workers.delivering import platform_networks, reach_now
from workers.outgoing import Answer


def settings(*deny: str, database: str = "postgresql:///shipd", redis: str = "redis://127.0.0.1:1/0") -> Settings:
    return Settings(database, redis, redis, Path("var"), network_deny=deny)


def test_it_knows_where_the_platform_is() -> None:
    own = settings(
        *("203.0.113.0/24", "2001:db8::/32", "198.51.100.7"),
        database="postgresql://shipd@192.0.2.5:5432/shipd",
        redis="redis://[2001:4860::7]:6379/0",
    )
    found = Reach(own=tuple(platform_networks(own)))
    for text in ("203.0.113.9", "198.51.100.7", "192.0.2.5", "2001:4860::7"):
        assert found.refusal(ip_address(text)) == "it is one of the platform's own"
    assert ip_network("127.0.0.1/32") in platform_networks(settings())


def test_a_socket_has_no_address() -> None:
    assert platform_networks(settings(redis="redis://10.0.0.1:1/0")) == [ip_network("10.0.0.1/32")] * 2


def test_a_name_that_means_nothing_is_no_name_of_the_platforms() -> None:
    with pytest.raises(OSError, match=r"."):
        platform_networks(settings("nothing.invalid"))


def test_this_hosts_own_addresses_are_the_platforms() -> None:
    assert ip_network("127.0.0.1/32") in reach_now(Reach()).own


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_taken(status: int) -> None:
    tried = _judged(Answer(status, b"\xff"), 5)
    assert (tried.error, tried.status, tried.answer, tried.gone) == (None, status, "\ufffd", False)


@pytest.mark.parametrize(
    ("status", "said"), [(101, "2xx"), (300, "redirects"), (308, "redirects"), (400, "2xx"), (410, "2xx"), (503, "2xx")]
)
def test_all_else_is_a_failure(status: int, said: str) -> None:
    tried = _judged(Answer(status, b""), 5)
    assert tried.error is not None
    assert said in tried.error
    assert tried.gone == (status == 410)

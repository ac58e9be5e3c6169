from ipaddress import ip_network

import pytest

from domain.environment import Reader
from domain.webhook_settings import WebhookSettings, read


def test_nothing_is_open_by_itself() -> None:
    assert read(Reader({})) == WebhookSettings(http=False, ports=(443,), allowed=(), threads=16, per_host=4)


def test_it_reads_all_of_them() -> None:
    environ = {
        "SHIPD_WEBHOOK_HTTP": "on",
        "SHIPD_WEBHOOK_PORTS": "443, 8443",
        "SHIPD_WEBHOOK_ALLOW": "10.1.0.0/16, fd00::/8,127.0.0.1",
        "SHIPD_WEBHOOK_THREADS": "2",
        "SHIPD_WEBHOOK_PER_HOST": "1",
    }
    allowed = tuple(map(ip_network, ("10.1.0.0/16", "fd00::/8", "127.0.0.1/32")))
    assert read(Reader(environ)) == WebhookSettings(True, (443, 8443), allowed, 2, 1)
    assert read(Reader({"SHIPD_WEBHOOK_HTTP": "on"})).ports == (443, 80)
    assert read(Reader({"SHIPD_WEBHOOK_THREADS": "2"})).per_host == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHIPD_WEBHOOK_HTTP", "yes"),
        ("SHIPD_WEBHOOK_PORTS", "0"),
        ("SHIPD_WEBHOOK_PORTS", "443,https"),
        ("SHIPD_WEBHOOK_PORTS", "65536"),
        ("SHIPD_WEBHOOK_ALLOW", "10.1.0.1/16"),
        ("SHIPD_WEBHOOK_ALLOW", "localhost"),
        ("SHIPD_WEBHOOK_THREADS", "0"),
        ("SHIPD_WEBHOOK_PER_HOST", "17"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        read(Reader({name: value}))

"""What Celery is told of TLS to a broker that is Redis."""

import ssl

import pytest

from domain import broker_tls

URL = "rediss://shipd:secret@redis.example.org:6379/0"


def test_a_certificate_is_asked_for_where_nothing_is_said() -> None:
    assert broker_tls.of(URL) == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


def test_it_takes_what_the_url_says() -> None:
    said = broker_tls.of(
        f"{URL}?ssl_ca_certs=/etc/shipd/ca.pem&ssl_check_hostname=false&ssl_cert_reqs=CERT_OPTIONAL&db=1"
    )
    assert said == {
        "ssl_ca_certs": "/etc/shipd/ca.pem",
        "ssl_check_hostname": False,
        "ssl_cert_reqs": ssl.CERT_OPTIONAL,
    }


@pytest.mark.parametrize("url", ["redis://127.0.0.1/0", "amqps://mq.example.org//", "redis+socket:///run/redis.sock"])
def test_others_are_left_alone(url: str) -> None:
    assert broker_tls.of(url) is None


def test_a_requirement_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="ssl_cert_reqs='maybe'"):
        broker_tls.of(f"{URL}?ssl_cert_reqs=maybe")

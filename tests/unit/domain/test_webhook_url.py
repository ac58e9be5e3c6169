from ipaddress import ip_network

import pytest

from domain.webhook_settings import WebhookSettings
from domain.webhook_url import BadUrl, Target, host_of, parse

STRICT = WebhookSettings()
OPEN = WebhookSettings(http=True, ports=(80, 443, 8443), allowed=(ip_network("127.0.0.0/8"),))


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://example.org", Target("https", "example.org", 443, "/")),
        ("https://EXAMPLE.org./a/b?c=d&e=%20", Target("https", "example.org", 443, "/a/b?c=d&e=%20")),
        ("HTTPS://example.org:443/", Target("https", "example.org", 443, "/")),
        ("https://bücher.example/ä?ö", Target("https", "xn--bcher-kva.example", 443, "/%C3%A4?%C3%B6")),
        ("https://93.184.215.14/x", Target("https", "93.184.215.14", 443, "/x")),
        ("https://[2001:4860:4860::8888]/", Target("https", "2001:4860:4860::8888", 443, "/")),
        ("https://my_host.example/", Target("https", "my_host.example", 443, "/")),
        ("https://a.example/?u=https://b.example/", Target("https", "a.example", 443, "/?u=https://b.example/")),
    ],
)
def test_it_reads(text: str, target: Target) -> None:
    assert parse(text, STRICT) == target


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.org", "//example.org/", "https:///x", "https://", "https:example.org", "ftp://example.org/"),
        *("http://example.org/", "file:///etc/passwd", "gopher://example.org/", "javascript:alert(1)"),
        *("https://user@example.org/", "https://user:pass@example.org/", "https://@example.org/"),
        *("https://good.example@127.0.0.1/", "https://example.org\\@127.0.0.1/", "https://example.org#@127.0.0.1/"),
        *("https://example.org/#x", "https://example.org/#", "https://example.org:/", "https://example.org:0/"),
        *("https://example.org:22/", "https://example.org:99999/", "https://example.org:x/", "https://example.org:-1/"),
        *("https://exa mple.org/", "https://example.org/a b", "https://example.org/\n", "https://example.org/\r\nX: y"),
        *("https://example.org/\t", "https://example.org/\0", " https://example.org/", "https://example.org/\x7f"),
        *("https://example.org/\u2028", "https://example.org/\u202e", "https://example.org/\ud800"),
        *("https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/"),
        *("https://0x7f.1/", "https://0177.0.0.1/", "https://017700000001/", "https://127.0.0.01/", "https://0/"),
        *("https://1.2.3.4.5/", "https://256.1.1.1/", "https://example.0x7f/", "https://127.0.0.1./"),
        *(
            "https://\uff11\uff12\uff17.0.0.1/",
            "https://127\u30020\u30020\u30021/",
            "https://\u2460\u2461\u2466.0.0.1/",
        ),
        *("https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "https://[fd00::1]/"),
        *("https://[::1/", "https://[127.0.0.1]/", "https://[v1.x]/", "https://::1/", "https://[]/"),
        *("https://10.0.0.1/", "https://169.254.169.254/latest/", "https://[64:ff9b::7f00:1]/", "https://0.0.0.0/"),
        *("https://-a.example/", "https://a..example/", "https://.example/", "https://exam%70le.org/", "https://*.a/"),
        *("https://" + "a" * 64 + ".example/", "https://" + "a.b" * 90 + "/", "https://example.org/" + "x" * 2048),
    ],
)
def test_it_refuses(text: str) -> None:
    with pytest.raises(BadUrl) as refused:
        parse(text, STRICT)
    assert refused.value.hint


def test_a_deployment_may_open_more() -> None:
    assert parse("http://127.0.0.1/", OPEN) == Target("http", "127.0.0.1", 80, "/")
    assert parse("https://example.org:8443/", OPEN).port == 8443
    with pytest.raises(BadUrl, match="must not be called"):
        parse("http://10.0.0.1/", OPEN)


def test_an_address_stands_in_brackets_where_it_must() -> None:
    target = parse("https://[2001:4860::1]/", STRICT)
    assert (target.url_host, str(target.address)) == ("[2001:4860::1]", "2001:4860::1")
    assert parse("https://example.org/", STRICT).address is None


def test_who_shares_a_host_shares_a_limit() -> None:
    assert host_of("https://Example.org.:8443/a") == host_of("https://example.ORG/b") == "example.org"

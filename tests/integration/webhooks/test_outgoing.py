"""Requests to receivers of every kind, over real sockets; names mean what the test says."""

import ssl
import time
from dataclasses import replace
from ipaddress import ip_network

import pytest

from domain.addresses import Address, Reach
from domain.webhook_settings import WebhookSettings
from domain.webhook_url import Target, parse
from tests.integration.webhooks.conftest import LONG_S, SHORT_S, Names
from tests.integration.webhooks.receiving import Receiving
from workers import outgoing
from workers.outgoing import Refused, Sender, Unreached

HEADERS = {"Content-Type": "application/json"}


def to(receiver: Receiving, path: str, host: str = "127.0.0.1", scheme: str = "http") -> Target:
    rules = WebhookSettings(http=True, ports=(receiver.port,), allowed=(ip_network("0.0.0.0/0"),))
    return parse(f"{scheme}://{host}:{receiver.port}/{path}", rules)


def test_it_works(sender: Sender, receiver: Receiving) -> None:
    answer = sender.post(to(receiver, "ok?a=b%20c"), HEADERS, b'{"a": 1}')

    assert (answer.status, answer.body) == (200, b"thank you")
    (request,) = receiver.requests("ok?a=b%20c")
    assert request.body == '{"a": 1}'
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["hang", "trickle"])
def test_however_slow_a_receiver_is_there_is_one_deadline(hurried: Sender, receiver: Receiving, path: str) -> None:
    """Up to three attempts to be in time: a machine that stalls does not do so each time."""

    def took_s() -> float:
        began = time.monotonic()
        with pytest.raises(Unreached, match="no answer within"):
            hurried.post(to(receiver, path), HEADERS, b"{}")
        return time.monotonic() - began

    assert any(took_s() < SHORT_S + 3 for _ in range(3))


def test_of_a_flood_the_beginning_is_read(sender: Sender, receiver: Receiving) -> None:
    answer = sender.post(to(receiver, "flood"), HEADERS, b"{}")
    assert answer.status == 200
    assert answer.body == b"a" * outgoing.MAX_ANSWER_BYTES


def test_what_comes_before_an_answer_has_a_bound(sender: Sender, receiver: Receiving) -> None:
    patient = replace(sender, timeout_s=60)
    with pytest.raises(Unreached, match=f"more than {outgoing.MAX_RECEIVED_BYTES} bytes"):
        patient.post(to(receiver, "informational"), HEADERS, b"{}")


@pytest.mark.parametrize("path", ["close", "garbage", "flood-headers", "informational"])
def test_what_is_no_answer_is_a_failure(sender: Sender, receiver: Receiving, path: str) -> None:
    with pytest.raises(Unreached):
        sender.post(to(receiver, path), HEADERS, b"{}")


def test_a_port_where_nobody_listens_is_a_failure(sender: Sender, receiver: Receiving) -> None:
    nobody = Target("http", "127.0.0.1", 1, "/")
    with pytest.raises(Unreached, match="cannot connect"):
        sender.post(nobody, HEADERS, b"{}")


@pytest.mark.parametrize("where", ["127.0.0.1", "elsewhere.example"])
def test_a_redirect_is_an_answer_like_others(sender: Sender, receiver: Receiving, names: Names, where: str) -> None:
    path = f"redirect?to=http://{where}:{receiver.port}/ok?from={where}"
    assert sender.post(to(receiver, path), HEADERS, b"{}").status == 307
    assert receiver.requests(f"ok?from={where}") == []
    assert names.asked == []


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.2",),
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "10.0.0.1"),
        ("::1",),
        ("::ffff:127.0.0.2",),
        ("64:ff9b::7f00:2",),
        ("169.254.169.254",),
        ("fd00:ec2::254",),
        ("0.0.0.0",),  # noqa: S104 - an address to be refused
    ],
)
def test_a_name_at_a_denied_address_is_not_called(
    sender: Sender, receiver: Receiving, names: Names, addresses: tuple[str, ...]
) -> None:
    names.known["inside.example"] = [addresses]
    with pytest.raises(Refused, match="must not be called") as refused:
        sender.post(to(receiver, "ok?denied", "inside.example"), HEADERS, b"{}")
    # Its owner reads this, and is not told what names mean within our network.
    assert not any(address in str(refused.value).partition(": ")[0] for address in addresses)
    assert receiver.requests("ok?denied") == []


def test_a_name_that_changes_is_called_where_it_was_checked(sender: Sender, receiver: Receiving, names: Names) -> None:
    names.known["rebinding.example"] = [("127.0.0.1",), ("127.0.0.2",)]

    assert sender.post(to(receiver, "ok?rebinding", "rebinding.example"), HEADERS, b"{}").status == 200

    assert names.asked == ["rebinding.example"]
    (request,) = receiver.requests("ok?rebinding")
    assert request.headers["host"] == f"rebinding.example:{receiver.port}"
    with pytest.raises(Refused):
        sender.post(to(receiver, "ok?rebinding", "rebinding.example"), HEADERS, b"{}")


def test_of_several_addresses_the_next_is_tried(context: ssl.SSLContext, receiver: Receiving, names: Names) -> None:
    names.known["two.example"] = [("127.0.0.3", "127.0.0.1")]
    sender = Sender(lambda: Reach((ip_network("127.0.0.0/8"),)), context, names, LONG_S)
    assert sender.post(to(receiver, "ok?two", "two.example"), HEADERS, b"{}").status == 200


def test_the_platforms_own_addresses_are_denied(context: ssl.SSLContext, receiver: Receiving, names: Names) -> None:
    names.known["own.example"] = [("203.0.113.9",)]
    sender = Sender(lambda: Reach(own=(ip_network("203.0.113.9/32"),)), context, names, LONG_S)
    with pytest.raises(Refused, match="platform's own"):
        sender.post(to(receiver, "ok", "own.example"), HEADERS, b"{}")


def test_a_name_that_is_unknown_or_slow_is_a_failure(
    context: ssl.SSLContext, sender: Sender, receiver: Receiving
) -> None:
    with pytest.raises(Unreached, match="cannot be resolved"):
        sender.post(to(receiver, "ok", "unknown.example"), HEADERS, b"{}")

    def never(name: str, port: int) -> list[Address]:
        time.sleep(SHORT_S * 2)
        return []

    slow = Sender(sender.reach, context, never, SHORT_S / 4)
    with pytest.raises(Unreached, match="within"):
        slow.post(to(receiver, "ok", "slow.example"), HEADERS, b"{}")


def test_the_environments_proxies_are_not_asked(
    sender: Sender, receiver: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert sender.post(to(receiver, "ok?proxy"), HEADERS, b"{}").status == 200


def test_over_tls_the_name_is_asked_for_and_verified(sender: Sender, tls_receiver: Receiving, names: Names) -> None:
    names.known["right.example"] = [("127.0.0.1",)]
    answer = sender.post(to(tls_receiver, "ok?tls", "right.example", "https"), HEADERS, b"{}")
    assert answer.status == 200
    assert len(tls_receiver.requests("ok?tls")) == 1


def test_a_certificate_for_another_name_is_refused(sender: Sender, tls_receiver: Receiving, names: Names) -> None:
    names.known["wrong.example"] = [("127.0.0.1",)]
    with pytest.raises(Unreached, match="certificate"):
        sender.post(to(tls_receiver, "ok?wrong", "wrong.example", "https"), HEADERS, b"{}")
    assert tls_receiver.requests("ok?wrong") == []


def test_a_certificate_of_nobody_known_is_refused(sender: Sender, tls_receiver: Receiving, names: Names) -> None:
    names.known["right.example"] = [("127.0.0.1",)]
    stranger = Sender(sender.reach, ssl.create_default_context(), names, LONG_S)
    with pytest.raises(Unreached, match="certificate"):
        stranger.post(to(tls_receiver, "ok?stranger", "right.example", "https"), HEADERS, b"{}")
    assert tls_receiver.requests("ok?stranger") == []


def test_tls_that_is_none_is_a_failure(sender: Sender, receiver: Receiving, names: Names) -> None:
    names.known["right.example"] = [("127.0.0.1",)]
    with pytest.raises(Unreached):
        sender.post(to(receiver, "ok?plain", "right.example", "https"), HEADERS, b"{}")


def test_the_system_resolves_names() -> None:
    assert any(address.is_loopback for address in outgoing.resolve("localhost", 80))
    with pytest.raises(OSError, match=r"."):
        outgoing.resolve("nothing.invalid", 80)

"""A provider's keys: found, kept, rotated, withdrawn; and a provider that is away or answers with something else."""

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from domain import oidc_keys
from domain.errors import Unauthenticated, Unavailable
from domain.oidc_keys import ProviderError, ProviderKeys
from domain.oidc_settings import Issuer

if TYPE_CHECKING:
    from tests.integration.identity.conftest import MakeTokens, Provider

AUDIENCE = "https://shipd.example/api"


def test_it_works(provider: "Provider") -> None:
    made = provider.rotate(forget=True)
    keys = ProviderKeys(Issuer(provider.url, (AUDIENCE,)))

    found = keys.key(made["kid"])

    assert found is not None
    assert (found.kid, found.is_private) == (made["kid"], False)
    assert keys.key(None) is found  # there is no other
    before = provider.asked
    assert keys.key(made["kid"]) is found
    assert provider.asked == before


def test_a_new_key_of_the_provider_is_found(provider: "Provider", tokens_of: "MakeTokens") -> None:
    tokens = tokens_of(Issuer(provider.url, (AUDIENCE,)))
    before = provider.token()
    tokens.verify(before)

    provider.rotate(kind="EC")

    assert tokens.verify(provider.token(sub="bob")).subject == "bob"
    assert tokens.verify(before).subject == "alice"


def test_unknown_keys_do_not_have_the_provider_hammered(provider: "Provider") -> None:
    keys = ProviderKeys(Issuer(provider.url, (AUDIENCE,)), cool_down_s=3600)
    assert keys.key("nobody") is None
    before = provider.asked

    assert [keys.key(f"nobody {number}") for number in range(50)] == [None] * 50
    assert provider.asked == before


def test_a_withdrawn_key_counts_no_more(provider: "Provider", tokens_of: "MakeTokens") -> None:
    tokens = tokens_of(Issuer(provider.url, (AUDIENCE,)), max_age_s=0)
    text = provider.token()
    tokens.verify(text)

    provider.rotate(forget=True)

    deadline = time.monotonic() + 20
    with pytest.raises(Unauthenticated, match="does not have"):
        while time.monotonic() < deadline:
            with contextlib.suppress(Unavailable):  # a thread is just fetching them
                tokens.verify(text)


def test_without_a_provider_ever_it_cannot_be_told(own_provider: "Provider", tokens_of: "MakeTokens") -> None:
    text = own_provider.token()
    own_provider.stop()
    tokens = tokens_of(Issuer(own_provider.url, (AUDIENCE,)), cool_down_s=0.05)

    for _ in range(2):
        with pytest.raises(Unavailable, match="never had"):
            tokens.verify(text)
    own_provider.start()
    deadline = time.monotonic() + 20
    with pytest.raises(Unauthenticated, match="does not have"):  # it came back with other keys
        while time.monotonic() < deadline:
            try:
                tokens.verify(text)
            except Unavailable:
                time.sleep(0.05)


def test_keys_that_were_had_go_on_without_the_provider(own_provider: "Provider", tokens_of: "MakeTokens") -> None:
    tokens = tokens_of(Issuer(own_provider.url, (AUDIENCE,)), max_age_s=0)
    first, second = own_provider.token(), own_provider.token(sub="bob")
    unknown = own_provider.token({"kid": "another"})
    tokens.verify(first)

    own_provider.stop()

    assert tokens.verify(first).subject == "alice"
    assert tokens.verify(second).subject == "bob"
    with pytest.raises((Unauthenticated, Unavailable)):
        tokens.verify(unknown)


def test_while_one_asks_a_provider_that_hangs_the_others_do_not_wait(
    provider: "Provider", monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ProviderKeys(Issuer(provider.url, (AUDIENCE,)), cool_down_s=0)
    assert keys.key("nobody") is None
    entered, leave = threading.Event(), threading.Event()

    def hang(issuer: Issuer) -> None:
        if issuer is not keys.issuer:
            raise ProviderError("asked by what an earlier test left running")
        entered.set()
        leave.wait(20)
        raise ProviderError("it hangs")

    monkeypatch.setattr(oidc_keys, "fetch", hang)
    one = threading.Thread(target=keys.key, args=("unknown",))
    one.start()
    assert entered.wait(20)

    with pytest.raises(Unavailable, match="being fetched"):
        keys.key("another unknown")

    leave.set()
    one.join()


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "an error": ({"status": 500}, "answered 500"),
    "a redirect": ({"redirect": "https://evil.example/"}, "answered 302"),
    "too much": ({"padding": 300_000}, "more than"),
    "no object": ({"instead": [1]}, "no JSON object"),
    "another issuer": ({"discovery": {"issuer": "https://evil.example"}}, "another issuer"),
    "no jwks_uri": ({"discovery": {"jwks_uri": None}}, "jwks_uri"),
    "a jwks_uri without TLS": ({"discovery": {"jwks_uri": "http://keys.example/"}}, "must be https"),
    "a jwks_uri that is a file": ({"discovery": {"jwks_uri": "file:///etc/passwd"}}, "must be https"),
}


@pytest.mark.parametrize(("behaviour", "why"), FAULTS.values(), ids=FAULTS)
def test_a_provider_that_answers_otherwise_has_no_keys(
    provider: "Provider", behaviour: dict[str, Any], why: str
) -> None:
    provider.behave(**behaviour)

    with pytest.raises(ProviderError, match=why):
        oidc_keys.fetch(Issuer(provider.url, (AUDIENCE,)))


@pytest.mark.parametrize("keys", [None, 7, [], [None], [{"kty": "oct", "k": "AAAA"}], [{"kty": "RSA"}], [{"kty": "x"}]])
def test_a_list_without_keys_for_signatures_is_none(keys: object) -> None:
    with pytest.raises(ProviderError, match="JWKS has no"):
        oidc_keys._keys(keys)


def test_a_slow_provider_is_given_up(provider: "Provider", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc_keys, "TIMEOUT_S", 0.2)
    provider.behave(sleep_s=30)

    with pytest.raises(ProviderError, match="timed out"):
        oidc_keys.fetch(Issuer(provider.url, (AUDIENCE,)))

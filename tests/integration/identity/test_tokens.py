"""Tokens of a provider that really answers: good ones, and everything that only looks like one."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from domain.errors import Unauthenticated
from domain.oidc import Tokens, is_token
from domain.oidc_settings import Issuer
from domain.roles import Role

if TYPE_CHECKING:
    from tests.integration.identity.conftest import MakeTokens, Provider

AUDIENCE = "https://shipd.example/api"


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(header: Mapping[str, object], claims: object, signature: bytes = b"x") -> str:
    return f"{encoded(dict(header))}.{encoded(claims)}.{encoded(signature)}"


def kid_of(provider: "Provider") -> str:
    header = provider.token().split(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "==="))["kid"])


def refused(tokens: Tokens, text: str, why: str = ".") -> None:
    with pytest.raises(Unauthenticated, match=why) as raised:
        tokens.verify(text)
    assert text[:20] not in str(raised.value)


def test_it_works(tokens: Tokens, provider: "Provider") -> None:
    who = tokens.verify(provider.token())

    assert (who.role, who.subject, who.issuer, who.key_id) == (Role.SUBMITTER, "alice", provider.url, None)
    assert who.expires_at is not None
    assert 890 < who.expires_at.timestamp() - time.time() <= 900


def test_clocks_may_be_apart_a_little(tokens: Tokens, provider: "Provider") -> None:
    now = int(time.time())

    tokens.verify(provider.token(exp=now - 10))
    tokens.verify(provider.token(nbf=now + 10, iat=now + 10))


NOW = int(time.time())
"""When the tests were collected, which may be half an hour ago."""
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": NOW - 60}, "expired"),
    "without an end": ({"exp": None}, "'exp'"),
    "an end that is a text": ({"exp": str(NOW + 900)}, "'exp'"),
    "an end that is true": ({"exp": True}, "'exp'"),
    "an end beyond all dates": ({"exp": 10**30}, "'exp'"),
    "not yet valid": ({"nbf": NOW + 86_400}, "'nbf'"),
    "issued in the future": ({"iat": NOW + 86_400}, "'iat'"),
    "of another audience": ({"aud": "https://other.example"}, "'aud'"),
    "of a longer audience": ({"aud": AUDIENCE + "/"}, "'aud'"),
    "of other audiences": ({"aud": ["a", "b"]}, "'aud'"),
    "of no audience": ({"aud": None}, "'aud'"),
    "of an empty audience": ({"aud": []}, "'aud'"),
    "an audience that is an object": ({"aud": {AUDIENCE: 1}}, "'aud'"),
    "another issuer": ({"iss": "https://evil.example"}, "not trusted"),
    "the issuer with a slash": ({"iss": "http://127.0.0.1/"}, "not trusted"),
    "no issuer": ({"iss": None}, "not trusted"),
    "an issuer that is a list": ({"iss": ["x"]}, "not trusted"),
    "no subject": ({"sub": None}, "'sub'"),
    "an empty subject": ({"sub": ""}, "'sub'"),
    "a subject that is a number": ({"sub": 7}, "'sub'"),
    "a subject that is a list": ({"sub": ["alice"]}, "'sub'"),
    "a subject with a NUL": ({"sub": "al\0ice"}, "'sub'"),
    "a subject with half a character": ({"sub": "\ud800"}, "'sub'"),
    "a subject with a line break": ({"sub": "alice\nadmin"}, "'sub'"),
    "a subject without end": ({"sub": "a" * 256}, "'sub'"),
    "an ID token of Cognito": ({"token_use": "id"}, "no access token"),
    "an ID token of Keycloak": ({"typ": "ID"}, "no access token"),
    "a refresh token of Keycloak": ({"typ": "Refresh"}, "no access token"),
}


@pytest.mark.parametrize(("claims", "why"), WRONG.values(), ids=WRONG)
def test_a_token_that_says_the_wrong_thing_is_refused(
    tokens: Tokens, provider: "Provider", claims: dict[str, Any], why: str
) -> None:
    refused(tokens, provider.token(**claims), why)


def test_a_type_that_is_no_access_token_is_refused(tokens: Tokens, provider: "Provider") -> None:
    tokens.verify(provider.token({"typ": "at+jwt"}))
    refused(tokens, provider.token({"typ": "logout+jwt"}), "type")


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_a_token_without_a_signature_is_refused(tokens: Tokens, provider: "Provider", alg: str) -> None:
    header = {"alg": alg, "kid": kid_of(provider)}

    refused(tokens, unsigned(header, provider.claims()))
    assert not is_token(unsigned(header, provider.claims(), b""))
    refused(tokens, unsigned(header, provider.claims(), b"").rstrip(".") + ".")


def test_the_public_key_is_no_secret_to_sign_with(tokens: Tokens, provider: "Provider") -> None:
    made = provider.rotate()
    for secret in (made["public"].encode(), made["public"].strip().encode()):
        header = {"alg": "HS256", "typ": "JWT", "kid": made["kid"]}
        signed = f"{encoded(header)}.{encoded(provider.claims())}"
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()

        refused(tokens, f"{signed}.{encoded(mac)}", "not signed")


def test_a_secret_that_the_provider_tells_everybody_is_no_key(tokens: Tokens, provider: "Provider") -> None:
    secret = OctKey.generate_key(256, {"kid": "shared"})
    provider.behave(more_keys=[secret.as_dict(private=True)])
    header: dict[str, Any] = {"alg": "HS256", "kid": "shared"}

    refused(tokens, jwt.encode(header, provider.claims(), secret))


FOREIGN = RSAKey.generate_key(2048, {"kid": "mine"})


def forged(provider: "Provider", **header: Any) -> str:
    return jwt.encode({"alg": "RS256", **header}, provider.claims(), FOREIGN)


@pytest.mark.parametrize(
    "kid",
    [
        "mine",
        "../../../../dev/null",
        "/etc/passwd",
        "https://evil.example/jwks",
        "' OR 1=1 --",
        "\0",
        "",
        "x" * 400,
        7,
        None,
        ["a"],
    ],
    ids=repr,
)
def test_a_key_that_the_issuer_does_not_have_is_refused(tokens: Tokens, provider: "Provider", kid: object) -> None:
    refused(tokens, unsigned({"alg": "RS256", "kid": kid}, provider.claims()))
    if isinstance(kid, str):
        refused(tokens, forged(provider, kid=kid))


def test_a_forged_token_with_the_issuers_kid_is_refused(tokens: Tokens, provider: "Provider") -> None:
    tokens.verify(provider.token())

    refused(tokens, forged(provider, kid=kid_of(provider)), "not signed")


def test_where_a_token_says_that_its_key_is_means_nothing(
    tokens: Tokens, provider: "Provider", own_provider: "Provider"
) -> None:
    elsewhere = f"{own_provider.url}/jwks"
    public = FOREIGN.as_dict(private=False)
    for lure in ({"jku": elsewhere}, {"x5u": elsewhere}, {"jwk": public}, {"jku": elsewhere, "jwk": public}):
        for kid in ("mine", kid_of(provider)):
            refused(tokens, forged(provider, kid=kid, **lure))

    assert own_provider.asked == {"discovery": 0, "jwks": 0}
    tokens.verify(provider.token({"jku": elsewhere}))  # ignored, not feared


def test_a_header_that_is_critical_and_unknown_is_refused(tokens: Tokens, provider: "Provider") -> None:
    text = provider.token()
    _, claims, signature = text.split(".")
    header = {"alg": "RS256", "kid": kid_of(provider), "crit": ["exp"], "exp": 1}

    refused(tokens, f"{encoded(header)}.{claims}.{signature}")


def test_what_was_changed_or_cut_is_refused(tokens: Tokens, provider: "Provider") -> None:
    header, claims, signature = provider.token().split(".")
    other = encoded(provider.claims(sub="root"))

    tokens.verify(f"{header}.{claims}.{signature}")
    refused(tokens, f"{header}.{other}.{signature}", "not signed")
    refused(tokens, f"{header}.{claims}.{signature[:-8]}")
    refused(tokens, f"{header}.{claims}.{signature[:4]}")
    refused(tokens, f"{header}.{claims}.{signature}{signature}")
    refused(tokens, f"{claims}.{header}.{signature}")


@pytest.mark.parametrize(
    "claims",
    [b"", b"{", b"[]", b"7", b'"x"', b"null", b"\xff", b"[" * 4000, b'{"iss": ' + b"9" * 5000 + b"}", b"{}"],
    ids=lambda claims: repr(claims[:12]),
)
def test_what_is_no_token_is_refused(tokens: Tokens, claims: bytes) -> None:
    refused(tokens, unsigned({"alg": "RS256"}, claims or b" "))


@pytest.mark.parametrize("header", [b"[]", b"7", b"{", b'{"alg": ["RS256"]}', b'{"alg": {}}', b"{}", b"[" * 2000])
def test_a_header_that_is_none_is_refused(tokens: Tokens, provider: "Provider", header: bytes) -> None:
    refused(tokens, f"{encoded(header)}.{encoded(provider.claims())}.{encoded(b'x')}")


def test_a_key_of_one_kind_checks_no_signature_of_another(provider: "Provider", tokens_of: "MakeTokens") -> None:
    tokens = tokens_of(Issuer(provider.url, (AUDIENCE,), algorithms=("RS256", "ES256", "PS256")))
    kid = kid_of(provider)
    curve = ECKey.generate_key("P-256", {"kid": kid})
    header: dict[str, Any] = {"alg": "ES256", "kid": kid}

    refused(tokens, jwt.encode(header, provider.claims(), curve))
    refused(tokens, unsigned({"alg": "PS256", "kid": kid}, provider.claims(), b"x" * 256))


def test_an_algorithm_that_the_settings_do_not_name_is_refused(provider: "Provider", tokens_of: "MakeTokens") -> None:
    refused(tokens_of(Issuer(provider.url, (AUDIENCE,), algorithms=("ES256",))), provider.token(), "not signed")


def test_a_token_is_remembered_until_it_expires(
    tokens: Tokens, provider: "Provider", monkeypatch: pytest.MonkeyPatch
) -> None:
    text = provider.token(exp=int(time.time()) + 60)
    who = tokens.verify(text)
    monkeypatch.setattr("domain.oidc._signed", None)  # nothing is looked at again

    assert tokens.verify(text) is who
    monkeypatch.undo()
    later = time.time() + 60 + 31
    monkeypatch.setattr("time.time", lambda: later)
    refused(tokens, text, "expired")


def test_only_so_many_tokens_are_remembered(
    tokens: Tokens, provider: "Provider", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.oidc.REMEMBERED", 2)
    for number in range(4):
        tokens.verify(provider.token(sub=f"user {number}"))

    assert [known.who.subject for known in tokens._known.values()] == ["user 2", "user 3"]

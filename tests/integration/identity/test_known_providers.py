"""Tokens as Cognito, Keycloak and Auth0 make them, taken by settings alone; and the roles in them."""

from typing import TYPE_CHECKING, Any

import pytest

from domain.errors import Forbidden, Unauthenticated
from domain.oidc import Tokens
from domain.oidc_settings import Issuer
from domain.roles import Role

if TYPE_CHECKING:
    from tests.integration.identity.conftest import MakeTokens, Provider

AUDIENCE = "https://shipd.example/api"


def refused(tokens: Tokens, text: str, why: str) -> None:
    with pytest.raises(Unauthenticated, match=why):
        tokens.verify(text)


COGNITO: dict[str, Any] = {"aud": None, "client_id": "7abc", "token_use": "access", "cognito:groups": ["graders"]}
KEYCLOAK: dict[str, Any] = {
    "aud": ["account", AUDIENCE],
    "azp": "web",
    "typ": "Bearer",
    "realm_access": {"roles": ["offline_access", "staff"]},
}
AUTH0: dict[str, Any] = {
    "aud": [AUDIENCE, "https://tenant.example/userinfo"],
    "azp": "spa",
    "https://shipd.example/role": "author",
}


def test_it_takes_tokens_of_cognito(provider: "Provider", tokens_of: "MakeTokens") -> None:
    issuer = Issuer(
        provider.url,
        ("7abc",),
        audience_claim="client_id",
        role_claim=("cognito:groups",),
        roles={"graders": Role.SERVICE},
        require={"token_use": "access"},
    )

    assert tokens_of(issuer).verify(provider.token(**COGNITO)).role is Role.SERVICE
    refused(tokens_of(issuer), provider.token(**COGNITO | {"client_id": "8abc"}), "client_id")
    refused(tokens_of(issuer), provider.token(**COGNITO | {"token_use": None}), "token_use")


def test_it_takes_tokens_of_keycloak(provider: "Provider", tokens_of: "MakeTokens") -> None:
    issuer = Issuer(
        provider.url,
        (AUDIENCE,),
        clients=("web",),
        role_claim=("realm_access", "roles"),
        roles={"root": Role.ADMIN, "staff": Role.OPERATOR, "offline_access": Role.SUBMITTER},
    )

    assert tokens_of(issuer).verify(provider.token(**KEYCLOAK)).role is Role.OPERATOR
    refused(tokens_of(issuer), provider.token(**KEYCLOAK | {"azp": "other"}), "application")
    refused(tokens_of(issuer), provider.token(**KEYCLOAK | {"azp": None}), "application")


def test_it_takes_tokens_of_auth0(provider: "Provider", tokens_of: "MakeTokens") -> None:
    issuer = Issuer(
        provider.url,
        (AUDIENCE,),
        role_claim=("https://shipd.example/role",),
        roles={"author": Role.AUTHOR},
    )

    assert tokens_of(issuer).verify(provider.token(**AUTH0)).role is Role.AUTHOR


@pytest.mark.parametrize("claim", [None, [], "none", ["other"], [["staff"]], {"staff": True}, 7, {"roles": "staff"}])
def test_a_role_that_is_not_there_is_not_given(provider: "Provider", tokens_of: "MakeTokens", claim: object) -> None:
    issuer = Issuer(provider.url, (AUDIENCE,), role_claim=("roles",), roles={"staff": Role.ADMIN})
    strict = Issuer(provider.url, (AUDIENCE,), role_claim=("roles",), roles={"staff": Role.ADMIN}, default_role=None)

    assert tokens_of(issuer).verify(provider.token(roles=claim)).role is Role.SUBMITTER
    with pytest.raises(Forbidden, match="none of the roles"):
        tokens_of(strict).verify(provider.token(roles=claim))

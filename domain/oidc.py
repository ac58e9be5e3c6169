"""Bearer tokens of identity providers (OAuth 2, OpenID Connect): who sent them, or why they are refused.

joserfc looks at the signature, with a key that the issuer publishes and an algorithm that its settings name; nothing
that the token says leads anywhere else (`jku`, `jwk`, `x5u` mean nothing here). Then the claims are compared with the
settings. What was found is remembered until the token expires: a request with a known one asks nobody.
"""

import hashlib
import json
import re
import threading
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import GuestProtocol
from joserfc.jws import JWSRegistry
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from domain.errors import Forbidden, Unauthenticated
from domain.keys import Key
from domain.logging import logger
from domain.oidc_keys import ProviderKeys, PublicKey
from domain.oidc_settings import Issuer
from domain.roles import Role, Scope

MAX_TOKEN_CHARS = 8192
MAX_SUBJECT_CHARS = 255
REMEMBERED = 4096
"""Tokens of one process; the one that was used longest ago is forgotten first."""
_LATEST = 253_402_300_799 - 86_400
"""The last day that dates can tell."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}
_USES = {"token_use": {"access"}, "typ": {"bearer", "jwt", "at+jwt", "access"}}
"""Claims by which issuers tell access tokens from others: Cognito's and Keycloak's."""

Claims = Mapping[str, object]
log = logger(__name__)


class Refused(Unauthenticated):
    """A token that is not taken; the text says why, to whoever sent it."""


def is_token(text: str) -> bool:
    """Say whether it has the form of a token."""
    return len(text) <= MAX_TOKEN_CHARS and _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True)
class _Known:
    who: Key
    signed_by: PublicKey
    until: float


class Tokens:
    """Reads tokens; safe to share between threads. `owner` gives an owner's id by issuer and subject."""

    def __init__(self, keys: Iterable[ProviderKeys], owner: Callable[[str, str], UUID]) -> None:
        self._keys = {one.issuer.url: one for one in keys}
        self._owner = owner
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, text: str) -> Key:
        """Say whose token this is. Raises Unauthenticated saying what is wrong with it, Unavailable."""
        digest = hashlib.sha256(text.encode()).digest()
        found = self._remembered(digest)
        if found is None:
            found = self._read(text)
            self._remember(digest, found)
        return found.who

    def _remembered(self, digest: bytes) -> _Known | None:
        with self._lock:
            found = self._known.get(digest)
            if found is None:
                return None
            withdrawn = not self._keys[str(found.who.issuer)].is_current(found.signed_by)
            if withdrawn or time.time() >= found.until:
                del self._known[digest]
                return None
            self._known.move_to_end(digest)
            return found

    def _remember(self, digest: bytes, found: _Known) -> None:
        with self._lock:
            self._known[digest] = found
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def _read(self, text: str) -> _Known:
        keys = self._keys.get(_claimed_issuer(text))
        if keys is None:
            raise Refused("the token is of an issuer that is not trusted here")
        issuer = keys.issuer
        claims, signed_by = _signed(text, keys)
        expires_at = _check(claims, issuer)
        subject = _subject(claims)
        who = Key(
            name=subject,
            role=_role(claims, issuer),
            id=self._owner(issuer.url, subject),
            network=issuer.network,
            static_check=issuer.static_check,
            scopes=frozenset(Scope) if issuer.makes_keys else None,
            expires_at=datetime.fromtimestamp(expires_at, UTC),
            issuer=issuer.url,
            subject=subject,
        )
        return _Known(who, signed_by, expires_at + issuer.skew_s)


def _claimed_issuer(text: str) -> str:
    """Read whose token it says it is, which the signature has yet to show."""
    payload = text.split(".")[1]
    try:
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError) as error:
        raise Refused("the token cannot be read: it is no JSON Web Token") from error
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else ""


def _signed(text: str, keys: ProviderKeys) -> tuple[Claims, PublicKey]:
    """Give the claims of a token and the key that it is signed with."""
    used: list[PublicKey] = []

    def choose(token: GuestProtocol) -> PublicKey:
        used.append(_signer(token.headers(), keys))
        return used[0]

    try:
        token = jwt.decode(text, choose, registry=_registry(keys.issuer.algorithms))
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        # What exactly was wrong helps whoever forges more than whoever has a token of the issuer.
        log.info("token_refused", issuer=keys.issuer.url, error=type(error).__name__)
        raise Refused("the token is not signed as its issuer's tokens are") from error
    kind = token.header.get("typ")
    if kind is not None and (not isinstance(kind, str) or kind.lower() not in _TYPES):
        raise Refused("the token is of another type than access tokens are")
    return token.claims, used[0]


@lru_cache
def _registry(algorithms: tuple[str, ...]) -> JWSRegistry:
    # Headers that mean something to others are let through; those that say they are critical are not.
    return JWSRegistry(algorithms=algorithms, strict_check_header=False)


def _signer(header: Mapping[str, object], keys: ProviderKeys) -> PublicKey:
    """Find the key that a token names among its issuer's."""
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise Refused("the token's kid is no text")
    found = keys.key(kid)
    if found is None or (found.alg or header["alg"]) != header["alg"]:
        raise Refused("the token is signed with a key that its issuer does not have")
    return found


def _check(claims: Claims, issuer: Issuer) -> float:
    """Compare claims with what the issuer's tokens must say, and give when it expires."""
    wanted: dict[str, ClaimsOption] = {
        name: {"essential": True, "value": value} for name, value in {"iss": issuer.url, **issuer.require}.items()
    }
    wanted |= {"exp": {"essential": True}, issuer.audience_claim: {"essential": True, "values": [*issuer.audience]}}
    try:
        JWTClaimsRegistry(None, issuer.skew_s, **wanted).validate(dict(claims))
    except ExpiredTokenError as error:
        raise Refused("the token has expired: get a new one from its issuer") from error
    except (ClaimError, TypeError) as error:
        named = error.claim if isinstance(error, ClaimError) else "?"
        raise Refused(f"the token's claim {named!r} is missing, or not what is asked for here") from error
    _refuse_other_kinds(claims)
    client = claims.get("azp", claims.get("client_id"))
    if issuer.clients and client not in issuer.clients:
        raise Refused("the token was made for an application that is not taken here")
    return _moment(claims["exp"])


def _moment(expires_at: object) -> float:
    if not isinstance(expires_at, int | float) or expires_at > _LATEST:
        raise Refused("the token's claim 'exp' is further away than dates go")
    return float(expires_at)


def _refuse_other_kinds(claims: Claims) -> None:
    for name, accepted in _USES.items():
        kind = claims.get(name)
        if kind is not None and (not isinstance(kind, str) or kind.lower() not in accepted):
            raise Refused(f"the token is no access token: its {name} is another")


def _subject(claims: Claims) -> str:
    found = claims.get("sub")
    if not isinstance(found, str) or not 1 <= len(found) <= MAX_SUBJECT_CHARS or not found.isprintable():
        raise Refused(f"the token's claim 'sub' must be a text of 1 to {MAX_SUBJECT_CHARS} printable characters")
    return found


def _role(claims: Claims, issuer: Issuer) -> Role:
    """Find our role for the first of the issuer's roles, in the order of its settings, that the token has."""
    theirs = _names(claims, issuer.role_claim)
    found = next((ours for name, ours in issuer.roles.items() if name in theirs), issuer.default_role)
    if found is None:
        raise Forbidden("the token has none of the roles that may use this: ask its issuer's administrator for one")
    return found


def _names(claims: Claims, path: tuple[str, ...]) -> set[str]:
    """Give the texts at a place in the claims: a list of them, or one that may be several with spaces between."""
    place: object = claims if path else None
    for name in path:
        place = place.get(name) if isinstance(place, dict) else None
    if isinstance(place, str):
        return {place, *place.split()}
    return {name for name in place if isinstance(name, str)} if isinstance(place, list) else set()

"""Which identity providers are trusted, and for what: the file that SHIPD_OIDC names, read once.

A provider is one `[[issuer]]` in it; docs/access.md has the lines for Cognito, Keycloak and Auth0. Secrets stand
nowhere in it: providers' keys are public.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from domain.roles import Role

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""Signatures that only the issuer can make. `none` and HS256, whose key everybody has who checks it, are not here."""
MAX_SKEW_S = 300
NO_ROLE = "none"

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_KEYS = {
    *("url", "audience", "audience_claim", "clients", "algorithms", "role_claim", "roles", "default_role"),
    *("require", "skew_s", "network", "static_check", "makes_keys"),
}


@dataclass(frozen=True)
class Issuer:
    """One identity provider, and what its tokens are worth here."""

    url: str
    """As it stands in the claim `iss`, to the letter; discovery is below it."""
    audience: tuple[str, ...]
    """One of these must be in the token's audience."""
    audience_claim: str = "aud"
    """Where the audience stands; Cognito's access tokens have `client_id` instead."""
    clients: tuple[str, ...] = ()
    """The applications whose tokens are taken, by `azp` or `client_id`; none named takes all."""
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    role_claim: tuple[str, ...] = ()
    """The path to the claim that names roles: ["realm_access", "roles"], or one name with dots and colons in it."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Our role for each of theirs; of several the first in the file counts."""
    default_role: Role | None = Role.SUBMITTER
    """For tokens with none of these; None refuses them."""
    require: Mapping[str, str] = field(default_factory=dict)
    """Claims that must have exactly this value."""
    skew_s: int = 30
    """How far the clocks may be apart."""
    network: bool = False
    """Whether what is sent may have a network."""
    static_check: str | None = None
    """The static check that what is sent must pass."""
    makes_keys: bool = False
    """Whether its people may make API keys of their own."""


def load(path: Path | None) -> tuple[Issuer, ...]:
    """Read the file; None is no provider. Raises ValueError that names the file, the issuer and what is wrong."""
    if path is None:
        return ()
    try:
        found = tomllib.loads(path.read_text()).get("issuer")
        if not isinstance(found, list) or not found:
            raise ValueError("has no [[issuer]]; write one for each provider, or leave SHIPD_OIDC out")  # noqa: TRY301
        issuers = tuple(_issuer(number, table) for number, table in enumerate(found, 1))
    except (OSError, ValueError) as error:
        raise ValueError(f"SHIPD_OIDC: {path}: {error}") from error
    if len({issuer.url for issuer in issuers}) < len(issuers):
        raise ValueError(f"SHIPD_OIDC: {path}: two issuers have the same url; put both audiences into one")
    return issuers


def secure(url: str, *, of: str = "") -> bool:
    """Say whether what is fetched there comes from who it should: https, or all of it on this machine.

    `of` is the issuer's URL for one that its discovery names: a provider elsewhere must not send us to this machine.
    """
    here = urlsplit(url)
    if here.scheme == "https" and here.hostname:
        return True
    local = here.scheme == "http" and here.hostname in _LOOPBACK
    return local and (not of or urlsplit(of).hostname in _LOOPBACK)


def _issuer(number: int, table: object) -> Issuer:
    if not isinstance(table, dict):
        raise ValueError(f"issuer {number} is no table; write [[issuer]]")  # noqa: TRY004 - of a file
    read = _Table(f"issuer {number}", table)
    read.refuse_unknown()
    url = read.text("url")
    if not secure(url) or urlsplit(url).query or urlsplit(url).fragment:
        raise ValueError(f"issuer {number}: url {url!r} must be https (http on a loopback address), without ? and #")
    return Issuer(
        url=url,
        audience=read.words("audience", least=1),
        audience_claim=read.text("audience_claim", Issuer.audience_claim),
        clients=read.words("clients"),
        algorithms=read.algorithms(),
        role_claim=read.words("role_claim"),
        roles={name: read.role(f"roles.{name}", value) for name, value in read.table("roles").items()},
        default_role=read.default_role(),
        require=read.required(),
        skew_s=read.seconds("skew_s", Issuer.skew_s),
        network=read.flag("network"),
        static_check=read.text("static_check") if "static_check" in table else None,
        makes_keys=read.flag("makes_keys"),
    )


@dataclass(frozen=True)
class _Table:
    """Reads one table; every method raises ValueError that names the key."""

    where: str
    data: Mapping[str, object]

    def refuse_unknown(self) -> None:
        if unknown := sorted(self.data.keys() - _KEYS):
            raise ValueError(f"{self.where} has unknown keys {unknown}; there are {sorted(_KEYS)}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "a text that is not empty")
        return value

    def words(self, key: str, least: int = 0) -> tuple[str, ...]:
        value = self.data.get(key, [])
        listed = [value] if isinstance(value, str) else value
        if (
            not isinstance(listed, list)
            or len(listed) < least
            or not all(isinstance(one, str) and one for one in listed)
        ):
            raise self._wrong(key, "a text or a list of texts")
        return tuple(listed)

    def algorithms(self) -> tuple[str, ...]:
        found = self.words("algorithms") or Issuer.algorithms
        if unknown := sorted(set(found) - set(ALGORITHMS)):
            raise ValueError(f"{self.where}: algorithms {unknown} are not taken; there are {', '.join(ALGORITHMS)}")
        return found

    def table(self, key: str) -> Mapping[str, object]:
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return value

    def role(self, key: str, value: object) -> Role:
        if not isinstance(value, str) or value not in set(Role):
            raise ValueError(f"{self.where}: {key}={value!r} is no role; there are {', '.join(Role)}")
        return Role(value)

    def default_role(self) -> Role | None:
        value = self.data.get("default_role", Role.SUBMITTER.value)
        return None if value == NO_ROLE else self.role("default_role", value)

    def required(self) -> Mapping[str, str]:
        found = {name: value for name, value in self.table("require").items() if isinstance(value, str)}
        if found != self.table("require"):
            raise self._wrong("require", "a table of claims and their texts")
        return found

    def seconds(self, key: str, default: int) -> int:
        value = self.data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_SKEW_S:
            raise self._wrong(key, f"a whole number from 0 to {MAX_SKEW_S}")
        return value

    def flag(self, key: str) -> bool:
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def _wrong(self, key: str, accepted: str) -> ValueError:
        given = f"is {self.data[key]!r}" if key in self.data else "is missing"
        return ValueError(f"{self.where}: {key} {given}; it must be {accepted}")

"""The public keys of an identity provider: found by discovery, kept, and fetched again when they may have changed.

A token names its key, and anybody can make up a name: an unknown one has the keys fetched again, but never sooner than
`COOL_DOWN_S` after the last time, and one request alone waits for it. Keys that were fetched once are used for as long
as the provider cannot be reached.
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import urllib3
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jwk
from joserfc.errors import JoseError

from domain.errors import Unavailable
from domain.logging import logger
from domain.oidc_settings import Issuer, secure

COOL_DOWN_S = 10.0
MAX_AGE_S = 600.0
"""Keys are looked at again after that long, so that one that was withdrawn counts no more."""
TIMEOUT_S = 5.0
"""For both answers together."""
WAIT_S = 1.0
"""As long a request waits for what another one fetches."""
MAX_BYTES = 256 * 1024
MAX_KEYS = 100
KINDS = ("RSA", "EC", "OKP")
DISCOVERY = "/.well-known/openid-configuration"

PublicKey = jwk.RSAKey | jwk.ECKey | jwk.OKPKey
log = logger(__name__)


class ProviderError(Exception):
    """The provider does not answer, or not with what it should."""


class ProviderKeys:
    """The keys of one issuer, by `kid`; safe to share between threads."""

    def __init__(self, issuer: Issuer, *, cool_down_s: float = COOL_DOWN_S, max_age_s: float = MAX_AGE_S) -> None:
        self.issuer = issuer
        self._cool_down_s = cool_down_s
        self._max_age_s = max_age_s
        self._found: Mapping[str, PublicKey] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching = threading.Lock()

    def key(self, kid: str | None) -> PublicKey | None:
        """Find a key; None where there is none of this name, or no name where there are several.

        Raises Unavailable where the keys were never had, or are just being fetched.
        """
        if self._fetched_at is None:
            self._fetch_first()
        self._renew()
        found = self._look(kid)
        if found is None and kid is not None and self._due():
            self._fetch()
            found = self._look(kid)
        if found is None and self._fetching.locked():
            raise Unavailable(f"the keys of {self.issuer.url} are being fetched")
        return found

    def is_current(self, key: PublicKey) -> bool:
        """Say whether the issuer still has this key, as far as it was asked lately."""
        self._renew()
        return any(one is key for one in self._found.values())

    def _renew(self) -> None:
        """Have keys that are old fetched again, behind the request."""
        if self._fetched_at is not None and time.monotonic() - self._fetched_at > self._max_age_s and self._due():
            threading.Thread(target=self._fetch, name="oidc-keys", daemon=True).start()

    def _look(self, kid: str | None) -> PublicKey | None:
        if kid is not None:
            return self._found.get(kid)
        return next(iter(self._found.values())) if len(self._found) == 1 else None

    def _due(self) -> bool:
        return self._tried_at is None or time.monotonic() - self._tried_at >= self._cool_down_s

    def _fetch_first(self) -> None:
        if self._due():
            self._fetch()
        if self._fetched_at is None and self._fetching.acquire(timeout=WAIT_S):  # another thread fetches them
            self._fetching.release()
        if self._fetched_at is None:
            raise Unavailable(f"the keys of {self.issuer.url} were never had: the provider does not answer")

    def _fetch(self) -> None:
        """Fetch the keys, unless another thread does. What goes wrong is logged; what was had before stays."""
        if not self._fetching.acquire(blocking=False):
            return
        try:
            if not self._due():  # another thread was quicker
                return
            self._tried_at = time.monotonic()
            # One that is as before stays the same object, by which tokens are remembered.
            before = self._found
            self._found = {
                name: old if (old := before.get(name)) == key else key for name, key in fetch(self.issuer).items()
            }
            self._fetched_at = time.monotonic()
        except ProviderError as error:
            log.warning("oidc_keys_not_fetched", issuer=self.issuer.url, error=str(error))
        finally:
            self._fetching.release()


def fetch(issuer: Issuer) -> Mapping[str, PublicKey]:
    """Fetch an issuer's keys. Raises ProviderError."""
    with _Fetch(time.monotonic() + TIMEOUT_S, urllib3.PoolManager(retries=False, num_pools=2)) as get:
        about = get.json(issuer.url.rstrip("/") + DISCOVERY)
        if about.get("issuer") != issuer.url:
            raise ProviderError(f"its discovery is of another issuer, {str(about.get('issuer'))[:200]!r}")
        there = about.get("jwks_uri")
        if not isinstance(there, str) or not secure(there, of=issuer.url):
            raise ProviderError(f"its jwks_uri is {str(there)[:200]!r}; it must be https")
        return _keys(get.json(there).get("keys"))


def _keys(listed: object) -> Mapping[str, PublicKey]:
    """Read the keys that signatures can be checked with; those of other kinds and uses are left out."""
    if not isinstance(listed, list):
        raise ProviderError("its JWKS has no list of keys")
    found: dict[str, PublicKey] = {}
    for member in listed[:MAX_KEYS]:
        key = _key(member)
        if key is not None:
            found[key.kid or key.thumbprint()] = key
    if not found:
        raise ProviderError("its JWKS has no key for signatures")
    return found


def _key(member: object) -> PublicKey | None:
    # A symmetric one would be a secret that it told everybody: whoever read it could sign.
    if not isinstance(member, dict) or member.get("kty") not in KINDS or member.get("use", "sig") != "sig":
        return None
    try:
        key = jwk.import_key(member)
    except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return None
    return None if isinstance(key, jwk.OctKey) else key


@dataclass
class _Fetch:
    """Fetches JSON until a moment, without following anybody elsewhere."""

    deadline: float
    pool: urllib3.PoolManager

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.clear()

    def json(self, url: str) -> Mapping[str, object]:
        try:
            answer = json.loads(self._read(url))
        except (urllib3.exceptions.HTTPError, OSError, ValueError, RecursionError) as error:
            raise ProviderError(f"{url}: {error}") from error
        if not isinstance(answer, dict):
            raise ProviderError(f"{url}: the answer is no JSON object")
        return answer

    def _read(self, url: str) -> bytes:
        timeout = urllib3.Timeout(total=max(0.01, self.deadline - time.monotonic()))
        answer = self.pool.request("GET", url, redirect=False, preload_content=False, timeout=timeout)
        try:
            if answer.status != 200:
                raise ProviderError(f"{url}: answered {answer.status}")
            data = b""
            while chunk := answer.read1(MAX_BYTES, decode_content=False):
                data += chunk
                if len(data) > MAX_BYTES:
                    raise ProviderError(f"{url}: the answer has more than {MAX_BYTES} bytes")
                if time.monotonic() > self.deadline:
                    raise ProviderError(f"{url}: the answer took more than {TIMEOUT_S} s")
            return data
        finally:
            answer.close()

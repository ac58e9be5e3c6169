"""The URL of a webhook (pure): read strictly, so that what is checked here is what is called later.

Which addresses a name means is no matter of its text: that is looked at when it is called (`workers/outgoing.py`).
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, urlsplit

import idna

from domain.addresses import Address
from domain.webhook_settings import HTTP_PORT, HTTPS_PORT, WebhookSettings

MAX_URL_CHARS = 2048
MAX_NAME_CHARS = 253
_DEFAULT_PORTS = {"https": HTTPS_PORT, "http": HTTP_PORT}
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# What a C library reads as an address in one of its older forms: 127.1, 0x7f.1, 017700000001, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HOST = "name a host: https://example.org/path"
_KEPT_IN_PATH = "/%:@!$&'()*+,;=~-._"


class BadUrl(ValueError):  # noqa: N818 - what it is, not that it is an error
    """The text cannot be a webhook's URL; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Target:
    """Where a webhook goes."""

    scheme: str
    host: str
    """A name in ASCII without the dot at its end, or an address as text without brackets."""
    port: int
    path: str
    """With the query; all ASCII."""

    @property
    def address(self) -> Address | None:
        """The address, where the host is none but a name."""
        return _address(self.host)

    @property
    def url_host(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host


def parse(text: str, rules: WebhookSettings) -> Target:
    """Read a URL that this deployment would call. Raises BadUrl."""
    _check_characters(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadUrl(f"it is no URL: {error}", _HOST) from None
    _check_scheme(parts.scheme, http=rules.http)
    if "@" in parts.netloc:
        raise BadUrl("it holds a user name or a password", "take it out: deliveries are signed with the secret")
    if parts.fragment or text.endswith("#"):
        raise BadUrl("it has a fragment, which is never sent", "take out # and what follows")
    if parts.netloc.endswith(":") or port == 0:
        raise BadUrl("its port is missing behind the colon", "write a number, or leave out the colon")
    host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
    port = port or _DEFAULT_PORTS[parts.scheme]
    if port not in rules.ports:
        listed = ", ".join(map(str, rules.ports))
        raise BadUrl(f"port {port} is not open for webhooks here", f"use one of {listed}")
    path = quote(parts.path or "/", safe=_KEPT_IN_PATH)
    query = quote(parts.query, safe=_KEPT_IN_PATH + "?")
    target = Target(parts.scheme, host, port, f"{path}?{query}" if query else path)
    _check_address(target, rules)
    return target


def host_of(text: str) -> str:
    """Give the host of a URL that was parsed when it was kept: who shares one, shares a limit."""
    return (urlsplit(text).hostname or "").removesuffix(".")


def _check_characters(text: str) -> None:
    if len(text) > MAX_URL_CHARS:
        raise BadUrl(f"it has {len(text)} characters, more than {MAX_URL_CHARS}", "shorten it")
    if any(char in " \\" or not char.isprintable() for char in text):
        hint = "percent-encode what belongs to the path, and take out the rest"
        raise BadUrl("it holds a space, a backslash or a control character", hint)


def _check_scheme(scheme: str, *, http: bool) -> None:
    if scheme == "https" or (http and scheme == "http"):
        return
    accepted = "https:// or http://" if http else "https://"
    raise BadUrl(f"it must start with {accepted}", "use a receiver that speaks https" if scheme == "http" else _HOST)


def _host(written: str, *, bracketed: bool) -> str:
    """Give the host as it will be asked for and shown in TLS."""
    if bracketed:
        return _ipv6(written)
    name = _ascii(written.lower()).removesuffix(".")
    if not name or len(name) > MAX_NAME_CHARS or not _NAME.fullmatch(name):
        raise BadUrl("its host is no name and no address", _HOST)
    if _NUMBER.fullmatch(name.rpartition(".")[2]) and _address(name) is None:
        raise BadUrl("its host is an address in a form that is not taken", "write it as 203.0.113.7, or use a name")
    return name


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise BadUrl(f"its host is no name: {error}", "write it in its xn-- form") from None


def _ipv6(written: str) -> str:
    try:
        address = IPv6Address(written)
    except AddressValueError:
        raise BadUrl("its host is no IPv6 address", "write it as [2001:4860::8888]") from None
    if address.scope_id is not None:
        raise BadUrl("its host is an address with a zone", "use a global address")
    return address.compressed


def _address(host: str) -> Address | None:
    for kind in (IPv4Address, IPv6Address):
        try:
            return kind(host)
        except AddressValueError:
            continue
    return None


def _check_address(target: Target, rules: WebhookSettings) -> None:
    address = target.address
    reason = None if address is None else rules.reach.refusal(address)
    if reason is not None:
        raise BadUrl(f"{target.host} must not be called: {reason}", "use a receiver on the public internet")

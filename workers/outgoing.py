"""One HTTP request to a receiver that nobody trusts, at an address that was looked at.

Its name is resolved once, every address that comes is checked, and the connection is made to one of those: a name that
means something else a moment later changes nothing. TLS asks for and verifies the name. Redirects are not followed,
proxies of the environment are not asked, and all of it together has one deadline, however slowly bytes trickle.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import httpcore
from httpcore._backends.base import SOCKET_OPTION  # the type of a parameter that we must have

from domain.addresses import Address, Reach
from domain.logging import logger
from domain.webhook_url import Target

MAX_ANSWER_BYTES = 4096
"""Of the body; no more is read."""
MAX_RECEIVED_BYTES = 256 * 1024
"""Of all that comes, headers, chunk sizes and what TLS leaves of it: more is a flood."""

log = logger(__name__)

Resolve = Callable[[str, int], Sequence[Address]]
"""Gives the addresses of a name. Raises OSError."""


class Refused(Exception):  # noqa: N818 - what we do, not what went wrong
    """The receiver must not be called."""


class Unreached(Exception):  # noqa: N818
    """The receiver gave no answer in time, or none that is HTTP."""


@dataclass(frozen=True)
class Answer:
    """What a receiver answered."""

    status: int
    body: bytes
    """Its beginning."""


@dataclass(frozen=True)
class Sender:
    """Sends requests; safe to share between threads."""

    reach: Callable[[], Reach]
    """What may be called, now."""
    context: ssl.SSLContext
    resolve: Resolve
    timeout_s: float = 10.0

    def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a body. Raises Refused, Unreached."""
        deadline = Deadline(self.timeout_s)
        addresses = self._addresses(target, deadline)
        backend = _Pinned(addresses, deadline)
        try:
            with httpcore.ConnectionPool(ssl_context=self.context, network_backend=backend, retries=0) as pool:
                return _exchange(pool, target, headers, body)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            if deadline.over:
                raise Unreached(f"no answer within {self.timeout_s:g} s") from error
            raise Unreached(f"{_kind(error)}: {error}" if str(error) else _kind(error)) from error

    def _addresses(self, target: Target, deadline: "Deadline") -> Sequence[Address]:
        """Give the addresses to try, all of them allowed: one that is not makes the name one that is not called."""
        literal = target.address
        found = (literal,) if literal is not None else self._resolved(target, deadline)
        reach = self.reach()
        for address in found:
            reason = reach.refusal(address)
            if reason is not None:
                # Whoever registered a name reads this: what it means within our network is for our log alone.
                log.warning("receiver_refused", host=target.host, address=str(address), reason=reason)
                raise Refused(f"{target.host} is at an address that must not be called: {reason}")
        return found

    def _resolved(self, target: Target, deadline: "Deadline") -> Sequence[Address]:
        """Resolve a name, in a thread: getaddrinfo cannot be called off, and one that is late ends by itself."""
        found: list[Sequence[Address]] = []
        failed: list[OSError] = []

        def look() -> None:
            try:
                found.append(self.resolve(target.host, target.port))
            except OSError as error:
                failed.append(error)

        thread = threading.Thread(target=look, name="resolve", daemon=True)
        thread.start()
        thread.join(deadline.left())
        if failed:
            raise Unreached(f"{target.host} cannot be resolved: {failed[0]}")
        if not found:
            raise Unreached(f"{target.host} cannot be resolved within {self.timeout_s:g} s")
        if not found[0]:
            raise Unreached(f"{target.host} has no address")
        return found[0]


def resolve(name: str, port: int) -> Sequence[Address]:
    """Ask the system for all addresses of a name, in the order to try. Raises OSError."""
    try:
        answers = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from error
    return tuple(dict.fromkeys(ip_address(str(answer[4][0])) for answer in answers))


class Deadline:
    """A moment by which all must be over."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Give the seconds that are left; never nothing, which would mean not to wait at all."""
        return max(0.001, self._at - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self._at


class _Pinned(httpcore.NetworkBackend):
    """Connects to the addresses that were checked, whatever host it is told."""

    def __init__(self, addresses: Sequence[Address], deadline: Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Try one address after the other, each with a fair part of the time that is left."""
        del host, timeout, local_address
        last: Exception | None = None
        for tried, address in enumerate(self._addresses):
            part_s = self._deadline.left() / (len(self._addresses) - tried)
            try:
                stream = self._plain.connect_tcp(str(address), port, part_s, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
                continue
            return _Timed(stream, self._deadline)
        raise last or httpcore.ConnectError("there is no address to connect to")


class _Timed(httpcore.NetworkStream):
    """A stream whose every wait ends at the deadline, and that takes no more than so many bytes in all."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._room = MAX_RECEIVED_BYTES

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, while there is time and room."""
        del timeout
        if self._deadline.over:
            raise httpcore.ReadTimeout("the time is over")
        data = self._stream.read(max_bytes, self._deadline.left())
        self._room -= len(data)
        if self._room < 0:
            raise httpcore.ReadError(f"more than {MAX_RECEIVED_BYTES} bytes came before the answer was whole")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write a piece at a time: each has no longer than what is left."""
        del timeout
        for start in range(0, len(buffer), MAX_ANSWER_BYTES):
            if self._deadline.over:
                raise httpcore.WriteTimeout("the time is over")
            self._stream.write(buffer[start : start + MAX_ANSWER_BYTES], self._deadline.left())

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Have the receiver show a certificate for its name."""
        del timeout
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> object:
        """Say what the socket is."""
        return self._stream.get_extra_info(info)


def _exchange(pool: httpcore.ConnectionPool, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
    url = httpcore.URL(
        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
    )
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    host = target.url_host if target.port == _DEFAULT[target.scheme] else f"{target.url_host}:{target.port}"
    sent += [(b"Host", host.encode()), (b"Content-Length", str(len(body)).encode()), (b"Connection", b"close")]
    with pool.stream("POST", url, headers=sent, content=body) as answer:
        return Answer(answer.status, _beginning(answer.iter_stream()))


_DEFAULT = {"https": 443, "http": 80}


def _beginning(pieces: Iterable[bytes]) -> bytes:
    """Read the beginning of a body. One that breaks off later is as good: the status is known."""
    found = b""
    try:
        for piece in pieces:
            found += piece
            if len(found) >= MAX_ANSWER_BYTES:
                break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        pass
    return found[:MAX_ANSWER_BYTES]


def _kind(error: Exception) -> str:
    """Name a fault in words that mean something to whoever runs the receiver."""
    kinds: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], str]] = (
        (httpcore.TimeoutException, "no answer in time"),
        (httpcore.ConnectError, "cannot connect"),
        (httpcore.ProtocolError, "the answer is not HTTP"),
        (ssl.SSLError, "TLS failed"),
    )
    return next((words for kind, words in kinds if isinstance(error, kind)), "the connection broke")

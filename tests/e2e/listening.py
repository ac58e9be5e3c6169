"""A client that listens, over a plain socket: what stands on the wire, and nothing that a library would hide."""

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from domain import live
from domain.live import Live

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Heard:
    """One event."""

    id: str | None
    name: str
    data: Mapping[str, object]


class Connection:
    """One connection to the API, kept open for as long as the server keeps it."""

    def __init__(self, url: str, api_key: str, *, receive_bytes: int | None = None) -> None:
        host = urlsplit(url)
        self._api_key = api_key
        self._host = host.netloc
        self.socket = socket.socket()
        self.socket.settimeout(TIMEOUT_S)
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect((host.hostname, host.port))
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self.socket.close()

    def head(self, method: str, path: str, headers: Mapping[str, str], version: str = "1.1") -> bytes:
        """Write the head of a request."""
        all_headers = {"Host": self._host, "Authorization": f"Bearer {self._api_key}", **headers}
        lines = [f"{method} {path} HTTP/{version}", *(f"{name}: {value}" for name, value in all_headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> None:
        """Send a request."""
        data = b"" if body is None else json.dumps(body).encode()
        own = {"Content-Type": "application/json", "Content-Length": str(len(data))} if body is not None else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.socket.sendall(self.head(method, path, own | named) + data)

    def status(self) -> tuple[int, dict[str, str]]:
        """Read status and headers."""
        line = self._file.readline()
        headers = {}
        while (header := self._file.readline().strip()) != b"":
            name, _, value = header.decode().partition(": ")
            headers[name.lower()] = value
        return int(line.split()[1]), headers

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read a whole answer of a known length."""
        status, headers = self.status()
        return status, headers, self._file.read(int(headers.get("content-length", "0")))

    def chunks(self) -> Iterator[bytes]:
        """Read a body in chunks up to its end. Raises EOFError where the connection ends before."""
        while True:
            size = self._file.readline()
            if not size:
                raise EOFError
            data = self._file.read(int(size, 16))
            if self._file.readline() != b"\r\n":
                raise EOFError
            if not data:
                return
            yield data

    def events(self) -> Iterator[Heard]:
        """Read events up to the end of the stream. Raises EOFError where the connection ends before."""
        rest = b""
        for chunk in self.chunks():
            *blocks, rest = (rest + chunk).split(b"\n\n")
            yield from (_heard(block) for block in blocks if b"event: " in block)

    def rest(self) -> bytes:
        """Read whatever comes up to the end of the connection."""
        return self._file.read()


def teller(redis_url: str) -> Live:
    """Tell events as a worker does, but to a Redis that may take its time: what it does not take in time is lost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "TIMEOUT_S", 10.0)
        return Live(redis_url)


def tell_end(told: Live, execution_id: UUID) -> None:
    """Tell that an execution ended, whatever its program does: who listens to it is let go."""
    told.append(execution_id, "done", {"state": "done", "verdict": "OK", "reason": None})


def _heard(block: bytes) -> Heard:
    fields = dict(line.split(": ", 1) for line in block.decode().splitlines())
    return Heard(fields.get("id"), fields["event"], json.loads(fields["data"]))

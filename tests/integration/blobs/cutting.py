"""A proxy in front of a server on this machine that cuts or holds connections in the middle of what they carry."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

CHUNK_BYTES = 64 * 1024


class Cutting:
    """Listens on a port of its own; passes everything on until it is told otherwise. A context manager."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._most: int | None = None
        self._uploads = self._hold = False
        self._open: list[socket.socket] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def cut_after(self, most: int, *, uploads: bool = False) -> None:
        """Cut every connection that carried so many bytes to its client, or with `uploads` from it."""
        self._most, self._uploads, self._hold = most, uploads, False

    def hold_after(self, most: int) -> None:
        """Pass nothing more to a client after so many bytes, and leave its connection open."""
        self._most, self._uploads, self._hold = most, False, True

    def pass_all(self) -> None:
        """Pass everything on."""
        self._most = None

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._open):
            _end(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # it is over
                return
            server = socket.create_connection(("127.0.0.1", self._behind))
            self._open += [client, server]
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, upload: bool) -> None:
        carried = 0
        try:
            while data := source.recv(CHUNK_BYTES):
                carried += len(data)
                if self._most is not None and upload == self._uploads and carried > self._most:
                    if self._hold:
                        return
                    break
                target.sendall(data)
        except OSError:  # the other direction has ended both
            return
        for one in (source, target):
            _end(one)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended before
        one.shutdown(socket.SHUT_RDWR)
    one.close()

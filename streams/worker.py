"""gunicorn's worker of the stream process: gevent's, but its connections come from the API process.

gunicorn app.wsgi:application --worker-class streams.worker.StreamWorker --bind unix:STATE/stream.sock --umask 0o177
"""

import io
import json
import resource
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import gevent
from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.workers.ggevent import GeventWorker

from streams import TAKEN, ending, passing, role

UNSENT_BYTES = 128 * 1024
"""What the kernel keeps for a slow client, on top of what we keep."""
SILENT_MS = 60_000
"""A client that confirms nothing for so long is gone."""


@dataclass(frozen=True)
class Head:
    """What gunicorn's answer asks of a request."""

    method: str
    version: tuple[int, int]
    headers: tuple[tuple[str, str], ...] = ()

    def should_close(self) -> bool:
        """Say that the connection ends with the answer: nothing here reads a second request."""
        return True


class StreamWorker(GeventWorker):  # type: ignore[misc] # gunicorn's has no types
    """Serves requests whose heads another process has read."""

    def init_process(self) -> None:
        """Allow as many descriptors as the system does, then go on as gevent's worker."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        role.serve_streams()
        super().init_process()

    def handle_exit(self, sig: int, frame: object) -> None:
        """End in order: streams end at once, and their clients come back to the next process."""
        super().handle_exit(sig, frame)
        gevent.spawn(ending.tell)

    def handle(self, listener: socket.socket, client: socket.socket, addr: object) -> None:
        """Take one connection, and answer on it."""
        del listener, addr
        try:
            with client:
                taken = passing.take(client)
        except OSError as error:
            self.log.warning("a connection was not taken over: %s", error)
            return
        if taken is not None:
            self._serve(json.loads(taken[0]), socket.socket(fileno=taken[1]))

    def _serve(self, message: Mapping[str, Any], client: socket.socket) -> None:
        try:
            client.setblocking(True)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT_BYTES)
            if client.family != socket.AF_UNIX:  # a proxy's on this machine is not silent
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_MS)
            self._answer(message, client)
        except OSError as error:
            self.log.debug("the client went away: %s", error)
        except gevent.GreenletExit:
            self.log.debug("ended before its answer was complete")
        except Exception:
            self.log.exception("Error handling request")
        finally:
            util.close_graceful(client)

    def _answer(self, message: Mapping[str, Any], client: socket.socket) -> None:
        environ = self._environ(message, client)
        version = (1, 1) if environ["SERVER_PROTOCOL"] == "HTTP/1.1" else (1, 0)
        answer = wsgi.Response(Head(environ["REQUEST_METHOD"], version), client, self.cfg)
        answer.force_close()
        pieces: Iterable[bytes] = self.wsgi(environ, answer.start_response)
        try:
            for piece in pieces:
                answer.write(piece)
            if answer.status is not None:  # a WebSocket's is written by itself
                answer.close()
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def _environ(self, message: Mapping[str, Any], client: socket.socket) -> dict[str, Any]:
        return {
            **wsgi.base_environ(self.cfg),
            "wsgi.multithread": True,
            "wsgi.input": io.BytesIO(),
            "gunicorn.socket": client,
            **message["environ"],
            TAKEN: message,
        }
